/** Samples side by side in one picture, with titles. */
import { checkTensor, mustBe, text } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { shown } from '../tensor/shown.ts';
import { shapeText, type FloatArray, type Tensor } from '../tensor/tensor.ts';
import { advance, drawText, lineHeight } from './font.ts';
import type { Picture } from './picture.ts';

/** A title, and the samples below it. */
export interface GridRow {
  readonly title: string;
  /** [B,C,H,W] with 1, 3 or 4 channels (the fourth is left out), from −1 to 1. */
  readonly samples: Tensor;
}

const background = 250;
const ink = 40;
const gap = 4;
const margin = 12;
/** Pixels of the picture for a pixel of the font. */
const titleZoom = 2;
/** With the space below it. */
const titleHeight = lineHeight * titleZoom + 6;

/**
 * One row of pictures under each title; long rows wrap.
 * @param zoom screen pixels for a pixel of the samples; by default such that small samples can be seen
 * @param columns pictures beside one another; by default as many as fit on a screen
 * @throws InputError for samples that are no pictures or of different sizes, where there are none at all, and for a
 *   zoom or columns that are no whole numbers from 1 to 1000
 */
export function grid(rows: readonly GridRow[], zoom?: number, columns?: number): Picture {
  areRows('the rows of a grid', rows);
  const batches = rows.map(readRow);
  const { channels, height, width } = commonSize(batches);
  for (const [name, value] of Object.entries({ zoom, columns })) {
    if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= 1000)) continue;
    throw new InputError(`${name} is ${shown(value)}; it must be a whole number from 1 to 1000`);
  }
  const enlarged = zoom ?? Math.max(1, Math.round(96 / width));
  const cell = { width: width * enlarged + gap, height: height * enlarged + gap };
  const beside = columns ?? Math.max(1, Math.floor(1300 / cell.width));
  const widest = Math.max(...batches.map(({ count }) => Math.min(beside, count)));
  const longestTitle = Math.max(...batches.map(({ title }) => title.length));
  const heightOf = ({ count }: Batch): number => titleHeight + Math.ceil(count / beside) * cell.height + gap;
  const canvas = createCanvas(
    2 * margin + Math.max(widest * cell.width, longestTitle * advance * titleZoom),
    2 * margin + batches.reduce((sum, batch) => sum + heightOf(batch), 0),
    channels === 1 ? 1 : 3,
  );

  let top = margin;
  for (const batch of batches) {
    drawTitle(canvas, batch.title, margin, top);
    for (let b = 0; b < batch.count; b++) {
      const [left, above] = [(b % beside) * cell.width, Math.floor(b / beside) * cell.height];
      drawSample(canvas, batch, b, enlarged, margin + left, top + titleHeight + above);
    }
    top += heightOf(batch);
  }
  return canvas;
}

/** From [−1, 1] to [0, 255], rounded; what lies outside is clipped, NaN is black. */
export function toByte(value: number): number {
  const scaled = Math.floor((value + 1) * 127.5 + 0.5);
  return scaled > 0 ? Math.min(scaled, 255) : 0;
}

const areRows = mustBe(
  'a list of rows { title, samples }',
  (rows) => Array.isArray(rows) && rows.every((row) => typeof row === 'object' && row !== null),
);

/** A row, whose samples are [count, channels, height, width]. */
interface Batch {
  readonly title: string;
  readonly count: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly data: FloatArray;
}

function readRow({ title, samples }: GridRow): Batch {
  text('the title of a row', title);
  checkTensor('the samples of a row', samples);
  const { shape, data } = samples;
  const [count = 0, channels = 0, height = 0, width = 0] = shape;
  if (shape.length !== 4 || ![1, 3, 4].includes(channels)) throw notDrawable(shape);
  return { title, count, channels, height, width, data };
}

/** The size of all samples. */
function commonSize([first, ...others]: readonly Batch[]): Batch {
  if (!first) throw new InputError('there are no samples to draw; a grid needs at least one row of them');
  for (const { count, channels, height, width } of others) {
    if (channels !== first.channels || height !== first.height || width !== first.width)
      throw notDrawable([count, channels, height, width]);
  }
  return first;
}

/** What is said of samples that are no pictures. */
export function notDrawable(shape: readonly number[]): InputError {
  return new InputError(
    `samples of shape ${shapeText(shape)} cannot be drawn; expected [B,C,H,W] with 1, 3 or 4 channels`,
  );
}

function createCanvas(width: number, height: number, channels: 1 | 3): Picture {
  return { width, height, channels, pixels: new Uint8Array(width * height * channels).fill(background) };
}

function drawTitle(canvas: Picture, title: string, left: number, top: number): void {
  drawText(title, (x, y) => {
    for (let channel = 0; channel < canvas.channels; channel++)
      fillSquare(canvas, channel, left + x * titleZoom, top + y * titleZoom, titleZoom, ink);
  });
}

/** Sample `b` of a batch, each of its pixels a square of `zoom` pixels. */
function drawSample(canvas: Picture, batch: Batch, b: number, zoom: number, left: number, top: number): void {
  const { channels, height, width, data } = batch;
  for (let channel = 0; channel < canvas.channels; channel++) {
    const start = (b * channels + channel) * height * width;
    data.subarray(start, start + height * width).forEach((value, at) => {
      const [x, y] = [at % width, Math.floor(at / width)];
      fillSquare(canvas, channel, left + x * zoom, top + y * zoom, zoom, toByte(value));
    });
  }
}

/** A square of `size` pixels in one channel. */
function fillSquare(
  { width, channels, pixels }: Picture,
  channel: number,
  left: number,
  top: number,
  size: number,
  shade: number,
): void {
  for (let y = top; y < top + size; y++)
    for (let x = left; x < left + size; x++) pixels[(y * width + x) * channels + channel] = shade;
}
