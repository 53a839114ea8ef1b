/** The pictures that a model is trained with. */
import { at } from '../tensor/at.ts';
import { checkParts, firstNotFinite, mustBe, numbers, optional, type Checks } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { shapeText, sizeOf, type Tensor } from '../tensor/tensor.ts';
import type { UNetConfig } from '../models/unet2d/config.ts';

/** Pictures of one size, and what they show. */
export interface Pictures {
  /** [N,C,H,W]. */
  readonly shape: readonly number[];
  /** Bytes stand for −1 to 1; other numbers are taken as they are. */
  readonly data: Uint8Array | Float32Array;
  /** The class of each picture, whole numbers from 0, where they have one. */
  readonly labels?: readonly number[];
}

/** Refuses what is none, and pictures that have not the numbers that their shape says. @param source their name */
export function arePictures(source: string, pictures: Pictures): void {
  checkParts(source, pictures, checks);
  const { shape, data } = pictures;
  if (sizeOf(shape) === 0) throw new InputError(`${source}: there are no pictures; their shape is ${shapeText(shape)}`);
  if (data.length !== sizeOf(shape))
    throw new InputError(`${source}: the shape is ${shapeText(shape)}, but there are ${data.length} numbers`);
}

const checks: Checks<Pictures> = {
  shape: mustBe('a shape [N,C,H,W]', (shape) => Array.isArray(shape) && shape.length === 4),
  data: mustBe('a Uint8Array or a Float32Array', (data) => data instanceof Uint8Array || data instanceof Float32Array),
  labels: optional(numbers),
};

/** Some of the pictures as samples, [B,C,H,W], f32. @param chosen their numbers */
export function samplesOf({ shape, data }: Pictures, chosen: readonly number[]): Tensor {
  const extents = shape.slice(1);
  const size = sizeOf(extents);
  const samples = new Float32Array(chosen.length * size);
  for (const [b, number] of chosen.entries()) {
    const picture = data.subarray(number * size, (number + 1) * size);
    samples.set(picture instanceof Uint8Array ? Float32Array.from(picture, ofByte) : picture, b * size);
  }
  return { dtype: 'f32', shape: [chosen.length, ...extents], data: samples };
}

/** 0 to 255 as −1 to 1, in float32, as diffusers' `VaeImageProcessor`. */
function ofByte(byte: number): number {
  return Math.fround(2 * Math.fround(byte / 255)) - 1;
}

/**
 * Refuses pictures that the model cannot learn.
 * @param nullLabel the label that stands for no class; undefined where none does
 * @param source where the pictures come from, for messages
 * @throws InputError for another size, numbers that are not finite, labels that are missing or not the model's
 */
export function checkPictures(
  pictures: Pictures,
  config: UNetConfig,
  nullLabel: number | undefined,
  source: string,
): void {
  arePictures(source, pictures);
  const { shape, data, labels } = pictures;
  const fail = (message: string): never => {
    throw new InputError(`${source}: ${message}`);
  };
  const [count = 0, channels, height = 0, width = 0] = shape;
  const multiple = 2 ** (config.blockOutChannels.length - 1);
  if (channels !== config.inChannels)
    fail(`the pictures have ${channels} channels, but the model's in_channels is ${config.inChannels}`);
  if (height % multiple !== 0 || width % multiple !== 0)
    fail(`the pictures are ${height} × ${width}; height and width must be multiples of ${multiple} for this model`);
  const [tall = height, wide = width] = config.sampleSize ?? [];
  if (tall !== height || wide !== width)
    fail(`the pictures are ${height} × ${width}, but the model's sample_size is ${tall} × ${wide}; data.size resizes`);
  const wrong = data instanceof Float32Array ? firstNotFinite(data) : -1;
  if (wrong >= 0)
    fail(`picture ${Math.floor((wrong * count) / data.length)} holds ${at(data, wrong)}; expected finite numbers`);
  if (config.classEmbedding !== 'none') checkLabels(labels, count, config, nullLabel, fail);
}

function checkLabels(
  labels: readonly number[] | undefined,
  count: number,
  { classEmbedding, numClassEmbeds = Infinity }: UNetConfig,
  nullLabel: number | undefined,
  fail: (message: string) => never,
): void {
  if (classEmbedding === 'identity')
    fail('class_embed_type "identity" takes embeddings, but pictures have labels; supported is null or "timestep"');
  if (!labels) fail('the model is class-conditional, but the pictures have no labels');
  if (labels?.length !== count) fail(`there are ${labels?.length} labels for ${count} pictures`);
  const most = classEmbedding === 'lookup' ? numClassEmbeds - 1 : Number.MAX_SAFE_INTEGER;
  const wrong = labels?.findIndex((label) => !(Number.isInteger(label) && label >= 0 && label <= most)) ?? -1;
  if (wrong >= 0)
    fail(`picture ${wrong} has the label ${labels?.[wrong]}; the model's are whole numbers from 0 to ${most}`);
  const taken = nullLabel === undefined ? -1 : (labels?.indexOf(nullLabel) ?? -1);
  if (taken >= 0)
    fail(
      `picture ${taken} has the label ${nullLabel}, which stands for no class (batch.null_label); ` +
        'give the model one more class for it',
    );
}
