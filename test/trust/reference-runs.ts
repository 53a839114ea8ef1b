/**
 * The runs whose bits are the same everywhere, and all the ways to compute them. Imports nothing of Node: the same file
 * runs in every Node and every browser that `npm run bits` finds.
 */
import {
  cast,
  cfgPag,
  createScheduler,
  createUNet,
  denoiserOf,
  loadStableDiffusion,
  manualSeed,
  openThreads,
  pag,
  picturesOf,
  promptConditions,
  referenceBackend,
  sampleSteps,
  simdBackend,
  tensor,
  unetDenoiser,
} from '../../src/index.ts';
import type {
  Backend,
  Denoiser,
  DType,
  Guidance,
  ModelFolder,
  Order,
  ReadFile,
  StableDiffusion,
  Tensor,
} from '../../src/index.ts';
import { joinBytes, sha256 as digest } from '../../src/tensor/bytes.ts';

interface ReferenceRun {
  readonly dtype: DType;
  /** What the weights are rounded to before the run computes with them. */
  readonly stored?: DType;
  readonly guidance: Guidance;
  readonly scheduler: string;
  /** The class of each sample; 26 is none. */
  readonly labels: readonly number[];
  /** Height and width. The loops compute these runs, too, so they are small. */
  readonly size: readonly [number, number];
  readonly steps: number;
  /** Direct, unless given. */
  readonly order?: Order;
}

const noLetter = 26;
const middle = ['mid_block.attentions.0'];
const inPrecision = (dtype: DType): ReferenceRun => ({
  dtype,
  guidance: pag({ pagScale: 1, layers: middle }),
  scheduler: 'DDIMScheduler',
  labels: [7],
  size: [16, 16],
  steps: 2,
});

/** What each run begins with. */
const seed = 2024;

/** Sampling runs of the letters model. */
const letterRuns: Readonly<Record<string, ReferenceRun>> = {
  'DDIM with PAG': { ...inPrecision('f32'), labels: [noLetter, noLetter], size: [32, 16] },
  'DDPM with CFG and PAG': {
    dtype: 'f32',
    guidance: cfgPag(2, { pagScale: 1.5, layers: [...middle, 'up_blocks.0.attentions.1'] }),
    scheduler: 'DDPMScheduler',
    labels: [3, 17],
    size: [24, 16],
    steps: 2,
  },
  'DDIM with PAG in f64': inPrecision('f64'),
  'DDIM with PAG in f16': inPrecision('f16'),
  'DDIM with PAG in bf16': inPrecision('bf16'),
  'DDIM with PAG, fast order': { ...inPrecision('f32'), labels: [noLetter, 3], size: [32, 16], order: 'fast' },
  'DDIM with PAG in f64, fast order': { ...inPrecision('f64'), order: 'fast' },
  'DDIM with PAG, weights of f16, as on the page': { ...inPrecision('f32'), stored: 'f16' },
};

/** From words to pictures, with the letters model that obeys them: one picture of each prompt. */
const fromWords = {
  name: 'From words, DDIM with CFG and PAG',
  prompts: ['a bold italic letter A', 'the letter q'],
  negativePrompts: ['serif'],
  guidance: cfgPag(3, { pagScale: 1.5, layers: ['mid'] }),
  latents: [4, 8, 6],
  steps: 2,
};

/** The names of all runs, in the order of the snapshot. */
export const runNames: readonly string[] = [...Object.keys(letterRuns), fromWords.name];

/** What the runs draw with. */
export interface ReferenceModels {
  readonly letters: ModelFolder;
  /** Reads the folder of the letters model that obeys words. */
  readonly words: ReadFile;
}

interface Way {
  readonly name: string;
  readonly backend: (order: Order) => Backend | Promise<Backend>;
  /** All samples as one batch, or each in a run of its own. */
  readonly apart: boolean;
}

/** Other precisions than f32 are computed by the loops, whatever one asks for. */
const ways: readonly Way[] = [
  { name: 'loops', backend: (order) => referenceBackend({ order }), apart: false },
  { name: 'simd, 1 thread', backend: (order) => simdBackend({ threads: 1, order }), apart: false },
  {
    name: 'simd, 2 threads',
    backend: async (order) => simdBackend({ threads: 2, workers: await openThreads(1), order }),
    apart: false,
  },
  { name: 'simd, wide tiles', backend: (order) => simdBackend({ wide: true, order }), apart: false },
  { name: 'simd, 1 thread, one by one', backend: (order) => simdBackend({ threads: 1, order }), apart: true },
];

export interface Digest {
  readonly run: string;
  readonly way: string;
  /** SHA-256 of the samples after every step, hexadecimal. */
  readonly sha256: string;
}

