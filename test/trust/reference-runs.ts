/**
 * The runs whose bits are the same everywhere, and all the ways to compute them. Imports nothing of Node: the same file
 * runs in every Node and every browser that `npm run bits` finds.
 */
import {
  cast,
  cfgPag,
  createScheduler,
  createUNet,
  manualSeed,
  openThreads,
  pag,
  referenceBackend,
  sampleSteps,
  simdBackend,
  tensor,
  unetDenoiser,
} from '../../src/index.ts';
import type { Backend, DType, Guidance, ModelFolder, Tensor } from '../../src/index.ts';

interface ReferenceRun {
  readonly dtype: DType;
  readonly guidance: Guidance;
  readonly scheduler: string;
  /** The class of each sample; 26 is none. */
  readonly labels: readonly number[];
  /** Height and width. The loops compute these runs, too, so they are small. */
  readonly size: readonly [number, number];
  readonly steps: number;
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

/** Sampling runs of the letters model. */
export const referenceRuns: Readonly<Record<string, ReferenceRun>> = {
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
};

interface Way {
  readonly name: string;
  readonly backend: () => Backend | Promise<Backend>;
  /** All samples as one batch, or each in a run of its own. */
  readonly apart: boolean;
}

/** Other precisions than f32 are computed by the loops, whatever one asks for. */
const ways: readonly Way[] = [
  { name: 'loops', backend: () => referenceBackend(), apart: false },
  { name: 'simd, 1 thread', backend: () => simdBackend({ threads: 1 }), apart: false },
  {
    name: 'simd, 2 threads',
    backend: async () => simdBackend({ threads: 2, workers: await openThreads(1) }),
    apart: false,
  },
  { name: 'simd, wide tiles', backend: () => simdBackend({ wide: true }), apart: false },
  { name: 'simd, 1 thread, one by one', backend: () => simdBackend({ threads: 1 }), apart: true },
];

export interface Digest {
  readonly run: string;
  readonly way: string;
  /** SHA-256 of the samples after every step, hexadecimal. */
  readonly sha256: string;
}

/** Computes every run in every way. */
export async function* digests(model: ModelFolder): AsyncGenerator<Digest, void, void> {
  for (const [name, run] of Object.entries(referenceRuns)) {
    for (const way of run.dtype === 'f32' ? ways : ways.slice(0, 1)) {
      const backend = await way.backend();
      const groups = way.apart ? run.labels.map((_, i) => [i]) : [run.labels.map((_, i) => i)];
      const parts = groups.map((group) => latentsOf(run, model, backend, group));
      backend.dispose();
      // Step by step, sample by sample, whichever way they were computed.
      const latents = parts[0].flatMap((_, step) => parts.map((part) => part[step]));
      yield { run: name, way: way.name, sha256: await sha256(latents) };
    }
  }
}

/** The samples of `group` after each step. Their noise is that which the whole batch would have had. */
function latentsOf(
  run: ReferenceRun,
  { config, weights }: ModelFolder,
  backend: Backend,
  group: readonly number[],
): readonly Tensor[] {
  const generator = manualSeed(2024);
  const draw = (): Tensor => {
    const all = generator.randn([run.labels.length, config.inChannels, ...run.size]);
    const size = all.data.length / run.labels.length;
    const data = new Float32Array(size * group.length);
    for (const [i, sample] of group.entries())
      data.set(all.data.subarray(sample * size, (sample + 1) * size), i * size);
    return cast(tensor('f32', [group.length, ...all.shape.slice(1)], data), run.dtype);
  };
  const unet = createUNet(config, weights, run.dtype);
  const steps = sampleSteps({
    denoiser: unetDenoiser(unet, backend, { labels: group.map((i) => run.labels[i]), nullLabel: noLetter }),
    guidance: run.guidance,
    scheduler: createScheduler({ _class_name: run.scheduler }, run.steps),
    noise: draw(),
    noiseSource: draw,
  });
  return [...steps].map(({ sample }) => sample);
}

async function sha256(tensors: readonly Tensor[]): Promise<string> {
  const bytes = tensors.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  const joined = new Uint8Array(bytes.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of bytes) {
    joined.set(part, at);
    at += part.length;
  }
  const digest = await crypto.subtle.digest('SHA-256', joined);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
