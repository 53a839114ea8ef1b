/** Samples side by side in one picture, with titles. */
import { InputError } from '../tensor/errors.ts';
import { shapeText, type Tensor } from '../tensor/tensor.ts';
import { advance, drawText, lineHeight } from './font.ts';
import type { Picture } from './png.ts';

export interface GridRow {
  readonly title: string;
  /** [B,C,H,W] with 1, 3 or 4 channels (the fourth is left out), from −1 to 1. */
  readonly samples: Tensor;
}

const background = 250;
const ink = 40;
const gap = 4;
const margin = 12;

/**
 * One row of pictures under each title; long rows wrap.
 * @param zoom screen pixels for a pixel of the samples; by default such that small samples can be seen
 * @param columns pictures beside one another; by default as many as fit on a screen
 * @throws InputError for samples that are no pictures
 */
export function grid(rows: readonly GridRow[], zoom?: number, columns?: number): Picture {
  const [, , , width] = checkedShape(rows);
  const enlarged = zoom ?? Math.max(1, Math.round(96 / width));
  return drawGrid(rows, enlarged, columns ?? Math.max(1, Math.floor(1300 / (width * enlarged + gap))));
}

function drawGrid(rows: readonly GridRow[], zoom: number, columns: number): Picture {
  const [, channels, height, width] = rows[0].samples.shape;
  const widest = Math.max(...rows.map((row) => Math.min(columns, row.samples.shape[0])));
  const longestTitle = Math.max(...rows.map((row) => row.title.length));
  const cell = { width: width * zoom + gap, height: height * zoom + gap };
  const titleZoom = 2;
  const titleHeight = lineHeight * titleZoom + 6;
  const lines = (row: GridRow): number => Math.ceil(row.samples.shape[0] / columns);
  const canvas = createCanvas(
    2 * margin + Math.max(widest * cell.width, longestTitle * advance * titleZoom),
    2 * margin + rows.reduce((sum, row) => sum + titleHeight + lines(row) * cell.height + gap, 0),
    channels === 1 ? 1 : 3,
  );

  let top = margin;
  for (const { title, samples } of rows) {
    drawText(title, (x, y) => fill(canvas, margin + x * titleZoom, top + y * titleZoom, titleZoom, () => ink));
    top += titleHeight;
    for (let b = 0; b < samples.shape[0]; b++) {
      const left = margin + (b % columns) * cell.width;
      const above = top + Math.floor(b / columns) * cell.height;
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          fill(canvas, left + x * zoom, above + y * zoom, zoom, (channel) =>
            toByte(samples.data[((b * channels + channel) * height + y) * width + x]),
          );
        }
      }
    }
    top += Math.ceil(samples.shape[0] / columns) * cell.height + gap;
  }
  return canvas;
}

/** From [−1, 1] to [0, 255], rounded; what lies outside is clipped, NaN is black. */
export function toByte(value: number): number {
  const scaled = Math.floor((value + 1) * 127.5 + 0.5);
  return scaled > 255 ? 255 : scaled > 0 ? scaled : 0;
}

function checkedShape(rows: readonly GridRow[]): readonly number[] {
  const { shape } = rows[0].samples;
  for (const { samples } of rows) {
    const same = shapeText(samples.shape.slice(1)) === shapeText(shape.slice(1));
    if (samples.shape.length !== 4 || ![1, 3, 4].includes(samples.shape[1]) || !same) {
      throw new InputError(
        `samples of shape ${shapeText(samples.shape)} cannot be drawn; expected [B,C,H,W] with 1, 3 or 4 channels`,
      );
    }
  }
  return shape;
}

function createCanvas(width: number, height: number, channels: 1 | 3): Picture {
  return { width, height, channels, pixels: new Uint8Array(width * height * channels).fill(background) };
}

/** A square of `size` pixels. */
function fill(
  { width, channels, pixels }: Picture,
  left: number,
  top: number,
  size: number,
  value: (channel: number) => number,
): void {
  for (let channel = 0; channel < channels; channel++) {
    const shade = value(channel);
    for (let y = top; y < top + size; y++)
      for (let x = left; x < left + size; x++) pixels[(y * width + x) * channels + channel] = shade;
  }
}
