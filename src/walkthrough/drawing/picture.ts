/** Numbers as pixels. The canvas has one pixel for each number; the style sheet magnifies it without smoothing. */
import { present } from '../checked.ts';
import { side } from '../study.ts';
import { currentPalette, mix, type Colour, type Palette } from './palette.ts';
import { element } from './dom.ts';

/** From numbers to colours. */
export interface Ramp {
  /** Ramps of one name are the same. */
  readonly name: string;
  colour(value: number, palette: Palette): Colour;
}

/** −1 is paper, 1 is ink; what lies outside is cut off. */
export const asPicture: Ramp = { name: 'picture', colour: (value, { paper, ink }) => mix(paper, ink, (value + 1) / 2) };

/** What lies farther out than so much is beyond paper and ink, and not just by a hair. */
export const farOut = 1.25;

/** The same, with what lies far beyond ink, and what far beyond paper, in the colours of what is above and below. */
export const asOvershot: Ramp = {
  name: 'overshot',
  colour(value, palette) {
    if (Math.abs(value) <= farOut) return asPicture.colour(value, palette);
    return value < 0 ? palette.below : palette.above;
  },
};

/** 0 is paper; `extent` and −`extent` are the two strongest colours. */
export const asSigned = (extent: number): Ramp => ({
  name: `signed ${extent}`,
  colour: (value, { paper, below, above }) => mix(paper, value < 0 ? below : above, Math.abs(value) / extent),
});

/** 0 is paper, `most` the strongest colour. */
export const asShare = (most: number): Ramp => ({
  name: `share ${most}`,
  colour: (value, { paper, above }) => mix(paper, above, value / most),
});

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
  readonly ramp: string;
  readonly palette: Palette;
}
const painted = new WeakMap<HTMLCanvasElement, Painted>();

/** Draws numbers, or clears the canvas when there are none yet. */
export function paint(canvas: HTMLCanvasElement, pixels: Pixels | undefined, ramp: Ramp): void {
  if (!pixels) {
    paintColours(canvas, undefined);
    return;
  }
  const palette = currentPalette();
  const { width, height, values } = pixels;
  const before = painted.get(canvas);
  if (before && sameNumbers(before.values, values) && before.ramp === ramp.name && before.palette === palette) return;
  paintColours(canvas, { width, height, colourAt: (index) => ramp.colour(values[index] ?? NaN, palette) });
  painted.set(canvas, { values, ramp: ramp.name, palette });
}

/** Draws a letter, [H,W] from −1 to 1, or clears the canvas when there is none yet. */
export function paintLetter(canvas: HTMLCanvasElement, values: ArrayLike<number> | undefined, ramp = asPicture): void {
  paint(canvas, values && { width: side, height: side, values }, ramp);
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

/** Draws the colour of each pixel, counted row by row. */
export function paintColours(
  canvas: HTMLCanvasElement,
  area: { readonly width: number; readonly height: number; colourAt(index: number): Colour } | undefined,
): void {
  const context = present(canvas.getContext('2d'), 'way to draw on a canvas');
  painted.delete(canvas);
  if (!area) {
    context.clearRect(0, 0, canvas.width, canvas.height);
    canvas.classList.add('waiting');
    return;
  }
  canvas.classList.remove('waiting');
  const { width, height } = area;
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    const [red, green, blue] = area.colourAt(i);
    image.data[4 * i] = red;
    image.data[4 * i + 1] = green;
    image.data[4 * i + 2] = blue;
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}
