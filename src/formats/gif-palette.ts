/** The colours of a GIF: at most 256. */
import { at } from '../tensor/at.ts';
import type { Picture } from './picture.ts';

/** A table of colours, and where in it the pixels of a picture are. */
export interface Palette {
  /** 256 colours: red, green, blue. */
  readonly table: Uint8Array;
  /** The number of each pixel's colour. */
  readonly indicesOf: (picture: Picture) => Uint8Array;
}

/** The colours of all pictures, if they are at most 256, or 6 levels of red, 7 of green and 6 of blue. */
export function paletteOf(pictures: readonly Picture[]): Palette {
  const colours = coloursOf(pictures);
  if (!colours) return { table: tableOf(levels), indicesOf: (picture) => mapped(picture, nearestLevel) };
  const places = new Map(colours.map((colour, i) => [colour, i]));
  return { table: tableOf(colours), indicesOf: (picture) => mapped(picture, (colour) => places.get(colour) ?? 0) };
}

/** All colours in the order in which they come, as 0xrrggbb; undefined where they are more than 256. */
function coloursOf(pictures: readonly Picture[]): readonly number[] | undefined {
  const colours = new Set<number>();
  for (const picture of pictures) {
    for (let i = 0; i < picture.width * picture.height; i++) colours.add(colourAt(picture, i));
    if (colours.size > 256) return undefined;
  }
  return [...colours];
}

function colourAt({ channels, pixels }: Picture, i: number): number {
  const [red, green, blue] = channels === 1 ? [i, i, i] : [3 * i, 3 * i + 1, 3 * i + 2];
  return (at(pixels, red) << 16) | (at(pixels, green) << 8) | at(pixels, blue);
}

const [reds, greens, blues] = [6, 7, 6];
const level = (count: number, i: number): number => Math.round((255 * i) / (count - 1));

const levels: readonly number[] = Array.from({ length: reds * greens * blues }, (_, i) => {
  const [red, green, blue] = [Math.floor(i / (greens * blues)), Math.floor(i / blues) % greens, i % blues];
  return (level(reds, red) << 16) | (level(greens, green) << 8) | level(blues, blue);
});

/** The place of the nearest colour in `levels`. */
function nearestLevel(colour: number): number {
  const nearest = (value: number, count: number): number => Math.round(((value & 255) * (count - 1)) / 255);
  return (nearest(colour >> 16, reds) * greens + nearest(colour >> 8, greens)) * blues + nearest(colour, blues);
}

function mapped(picture: Picture, indexOf: (colour: number) => number): Uint8Array {
  return Uint8Array.from({ length: picture.width * picture.height }, (_, i) => indexOf(colourAt(picture, i)));
}

function tableOf(colours: readonly number[]): Uint8Array {
  const table = new Uint8Array(3 * 256);
  for (const [i, colour] of colours.entries()) table.set([colour >> 16, (colour >> 8) & 255, colour & 255], 3 * i);
  return table;
}
