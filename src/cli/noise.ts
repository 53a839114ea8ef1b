/** The noise that a run starts from and draws on the way: from seeds, or from a file. */
import { InputError } from '../tensor/errors.ts';
import { manualSeed } from '../tensor/random.ts';
import type { DType, Tensor } from '../tensor/tensor.ts';
import type { UNetConfig } from '../models/unet2d/config.ts';
import { noiseFrom } from '../sampling/noise.ts';
import type { NoiseSource } from '../schedulers/scheduler.ts';
import { dtypes } from './backend.ts';
import { listedLabels } from './class-labels.ts';
import { finiteTensor, openSafetensors } from './model.ts';
import type { OptionKinds, ParsedOptions } from './options.ts';

/** The options that choose the noise. `labels`, which says how many pictures there are too, is not among them. */
export const noiseOptions: OptionKinds = {
  count: 'number',
  seed: 'text',
  seeds: 'text',
  noise: 'text',
  'noise-dtype': 'text',
};

/** The part of a command's help that explains them. */
export const noiseHelp = `\
  --count N                       how many pictures (as many as seeds or labels, or 4), or how many of each prompt (1)
  --seed S                        the noise is that of torch.manual_seed(S) on a CPU (0)
  --seeds 1,2,3                   or each picture has its own, and is the same whatever it is drawn beside
  --noise-dtype f32|f64|f16|bf16  the precision in which noise is drawn (that of --dtype, as pipelines do; f64 draws
                                  other numbers than f32)
  --noise FILE.safetensors        the first noise comes from this file: its tensor "noise", [N, C, H, W]`;

/** What a run starts from, and where it draws more. */
export interface ChosenNoise {
  /** Of the first noise, [N,C,H,W]. */
  readonly shape: readonly number[];
  /** The first noise, which is drawn now, unless it comes from a file. */
  readonly first: () => Tensor;
  readonly noiseSource: NoiseSource;
  /** The same draws for what is of another precision than the run. */
  readonly sourceOf: (dtype: DType) => NoiseSource;
  /** How often something is drawn that all samples share: once, or once for each where each has a seed of its own. */
  readonly draws: number;
}

/** What is known of the samples of a model. */
type Drawn = Pick<UNetConfig, 'sampleSize' | 'inChannels'>;

const mostPictures = 100_000;

/**
 * The noise that the options ask for.
 * @param dtype of the run
 * @param prompts how many there are, of each of which `--count` pictures are drawn; undefined for a run without words
 * @throws InputError for seeds that are none, options that exclude one another, and a file without noise
 */
export async function chooseNoise(
  options: ParsedOptions,
  config: Drawn,
  dtype: DType,
  prompts?: number,
): Promise<ChosenNoise> {
  const seeds = seedList(options);
  if (seeds && (options.has('seed') || options.has('count')))
    throw new InputError('--seeds excludes --seed and --count: there are as many pictures as seeds');
  const generators = seeds?.map(manualSeed) ?? manualSeed(singleSeed(options));
  const drawnIn = options.choice('noise-dtype', dtypes);
  const sourceOf = (as: DType): NoiseSource => noiseFrom(generators, as, drawnIn ?? as);
  const noiseSource = sourceOf(dtype);
  const file = options.text('noise');
  const given = file === undefined ? undefined : await noiseIn(file, options, dtype, seeds?.length);
  const shape = given?.shape ?? [seeds?.length ?? pictureCount(options, prompts), ...sampleShape(config)];
  return { shape, first: () => given ?? noiseSource(shape), noiseSource, sourceOf, draws: seeds?.length ?? 1 };
}

/** The seed of the run, or one for each picture. @throws InputError for seeds that are none */
export function seedsOf(options: ParsedOptions): bigint | readonly bigint[] {
  return seedList(options) ?? singleSeed(options);
}

function seedList(options: ParsedOptions): readonly bigint[] | undefined {
  return options.list('seeds')?.map((text) => seedOf('seeds', text));
}

function singleSeed(options: ParsedOptions): bigint {
  return seedOf('seed', options.text('seed') ?? '0');
}

function sampleShape({ sampleSize, inChannels }: Drawn): readonly number[] {
  if (sampleSize) return [inChannels, ...sampleSize];
  throw new InputError('the model has no sample_size; give the noise with --noise FILE.safetensors');
}

function pictureCount(options: ParsedOptions, prompts: number | undefined): number {
  const wanted = options.integer('count', 1, mostPictures);
  return prompts === undefined ? (wanted ?? listedLabels(options)?.length ?? 4) : prompts * (wanted ?? 1);
}

async function noiseIn(
  file: string,
  options: ParsedOptions,
  dtype: DType,
  seedCount: number | undefined,
): Promise<Tensor> {
  if (options.has('count')) throw new InputError('--count and --noise exclude one another; the file says how many');
  const noise = await finiteTensor(await openSafetensors(file), 'noise', dtype, 'N,C,H,W');
  if (seedCount !== undefined && seedCount !== noise.shape[0])
    throw new InputError(`--seeds has ${seedCount} seeds, but ${file} has noise for ${noise.shape[0]} pictures`);
  return noise;
}

/** A seed as PyTorch takes it: 64 bits, negative or not. */
export function seedOf(option: string, text: string): bigint {
  const seed = /^[+-]?\d+$/.test(text) ? BigInt(text) : undefined;
  if (seed !== undefined && seed >= -(2n ** 63n) && seed < 2n ** 64n) return seed;
  const what = option === 'seed' ? 'is' : 'has';
  throw new InputError(`--${option} ${what} "${text}"; expected a whole number from −2^63 to 2^64 − 1`);
}
