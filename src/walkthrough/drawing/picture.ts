/** Numbers as pixels. The canvas has one pixel for each number; the style sheet magnifies it without smoothing. */
import { present } from '../checked.ts';
import { side } from '../study.ts';
import { currentPalette, mix, type Colour, type Palette } from './palette.ts';
import { element } from './dom.ts';
import { inTurn, outOfTurn } from './turns.ts';

/** From numbers to colours. */
export interface Ramp {
  /** Which colours it has: see `colours`. */
  readonly kind: 'picture' | 'overshot' | 'signed' | 'share';
  /** What lies outside is cut off. */
  readonly least: number;
  readonly most: number;
}

/** −1 is paper, 1 is ink. */
export const asPicture: Ramp = { kind: 'picture', least: -1, most: 1 };

/** What lies farther out than so much is beyond paper and ink, and not just by a hair. */
export const farOut = 1.25;

/** A little farther out still, so that a ramp has a place for it at either end. */
const beyond = farOut + 0.01;

/** The same, with what lies far beyond ink, and what far beyond paper, in the colours of what is above and below. */
export const asOvershot: Ramp = { kind: 'overshot', least: -beyond, most: beyond };

/** 0 is paper; `extent` and −`extent` are the two strongest colours. */
export const asSigned = (extent: number): Ramp => ({ kind: 'signed', least: -extent, most: extent });

/** 0 is paper, `most` the strongest colour. */
export const asShare = (most: number): Ramp => ({ kind: 'share', least: 0, most });

/** The colour at a place of a ramp, from 0 to 1. */
const colours: Readonly<Record<Ramp['kind'], (place: number, palette: Palette) => Colour>> = {
  picture: (place, { paper, ink }) => mix(paper, ink, place),
  overshot: (place, { paper, ink, below, above }) => {
    const value = (2 * place - 1) * beyond;
    if (Math.abs(value) <= farOut) return mix(paper, ink, (value + 1) / 2);
    return value < 0 ? below : above;
  },
  signed: (place, { paper, below, above }) => mix(paper, place < 0.5 ? below : above, Math.abs(2 * place - 1)),
  share: (place, { paper, above }) => mix(paper, above, place),
};

/** Colours of a ramp that are told apart. */
const shadeCount = 511;
const shades = new WeakMap<Palette, Map<Ramp['kind'], Uint32Array>>();

/** The colours of a ramp from its least to its most, as pixels: to look one up is much quicker than to mix it. */
function shadesOf(kind: Ramp['kind'], palette: Palette): Uint32Array {
  const known = shades.get(palette) ?? new Map<Ramp['kind'], Uint32Array>();
  shades.set(palette, known);
  const found =
    known.get(kind) ??
    Uint32Array.from({ length: shadeCount }, (_, i) => pixelOf(colours[kind](i / (shadeCount - 1), palette)));
  known.set(kind, found);
  return found;
}

/** Red, green, blue and full opacity, in the order of their bytes. */
function pixelOf([red, green, blue]: Colour): number {
  return ((255 << 24) | (Math.round(blue) << 16) | (Math.round(green) << 8) | Math.round(red)) >>> 0;
}

/**
 * A canvas for a picture.
 * @param label what the picture is; without one it is for the eye only, for what surrounds it says all
 * @param className of the style sheet
 */
export function pictureCanvas(label: string, className = 'picture'): HTMLCanvasElement {
  return element(
    'canvas',
    label === '' ? { class: className, 'aria-hidden': 'true' } : { class: className, role: 'img', 'aria-label': label },
  );
}

/** Numbers to be shown as pixels. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** Row by row. */
  readonly values: ArrayLike<number>;
}

/** What a canvas shows, so that it is not drawn again without need. */
interface Painted {
  readonly values: ArrayLike<number>;
  readonly ramp: Ramp;
  readonly palette: Palette;
}
const painted = new WeakMap<HTMLCanvasElement, Painted>();

/** Draws numbers, or clears the canvas when there are none yet. */
export function paint(canvas: HTMLCanvasElement, pixels: Pixels | undefined, ramp: Ramp): void {
  if (!pixels) {
    clear(canvas);
    return;
  }
  const next: Painted = { values: pixels.values, ramp, palette: currentPalette() };
  const before = painted.get(canvas);
  if (before && areSame(before, next)) return;
  painted.set(canvas, next);
  inTurn(canvas, () => put(canvas, pixels, shaded(pixels, next)));
}

/** Draws a letter, [H,W] from −1 to 1, or clears the canvas when there is none yet. */
export function paintLetter(canvas: HTMLCanvasElement, values: ArrayLike<number> | undefined, ramp = asPicture): void {
  paint(canvas, values && { width: side, height: side, values }, ramp);
}

/** Draws the colour of each pixel, row by row. */
export function paintColours(
  canvas: HTMLCanvasElement,
  area: { readonly width: number; readonly height: number; readonly colours: readonly Colour[] },
): void {
  painted.delete(canvas);
  inTurn(canvas, () => put(canvas, area, Uint32Array.from(area.colours, pixelOf)));
}

function areSame(a: Painted, b: Painted): boolean {
  const isRamp = a.ramp.kind === b.ramp.kind && a.ramp.least === b.ramp.least && a.ramp.most === b.ramp.most;
  return isRamp && a.palette === b.palette && sameNumbers(a.values, b.values);
}

/** Whether two are the same part of the same memory. Numbers that have been computed do not change. */
function sameNumbers(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a === b) return true;
  return (
    ArrayBuffer.isView(a) &&
    ArrayBuffer.isView(b) &&
    a.buffer === b.buffer &&
    a.byteOffset === b.byteOffset &&
    a.byteLength === b.byteLength
  );
}

/** The pixels of numbers. */
function shaded({ width, height, values }: Pixels, { ramp: { kind, least, most }, palette }: Painted): Uint32Array {
  const table = shadesOf(kind, palette);
  const perShade = (shadeCount - 1) / (most - least);
  const found = new Uint32Array(width * height);
  for (let i = 0; i < found.length; i++) {
    const place = Math.round(((values[i] ?? NaN) - least) * perShade);
    found[i] = table[Math.min(Math.max(place, 0), shadeCount - 1)] ?? 0;
  }
  return found;
}

/** Shows that there is nothing to see yet. */
function clear(canvas: HTMLCanvasElement): void {
  wipe(canvas);
  canvas.classList.add('waiting');
}

/** Takes away what a canvas shows, and what it waits to show. One that shows nothing has nothing to be wiped off. */
export function wipe(canvas: HTMLCanvasElement): void {
  outOfTurn(canvas);
  painted.delete(canvas);
  if (drawn.delete(canvas)) contextOf(canvas).clearRect(0, 0, canvas.width, canvas.height);
}

/** Canvases that show something. */
const drawn = new WeakSet<HTMLCanvasElement>();

function put(
  canvas: HTMLCanvasElement,
  { width, height }: { readonly width: number; readonly height: number },
  pixels: Uint32Array,
): void {
  drawn.add(canvas);
  canvas.classList.remove('waiting');
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = contextOf(canvas);
  const image = context.createImageData(width, height);
  new Uint32Array(image.data.buffer).set(pixels);
  context.putImageData(image, 0, 0);
}

function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  return present(canvas.getContext('2d'), 'way to draw on a canvas');
}
