/** Pictures as PNG files (Node: the compression is zlib's). RFC 2083. */
import { deflateSync } from 'node:zlib';
import { InputError } from '../tensor/errors.ts';
import { chunkBytes, signature } from './png-chunks.ts';

/** 8 bits for each channel, row by row; 1 channel is grey, 3 are red, green, blue. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly pixels: Uint8Array;
}

/**
 * The bytes of a PNG file, without loss.
 * @throws InputError when the pixels are not as many as width, height and channels say, or no picture has such a size
 */
export function encodePng({ width, height, channels, pixels }: Picture): Uint8Array {
  if (![width, height].every((extent) => Number.isInteger(extent) && extent >= 1) || ![1, 3].includes(channels)) {
    throw new InputError(
      `a picture of ${width} × ${height} with ${channels} channels cannot be written; ` +
        'width and height must be whole numbers from 1 on, and there must be 1 channel (grey) or 3 (RGB)',
    );
  }
  if (pixels.length !== width * height * channels) {
    throw new InputError(
      `a picture of ${width} × ${height} with ${channels} channels has ${width * height * channels} bytes, ` +
        `but ${pixels.length} were given`,
    );
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  // 8 bits, grey or RGB, the only compression, filtering, no interlace
  header.set([8, channels === 1 ? 0 : 2, 0, 0, 0], 8);
  const stride = width * channels;
  const lines = new Uint8Array(height * (stride + 1)); // each line is led by its filter: 0, none
  for (let y = 0; y < height; y++) lines.set(pixels.subarray(y * stride, (y + 1) * stride), y * (stride + 1) + 1);
  return Buffer.concat([
    signature,
    chunkBytes('IHDR', header),
    chunkBytes('IDAT', deflateSync(lines, { level: 9 })),
    chunkBytes('IEND', new Uint8Array(0)),
  ]);
}
