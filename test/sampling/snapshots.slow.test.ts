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
      '2bb1c540290b6f421efb724bc34ae4763a2a979f8c778f1570c34a91641e410e',
    ],
    cfg: [
      { ...pair, scheduler: 'DDIMScheduler', steps: 3, guidance: 'cfg', parameters: { guidanceScale: 2 } },
      '586ceff218a67e6a17c0299b3ef914fc1c26e340b78ea59ca35fac488fa592af',
    ],
    pag: [
      { ...pair, scheduler: 'DDIMScheduler', steps: 4, guidance: 'pag', parameters: { pagScale: 2 } },
      'd7a62d6819c4fd188c5107b445aa7903dee11aa2c7b0e76d4c1a22d8b44371d9',
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
      '022e234142c213eaa5928b9d18d5071808ff99275ad16879efe1f0bcc7b4f489',
    ],
    'cfg+pag, rescaled, ddpm': [
      {
        ...pair,
        scheduler: 'DDPMScheduler',
        steps: 3,
        guidance: 'cfg+pag',
        parameters: { guidanceScale: 2, pagScale: 2, guidanceRescale: 0.5 },
      },
      '03273cba45e7bf63ebe6e7b3e58493cff8612b00b58ab4936dd3bbbaec415b52',
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
    f64: 'c727698109036db0b81aa6d7a276a9145fd5bf8ef7efbc970b7f5679045bdb82',
    f32: 'a7e33cc8bff2e3f0a787d8f8187bb759aba242a86a47a5dba2c89b41fd152017',
    f16: 'c47e75d102da87b4d8fd3ccda888ac50be6aad5ac0e0d8e734720233515c5a03',
    bf16: 'eaaa40eac54c3b9ed94b6064104580ee5ca3024b8147f220cb186c7a86bb2bd5',
  };
  it.each(Object.entries(hashes) as [DType, string][])('%s', (dtype, hash) => {
    expect(hashOf(draw(createUNet(config, weights, dtype), reference, run))).toBe(hash);
  });
});
