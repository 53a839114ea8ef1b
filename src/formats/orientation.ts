/** How a picture was held when it was taken (EXIF 2.32, tag 0x0112), and how it is turned upright. */

/** 1 is upright; 2 to 8 are the other ways to lay a rectangle on itself. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** The orientation with this number; upright for one that is none. */
export function orientationOf(value: number): Orientation {
  return ([1, 2, 3, 4, 5, 6, 7, 8] as const).find((known) => known === value) ?? 1;
}

/** The tag of the orientation. */
const orientationTag = 0x0112;

/**
 * The orientation that EXIF data name.
 * @param exif a TIFF header and its first directory, perhaps led by `Exif\0\0`
 * @returns undefined where there is none, or the data cannot be read
 */
export function orientationInExif(exif: Uint8Array): number | undefined {
  const begin = [0x45, 0x78, 0x69, 0x66, 0, 0].every((byte, i) => exif[i] === byte) ? 6 : 0;
  const view = new DataView(exif.buffer, exif.byteOffset + begin, exif.byteLength - begin);
  if (view.byteLength < 8) return undefined;
  const order = view.getUint16(0);
  const isLittle = order === 0x4949;
  if (!(isLittle || order === 0x4d4d) || view.getUint16(2, isLittle) !== 42) return undefined;
  const directory = view.getUint32(4, isLittle);
  if (directory + 2 > view.byteLength) return undefined;
  const count = view.getUint16(directory, isLittle);
  for (let entry = directory + 2; entry < directory + 2 + 12 * count && entry + 12 <= view.byteLength; entry += 12) {
    if (view.getUint16(entry, isLittle) !== orientationTag) continue;
    // 16 bits, as it should be, or 32
    const type = view.getUint16(entry + 2, isLittle);
    if (type === 3) return view.getUint16(entry + 8, isLittle);
    return type === 4 ? view.getUint32(entry + 8, isLittle) : undefined;
  }
  return undefined;
}

/** Rows of pixels, the channels of a pixel side by side. */
interface Raster {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/** The picture as it is meant to be seen. @param channels bytes for a pixel */
export function upright({ width, height, pixels }: Raster, channels: number, orientation: Orientation): Raster {
  if (orientation === 1) return { width, height, pixels };
  const isTurned = orientation >= 5;
  const [columns, rows] = isTurned ? [height, width] : [width, height];
  const flipsColumns = [2, 3, 6, 7].includes(orientation);
  const flipsRows = [3, 4, 7, 8].includes(orientation);
  const out = new Uint8Array(pixels.length);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const [across, down] = [flipsColumns ? columns - 1 - x : x, flipsRows ? rows - 1 - y : y];
      const from = (isTurned ? across * width + down : down * width + across) * channels;
      out.set(pixels.subarray(from, from + channels), (y * columns + x) * channels);
    }
  }
  return { width: columns, height: rows, pixels: out };
}
