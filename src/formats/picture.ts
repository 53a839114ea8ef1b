/** A picture as files have it. */
import { InputError } from '../tensor/errors.ts';

/** 8 bits for each channel, row by row; 1 channel is grey, 3 are red, green, blue. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly pixels: Uint8Array;
}

/** @throws InputError when no picture has such a size, or pixels are not as many as width, height and channels say */
export function checkPicture({ width, height, channels, pixels }: Picture): void {
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
}
