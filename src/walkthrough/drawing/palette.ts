/** The colours of the page, as the style sheet defines them for light and dark. */

/** Red, green and blue, from 0 to 255. */
export type Colour = readonly [number, number, number];

/** The colours of pictures and maps. */
export interface Palette {
  /** What is −1 in a picture, and what is 1. */
  readonly paper: Colour;
  readonly ink: Colour;
  /** Below and above zero in a map of signed numbers. */
  readonly below: Colour;
  readonly above: Colour;
}

const palettes = new Map<boolean, Palette>();

/** The palette of the scheme that the reader prefers at present: always the same object for the same scheme. */
export function currentPalette(): Palette {
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const known = palettes.get(dark) ?? readPalette();
  palettes.set(dark, known);
  return known;
}

/** Reads custom properties that hold three numbers, as `--ink: 20 20 20`. */
function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string): Colour => {
    const [red = 0, green = 0, blue = 0] = style.getPropertyValue(name).trim().split(/\s+/).map(Number);
    return [red, green, blue];
  };
  return { paper: read('--picture-paper'), ink: read('--picture-ink'), below: read('--below'), above: read('--above') };
}

/** The colour between two: `from` for amounts up to 0, `to` from 1 on. */
export function mix(from: Colour, to: Colour, amount: number): Colour {
  const part = Math.min(Math.max(amount, 0), 1);
  return [from[0] + (to[0] - from[0]) * part, from[1] + (to[1] - from[1]) * part, from[2] + (to[2] - from[2]) * part];
}
