/** From the lines of a PNG to samples: filters, bits, interlacing. RFC 2083, sections 2.6, 6 and 7. */
import type { Fail } from './png-chunks.ts';

/** How the samples of a file lie in its lines. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  /** 1, 2, 4, 8 or 16 bits for a sample. */
  readonly bits: number;
  /** Samples for a pixel, from 1 to 4. */
  readonly channels: number;
  /** In the seven passes of Adam7. */
  readonly isInterlaced: boolean;
}

/** A part that is stored as a picture of its own: the pixels from (left, top) on, `across` and `down` apart. */
interface Pass {
  readonly left: number;
  readonly top: number;
  readonly across: number;
  readonly down: number;
}

const whole: Pass = { left: 0, top: 0, across: 1, down: 1 };
const adam7: readonly Pass[] = [
  { left: 0, top: 0, across: 8, down: 8 },
  { left: 4, top: 0, across: 8, down: 8 },
  { left: 0, top: 4, across: 4, down: 8 },
  { left: 2, top: 0, across: 4, down: 4 },
  { left: 0, top: 2, across: 2, down: 4 },
  { left: 1, top: 0, across: 2, down: 2 },
  { left: 0, top: 1, across: 1, down: 2 },
];

/** The passes that have pixels, with the size of each and the bytes of its lines, without their filters. */
function passesOf({ width, height, bits, channels, isInterlaced }: Layout) {
  return (isInterlaced ? adam7 : [whole])
    .map((pass) => ({
      pass,
      columns: Math.ceil((width - pass.left) / pass.across),
      rows: Math.ceil((height - pass.top) / pass.down),
    }))
    .filter(({ columns, rows }) => columns > 0 && rows > 0)
    .map((one) => ({ ...one, stride: Math.ceil((one.columns * channels * bits) / 8) }));
}

/** How many bytes the unpacked lines of all passes have, each line led by its filter. */
export function lineBytes(layout: Layout): number {
  return passesOf(layout).reduce((sum, { rows, stride }) => sum + rows * (stride + 1), 0);
}

/**
 * The samples, row by row, the channels of a pixel side by side, as they are stored: from 0 to 2^bits − 1.
 * @param lines `lineBytes` of them
 */
export function samplesOf(lines: Uint8Array, layout: Layout, fail: Fail): Uint16Array {
  const { width, height, bits, channels } = layout;
  const samples = new Uint16Array(width * height * channels);
  let at = 0;
  for (const { pass, columns, rows, stride } of passesOf(layout)) {
    const size = rows * (stride + 1);
    const bytes = unfiltered(lines.subarray(at, at + size), stride, rows, Math.max(1, (channels * bits) >> 3), fail);
    at += size;
    for (let y = 0; y < rows; y++) {
      const row = bytes.subarray(y * stride, (y + 1) * stride);
      for (let x = 0; x < columns; x++) {
        const pixel = (pass.top + y * pass.down) * width + pass.left + x * pass.across;
        for (let c = 0; c < channels; c++) samples[pixel * channels + c] = sampleAt(row, x * channels + c, bits);
      }
    }
  }
  return samples;
}

/** Sample `index` of a line: the high bits come first. */
function sampleAt(row: Uint8Array, index: number, bits: number): number {
  if (bits === 8) return row[index] ?? 0;
  if (bits === 16) return ((row[2 * index] ?? 0) << 8) | (row[2 * index + 1] ?? 0);
  const bit = index * bits;
  return ((row[bit >> 3] ?? 0) >> (8 - bits - (bit & 7))) & ((1 << bits) - 1);
}

/**
 * Undoes the filters: a byte was stored as its difference from what its neighbours predict. What would lie above the
 * first line counts as 0.
 * @param step bytes from a sample to that of the pixel beside it, at least 1
 */
function unfiltered(lines: Uint8Array, stride: number, height: number, step: number, fail: Fail): Uint8Array {
  const pixels = new Uint8Array(stride * height);
  let above = new Uint8Array(stride);
  for (let y = 0; y < height; y++) {
    const start = y * (stride + 1);
    const [filter = 0] = lines.subarray(start, start + 1);
    if (filter > 4) fail(`a line has the filter ${filter}; there are 0 to 4`);
    const row = pixels.subarray(y * stride, (y + 1) * stride);
    // What would lie left of the picture counts as 0.
    lines.subarray(start + 1, start + 1 + stride).forEach((difference, x) => {
      const [left, corner] = [row[x - step] ?? 0, above[x - step] ?? 0];
      row[x] = difference + predicted(filter, left, above[x] ?? 0, corner);
    });
    above = row;
  }
  return pixels;
}

function predicted(filter: number, left: number, above: number, corner: number): number {
  switch (filter) {
    case 1:
      return left;
    case 2:
      return above;
    case 3:
      return (left + above) >> 1;
    case 4:
      return paeth(left, above, corner);
    default:
      return 0;
  }
}

/** The neighbour that is nearest to left + above − corner. */
function paeth(left: number, above: number, corner: number): number {
  const [a, b, c] = [Math.abs(above - corner), Math.abs(left - corner), Math.abs(left + above - 2 * corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? above : corner;
}
