/**
 * Snapshots of our own output: the SHA-256 of whole runs. They say nothing about being right (the goldens do); they say that the bits
 * are the same in every engine, on every processor, with every kind of kernels, and that no change of the code has changed them
 * unawares. Who changes them on purpose writes down here what the test prints.
 */
import { createHash } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { createGuidance } from '../../src/guidance/registry.ts';
import type { ParameterValues } from '../../src/guidance/parameters.ts';
import type { Backend } from '../../src/kernels/kernels.ts';
import { referenceBackend } from '../../src/kernels/reference/index.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import { unetDenoiser } from '../../src/sampling/denoiser.ts';
import { sampleToEnd } from '../../src/sampling/sample.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { cast } from '../../src/tensor/rounding.ts';
import type { DType, Tensor } from '../../src/tensor/tensor.ts';
import { createUNet, type UNet } from '../../src/unet/unet.ts';
import { loadFixtureModel } from '../goldens.ts';

interface Run {
  readonly scheduler: 'DDIMScheduler' | 'DDPMScheduler';
  readonly steps: number;
  readonly eta?: number;
  readonly guidance: string;
  readonly parameters?: ParameterValues;
  readonly labels: readonly number[];
  readonly nullLabel: number;
}

/** The SHA-256 of the bytes of a tensor, little-endian as everywhere. */
function hashOf({ data }: Tensor): string {
  return createHash('sha256').update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)).digest('hex');
}

/** Draws a picture for each label, all randomness from torch's seed 0. */
function draw(unet: UNet, backend: Backend, run: Run): Tensor {
  const generator = manualSeed(0);
  const [height, width] = unet.config.sampleSize!;
  const noise = (shape: readonly number[]): Tensor => cast(generator.randn(shape), unet.dtype);
  const guidance = createGuidance(run.guidance, run.parameters ?? {}, {
    attentionLayers: unet.attentionLayers, hasNullCondition: true, hasWeakModel: false,
  });
  return sampleToEnd({
    denoiser: unetDenoiser(unet, backend, run), guidance,
    scheduler: createScheduler({ _class_name: run.scheduler, timestep_spacing: 'trailing' }, run.steps, { eta: run.eta ?? 0 }),
    noise: noise([run.labels.length, unet.config.inChannels, height, width]), noiseSource: noise,
  });
}

const threaded = simdBackend({ threads: 2 });
const single = simdBackend();
const reference = referenceBackend();
afterAll(() => [threaded, single].forEach((backend) => backend.dispose()));

describe('the letters model, snapshots of our own output', async () => {
  const { config, weights } = await loadFixtureModel('letters/model');
  const unet = createUNet(config, weights);
  const pair = { labels: [0, 15], nullLabel: 26 };
  const runs: Readonly<Record<string, readonly [Run, string]>> = {
    'without guidance': [
      { ...pair, scheduler: 'DDIMScheduler', steps: 4, guidance: 'none' },
      '4154a7107059527fa37ec84c82e2cf42d1ca824f2693b1fe4826cbd7af73be10',
    ],
    cfg: [
      { ...pair, scheduler: 'DDIMScheduler', steps: 3, guidance: 'cfg', parameters: { guidanceScale: 2 } },
      'e2994347733202238b758ba3e1dddb2f2512189322fb0f00c685cb07d4d48521',
    ],
    pag: [
      { ...pair, scheduler: 'DDIMScheduler', steps: 4, guidance: 'pag', parameters: { pagScale: 2 } },
      'ab7138e076ec0f178c79d2ca96ed1828dd39197f9378614387d7445e2d17f722',
    ],
    'pag with noise': [
      { ...pair, scheduler: 'DDIMScheduler', steps: 3, eta: 1, guidance: 'pag', parameters: { pagLayers: ['mid', 'up.block_0'] } },
      '99b24e1595d13c60012515c598938e515d9b70ebc2578704ebe633e7d721ac5f',
    ],
    'cfg+pag, rescaled, ddpm': [
      { ...pair, scheduler: 'DDPMScheduler', steps: 3, guidance: 'cfg+pag', parameters: { guidanceScale: 2, pagScale: 2, guidanceRescale: 0.5 } },
      'f294d9c09448630f6bccbd4450e1d25a6697c847177c6c4a89ef6362878e150c',
    ],
  };

  it.each(Object.entries(runs))('%s', (_name, [run, hash]) => {
    expect(hashOf(draw(unet, threaded, run))).toBe(hash);
  });

  it('has the same bits with one thread, and with the plain loops', () => {
    const [run, hash] = runs['cfg'];
    expect(hashOf(draw(unet, single, run))).toBe(hash);
    const short: Run = { ...pair, labels: [7], scheduler: 'DDIMScheduler', steps: 1, guidance: 'none' };
    expect(hashOf(draw(unet, reference, short))).toBe(hashOf(draw(unet, threaded, short)));
  });
});

describe('a small model in every precision, snapshots of our own output', async () => {
  const { config, weights } = await loadFixtureModel('goldens/runs/conditional');
  const run: Run = {
    scheduler: 'DDPMScheduler', steps: 3, guidance: 'cfg+pag', parameters: { guidanceScale: 2, pagScale: 1.5 }, labels: [1, 2], nullLabel: 3,
  };
  const hashes: Readonly<Record<DType, string>> = {
    f64: '8da4afefa5b9cef05a898529527c1a0eeb191eb590d925cbf8d50c407c269fad',
    f32: '88a734fba8d1d5b0383dcb3e676dcf5a898969768bada51a0f513f591e4bca85',
    f16: 'eab70cea7c8f571214c85e4f501e3c266377227e7961c5c02ceb56af9986b450',
    bf16: 'eaaa40eac54c3b9ed94b6064104580ee5ca3024b8147f220cb186c7a86bb2bd5',
  };
  it.each(Object.entries(hashes) as [DType, string][])('%s', (dtype, hash) => {
    expect(hashOf(draw(createUNet(config, weights, dtype), reference, run))).toBe(hash);
  });

  it('with noise of our own: normal numbers of torch, whose last bits are ours', () => {
    expect(hashOf(manualSeed(0).randn([2, 1, 8, 8]))).toBe('6b3e5240c1367ca1bf2059458b5bbe2d4b72be7c9b55938f8cfa6c83b63a663f');
  });
});