/** Computes every run in every way, or in those that `isWanted` picks by the names of both. */
export async function* digests(
  { letters, words }: ReferenceModels,
  isWanted: (run: string, way: string) => boolean = () => true,
): AsyncGenerator<Digest, void, void> {
  const waysOf = (name: string, all = ways): readonly Way[] => all.filter((way) => isWanted(name, way.name));
  for (const [name, run] of Object.entries(letterRuns)) {
    const draw = (backend: Backend, group: readonly number[]): readonly Tensor[] =>
      latentsOf(run, letters, backend, group);
    const inWays = waysOf(name, run.dtype === 'f32' ? ways : ways.slice(0, 1));
    yield* digestsOf(name, run.order ?? 'direct', run.labels.length, inWays, draw);
  }
  const pipeline = await loadStableDiffusion(words, 'letters-text', 'f32');
  const draw = (backend: Backend, group: readonly number[]): readonly Tensor[] =>
    picturesFromWords(pipeline, backend, group);
  yield* digestsOf(fromWords.name, 'direct', fromWords.prompts.length, waysOf(fromWords.name), draw);
}

/** A run in several ways. @param draw gives tensors of some of its samples, in the order of the run */
async function* digestsOf(
  run: string,
  order: Order,
  count: number,
  inWays: readonly Way[],
  draw: (backend: Backend, group: readonly number[]) => readonly Tensor[],
): AsyncGenerator<Digest, void, void> {
  for (const way of inWays) {
    const backend = await way.backend(order);
    const all = Array.from({ length: count }, (_, i) => i);
    const parts = (way.apart ? all.map((i) => [i]) : [all]).map((group) => draw(backend, group));
    backend.dispose();
    // Step by step, sample by sample, whichever way they were computed.
    const tensors = parts[0].flatMap((_, step) => parts.map((part) => part[step]));
    yield { run, way: way.name, sha256: await sha256(tensors) };
  }
}

/** Noise of `shape` for each of `count` samples, of which only those of `group` are wanted. */
function noiseOf(count: number, shape: readonly number[], group: readonly number[], dtype: DType): () => Tensor {
  const generator = manualSeed(seed);
  return () => {
    const all = generator.randn([count, ...shape]);
    const size = all.data.length / count;
    const data = new Float32Array(size * group.length);
    for (const [i, sample] of group.entries())
      data.set(all.data.subarray(sample * size, (sample + 1) * size), i * size);
    return cast(tensor('f32', [group.length, ...shape], data), dtype);
  };
}

/** The samples of `group` after each step. Their noise is that which the whole batch would have had. */
function latentsOf(
  run: ReferenceRun,
  { config, weights }: ModelFolder,
  backend: Backend,
  group: readonly number[],
): readonly Tensor[] {
  const draw = noiseOf(run.labels.length, [config.inChannels, ...run.size], group, run.dtype);
  const { stored = run.dtype } = run;
  const rounded = new Map([...weights].map(([name, x]) => [name, cast(x, stored)]));
  const unet = createUNet(config, rounded, run.dtype);
  const denoiser = unetDenoiser(unet, backend, { labels: group.map((i) => run.labels[i]), nullLabel: noLetter });
  return samplesOf(denoiser, run.guidance, { _class_name: run.scheduler }, run.steps, draw);
}

/** The latents of `group` after each step, and the pictures that come of the last. */
function picturesFromWords(pipeline: StableDiffusion, backend: Backend, group: readonly number[]): readonly Tensor[] {
  const { prompts, negativePrompts, guidance, latents, steps } = fromWords;
  const draw = noiseOf(prompts.length, latents, group, 'f32');
  const conditions = promptConditions(pipeline, backend, { prompts: group.map((i) => prompts[i]), negativePrompts });
  const denoiser = denoiserOf({ main: pipeline.unet }, backend, conditions);
  const samples = samplesOf(denoiser, guidance, pipeline.schedulerConfig ?? {}, steps, draw);
  return [...samples, picturesOf(pipeline, backend, samples[samples.length - 1])];
}

/** The samples of a run after each step. */
function samplesOf(
  denoiser: Denoiser,
  guidance: Guidance,
  config: Readonly<Record<string, unknown>>,
  steps: number,
  draw: () => Tensor,
): readonly Tensor[] {
  const scheduler = createScheduler(config, steps);
  const run = sampleSteps({ denoiser, guidance, scheduler, noise: draw(), noiseSource: draw });
  return [...run].map(({ sample }) => sample);
}

async function sha256(tensors: readonly Tensor[]): Promise<string> {
  const bytes = tensors.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return digest(joinBytes(bytes));
}
