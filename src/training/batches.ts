/**
 * What a step is trained with: which pictures, at which timesteps, under which noise. All of it follows from seeds and
 * the number of the step alone, so that a training that was stopped goes on with the very numbers, and needs to
 * remember none.
 */
import type { UNetConfig } from '../models/unet2d/config.ts';
import { addScaled } from '../tensor/arithmetic.ts';
import { at } from '../tensor/at.ts';
import { checkOptions, finite, flag, optional, whole, type Checks } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { permutation } from '../tensor/permutation.ts';
import { manualSeed, type Generator } from '../tensor/random.ts';
import { seedStates } from '../tensor/seed-sequence.ts';
import { sizeOf, type Tensor } from '../tensor/tensor.ts';
import type { TrainingConfig } from './config.ts';
import { arePictures, samplesOf, type Pictures } from './pictures.ts';

/** How batches are made. */
export interface BatchOptions {
  /** Pictures of a step, B. */
  readonly size: number;
  /** How probable it is that a picture is shown without its class. */
  readonly labelDropout: number;
  /** The label that stands for no class. */
  readonly nullLabel: number | undefined;
  /** How much of one number for each channel of a picture is added to its noise (Guttenberg 2023); 0 is none. */
  readonly offsetNoise: number;
  /** Whether the timesteps of a batch are spread over all of them, one drawn from each part of T/B. */
  readonly stratified: boolean;
}

const checks: Checks<BatchOptions> = {
  size: whole(1),
  labelDropout: finite(0, 1),
  nullLabel: optional(finite()),
  offsetNoise: finite(0),
  stratified: flag,
};

/**
 * How the batches of a config are made, for a model.
 * @throws InputError where labels shall be dropped that the model does not have
 */
export function batchOptionsOf(
  { batch }: Pick<TrainingConfig, 'batch'>,
  { classEmbedding, numClassEmbeds }: UNetConfig,
): BatchOptions {
  const { size, label_dropout: labelDropout, null_label: given, offset_noise: offsetNoise, stratified } = batch;
  const last = classEmbedding === 'lookup' && numClassEmbeds !== undefined ? numClassEmbeds - 1 : undefined;
  const nullLabel = labelDropout > 0 ? (given ?? last) : (given ?? undefined);
  if (labelDropout > 0 && (classEmbedding === 'none' || nullLabel === undefined))
    throw new InputError(
      `batch.label_dropout is ${labelDropout}, but the model has no class to drop: it needs num_class_embeds`,
    );
  if (nullLabel !== undefined && last !== undefined && nullLabel > last)
    throw new InputError(`batch.null_label is ${nullLabel}; the model has the labels 0 to ${last}`);
  return { size, labelDropout, nullLabel, offsetNoise, stratified };
}

/** What one step is trained with. */
export interface Batch {
  /** x₀, [B,C,H,W]. */
  readonly sample: Tensor;
  /** ε, [B,C,H,W], f32. */
  readonly noise: Tensor;
  /** From 0 to T − 1, one for each picture. */
  readonly timesteps: readonly number[];
  /** One for each picture, where the model has classes. */
  readonly labels?: readonly number[];
}

/**
 * The batch of a step. Pictures come in a new random order each time that all of them were shown, a batch that ends one
 * such round begins the next; with drawn timesteps, noise and dropped labels.
 * @param pictures with labels only where the model has classes
 * @param trainTimesteps T
 * @param seed from 0
 * @param step from 0
 * @throws InputError for pictures, options or numbers that are none
 */
export function batchAt(
  pictures: Pictures,
  options: BatchOptions,
  trainTimesteps: number,
  seed: number,
  step: number,
): Batch {
  arePictures('the pictures', pictures);
  checkOptions('how batches are made', options, checks);
  whole(1)('the number of timesteps', trainTimesteps);
  whole(0)('the seed', seed);
  whole(0)('the step', step);
  const { size, labelDropout, nullLabel, offsetNoise, stratified } = options;
  const chosen = picturesAt(at(pictures.shape, 0), size, seed, step);
  const sample = samplesOf(pictures, chosen);
  const drawn = (purpose: Purpose): readonly number[] => [...generatorOf(seed, purpose, step).rand([size], 'f64').data];
  const drops = drawn('labels').map((u) => u < labelDropout);
  const labels = pictures.labels && chosen.map((number) => at(pictures.labels ?? [], number));
  return {
    sample,
    noise: noiseAt(sample.shape, offsetNoise, seed, step),
    timesteps: drawn('timesteps').map((u, b) => Math.floor((stratified ? (b + u) / size : u) * trainTimesteps)),
    ...(labels && { labels: labels.map((label, b) => (at(drops, b) ? (nullLabel ?? label) : label)) }),
  };
}

/** The numbers of the pictures of a step. */
export function picturesAt(count: number, size: number, seed: number, step: number): readonly number[] {
  const first = step * size;
  const rounds = new Map<number, Uint32Array>();
  return Array.from({ length: size }, (_, b) => {
    const round = Math.floor((first + b) / count);
    const order = rounds.get(round) ?? permutation(count, seedOf(seed, 'order', round));
    rounds.set(round, order);
    return at(order, (first + b) % count);
  });
}

function noiseAt(shape: readonly number[], offset: number, seed: number, step: number): Tensor {
  const noise = generatorOf(seed, 'noise', step).randn(shape);
  if (offset === 0) return noise;
  const [batch = 0, channels = 0] = shape;
  const shifts = generatorOf(seed, 'offset', step).randn([batch, channels]).data;
  const area = sizeOf(shape.slice(2));
  const spread = noise.data.map((_, i) => at(shifts, Math.floor(i / area)));
  return addScaled(noise, offset, { ...noise, data: spread });
}

/** What is drawn of a seed, each by a generator of its own. */
const purposes = ['order', 'timesteps', 'noise', 'labels', 'offset'] as const;
type Purpose = (typeof purposes)[number];

function seedOf(seed: number, purpose: Purpose, number: number): number {
  return at(seedStates(BigInt(seed), [purposes.indexOf(purpose), number], 4, 1), 0);
}

function generatorOf(seed: number, purpose: Purpose, step: number): Generator {
  return manualSeed(seedOf(seed, purpose, step));
}
