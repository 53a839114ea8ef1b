/** Numbers as pixels. The canvas has one pixel for each number; the style sheet magnifies it without smoothing. */
import { currentPalette, mix, type Colour, type Palette } from './palette.ts';
import { element } from './dom.ts';

/** From a number to its colour. */
export type Ramp = (value: number, palette: Palette) => Colour;

/** −1 is paper, 1 is ink; what lies outside is cut off. */
export const asPicture: Ramp = (value, { paper, ink }) => mix(paper, ink, (value + 1) / 2);

/** 0 is paper; `extent` and −`extent` are the two strongest colours. */
export const asSigned = (extent: number): Ramp => (value, { paper, below, above }) =>
  mix(paper, value < 0 ? below : above, Math.abs(value) / extent);

/** 0 is paper, `most` the strongest colour. */
export const asShare = (most: number): Ramp => (value, { paper, above }) => mix(paper, above, value / most);

/** @param label what the picture is; without one it is for the eye only, for what surrounds it says all */
export function pictureCanvas(label: string, className = 'picture'): HTMLCanvasElement {
  return element('canvas', label === '' ? { class: className, 'aria-hidden': 'true' } : { class: className, role: 'img', 'aria-label': label });
}

export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** Row by row. */
  readonly values: ArrayLike<number>;
}

/** Draws numbers, or clears the canvas when there are none yet. */
export function paint(canvas: HTMLCanvasElement, pixels: Pixels | undefined, ramp: Ramp): void {
  paintColours(canvas, pixels && { width: pixels.width, height: pixels.height, colourAt: colouring(pixels, ramp) });
}

function colouring({ values }: Pixels, ramp: Ramp): (index: number) => Colour {
  const palette = currentPalette();
  return (index) => ramp(values[index], palette);
}

/** Draws the colour of each pixel, counted row by row. */
export function paintColours(
  canvas: HTMLCanvasElement, area: { readonly width: number; readonly height: number; colourAt(index: number): Colour } | undefined,
): void {
  const context = canvas.getContext('2d')!;
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
    image.data.set([red, green, blue, 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
}
