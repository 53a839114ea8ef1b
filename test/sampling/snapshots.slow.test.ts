/**
 * Snapshots of our own output: the SHA-256 of whole runs. They say nothing about being right (the goldens do); they say
 * that the bits are the same in every engine, on every processor, with every kind of kernels, and that no change of the
 * code has changed them unawares. Who changes them on purpose writes down here what the test prints.
 */
import { createHash } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { createGuidance } from '../../src/guidance/registry/index.ts';
import type { ParameterValues } from '../../src/guidance/parameters.ts';
import type { Backend } from '../../src/kernels/kernels.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import { unetDenoiser } from '../../src/sampling/denoiser.ts';
import { sampleToEnd } from '../../src/sampling/sample.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { cast } from '../../src/tensor/rounding.ts';
import type { DType, Tensor } from '../../src/tensor/tensor.ts';
import { createUNet, type UNet } from '../../src/models/unet2d/unet.ts';
import { loadFixtureModel } from '../goldens.ts';

interface Run {
  readonly scheduler: 'DDIMScheduler' | 'DDPMScheduler';
  readonly steps: number;
  readonly eta?: number;
  readonly guidance: string;
  readonly parameters?: ParameterValues;
  readonly labels: readonly number[];
  readonly nullLabel: number;
  /** Height and width; those of the model's own pictures, unless given. */
  readonly size?: readonly [number, number];
}

/** The SHA-256 of the bytes of a tensor, little-endian as everywhere. */
function hashOf({ data }: Tensor): string {
  return createHash('sha256')
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest('hex');
}

/** Draws a picture for each label, all randomness from torch's seed 0. */
function draw(unet: UNet, backend: Backend, run: Run): Tensor {
  const generator = manualSeed(0);
  const [height, width] = run.size ?? unet.config.sampleSize!;
  const noise = (shape: readonly number[]): Tensor => cast(generator.randn(shape), unet.dtype);
  const guidance = createGuidance(run.guidance, run.parameters ?? {}, {
    attentionLayers: unet.attentionLayers,
    hasNullCondition: true,
    hasWeakModel: false,
  });
  return sampleToEnd({
    denoiser: unetDenoiser(unet, backend, { labels: run.labels, nullLabel: run.nullLabel }),
    guidance,
    scheduler: createScheduler({ _class_name: run.scheduler, timestep_spacing: 'trailing' }, run.steps, {
      eta: run.eta ?? 0,
    }),
    noise: noise([run.labels.length, unet.config.inChannels, height, width]),
    noiseSource: noise,
  });
}

const threaded = simdBackend({ threads: 2 });
const single = simdBackend();
const reference = referenceBackend();
afterAll(() => {
  for (const backend of [threaded, single]) backend.dispose();
});

describe('the letters model, snapshots of our own output', async () => {
  const { config, weights } = await loadFixtureModel('letters/model');
  const unet = createUNet(config, weights);
  const pair = { labels: [0, 15], nullLabel: 26 };
  const runs: Readonly<Record<string, readonly [Run, string]>> = {
    'without guidance': [
      { ...pair, scheduler: 'DDIMScheduler', steps: 4, guidance: 'none' },
      '2fe6e87dc88e426fa72be8dcb9cf6e1097e6a16ca046a31ed9c44c33d77e05d9',
    ],
    cfg: [
      { ...pair, scheduler: 'DDIMScheduler', steps: 3, guidance: 'cfg', parameters: { guidanceScale: 2 } },
      'b038ff893943f5e5ac0aac9235398c6f5d4807fdf0f18358b97149913d563983',
    ],
    pag: [
      { ...pair, scheduler: 'DDIMScheduler', steps: 4, guidance: 'pag', parameters: { pagScale: 2 } },
      '56bb96c7af72215b40090a7aea886a270e6e34a4490cc1ecc0225c88c699e56a',
    ],
    'pag with noise': [
      {
        ...pair,
        scheduler: 'DDIMScheduler',
        steps: 3,
        eta: 1,
        guidance: 'pag',
        parameters: { pagLayers: ['mid', 'up.block_0'] },
      },
      '628e54b2bba5e879b9d4722c6406f17e92ab5e22952bf7c83601393967305da8',
    ],
    'cfg+pag, rescaled, ddpm': [
      {
        ...pair,
        scheduler: 'DDPMScheduler',
        steps: 3,
        guidance: 'cfg+pag',
        parameters: { guidanceScale: 2, pagScale: 2, guidanceRescale: 0.5 },
      },
      '33e54b356d258bc0fe6c7f6be51c049661cf183ba5300239cae8648eaef54120',
    ],
  };

  it.each(Object.entries(runs))('%s', (_name, [run, hash]) => {
    expect(hashOf(draw(unet, threaded, run))).toBe(hash);
  });

  it('has the same bits with one thread, and with the plain loops', () => {
    const [run, hash] = runs['cfg'];
    expect(hashOf(draw(unet, single, run))).toBe(hash);
    const short: Run = { ...pair, labels: [7], scheduler: 'DDIMScheduler', steps: 1, guidance: 'none', size: [16, 16] };
    expect(hashOf(draw(unet, reference, short))).toBe(hashOf(draw(unet, threaded, short)));
  });
});

describe('a small model in every precision, snapshots of our own output', async () => {
  const { config, weights } = await loadFixtureModel('goldens/runs/conditional');
  const run: Run = {
    scheduler: 'DDPMScheduler',
    steps: 3,
    guidance: 'cfg+pag',
    parameters: { guidanceScale: 2, pagScale: 1.5 },
    labels: [1, 2],
    nullLabel: 3,
  };
  const hashes: Readonly<Record<DType, string>> = {
    f64: 'd8982c1fa5ad9a6312d0cbdaa06f1638173d00e62e65c6c90a117f043ee2039c',
    f32: 'a01fa43dfdc66197eff439a98692782a696bcb7c3737a0ea16cc73b81b2f0db6',
    f16: 'c47e75d102da87b4d8fd3ccda888ac50be6aad5ac0e0d8e734720233515c5a03',
    bf16: 'eaaa40eac54c3b9ed94b6064104580ee5ca3024b8147f220cb186c7a86bb2bd5',
  };
  it.each(Object.entries(hashes) as [DType, string][])('%s', (dtype, hash) => {
    expect(hashOf(draw(createUNet(config, weights, dtype), reference, run))).toBe(hash);
  });

  it('with noise of our own: normal numbers of torch, whose last bits are ours', () => {
    expect(hashOf(manualSeed(0).randn([2, 1, 8, 8]))).toBe(
      '6b3e5240c1367ca1bf2059458b5bbe2d4b72be7c9b55938f8cfa6c83b63a663f',
    );
  });
});
