/**
 * Latents of a picture in 16 bits, as XL's autoencoder has them, which encodes in f32 there; and pictures of latents.
 */
import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import {
  decodeLatents,
  distributionOf,
  scaledLatents,
  unscaledLatents,
  type AutoencoderKL,
} from '../../src/models/autoencoder-kl/autoencoder-kl.ts';
import { runPictureModel } from '../../src/models/autoencoder.ts';
import { latentRun } from '../../src/pipelines/latent-start.ts';
import { latentsOf, picturesOf } from '../../src/pipelines/latents.ts';
import { decodingTiles, inTiles } from '../../src/pipelines/tiles.ts';
import { noiseFrom } from '../../src/sampling/noise.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { mapElements } from '../../src/tensor/arithmetic.ts';
import { exp } from '../../src/tensor/math/index.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { cast } from '../../src/tensor/rounding.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { loadPipeline } from './folders.ts';

const backend = referenceBackend();
const scheduler = createScheduler({ _class_name: 'DDIMScheduler' }, 4, { begin: 2 });

describe.each(['f16', 'bf16'] as const)('latents of a picture in XL, %s', (dtype) => {
  it('are drawn in f32, cast, and then scaled', async () => {
    const pipeline = await loadPipeline('sd-xl', dtype);
    const autoencoder = pipeline.autoencoder as AutoencoderKL;
    const { config } = autoencoder;
    const picture = manualSeed(3).randn([1, config.inChannels, 16, 16], dtype);
    const moments = runPictureModel(autoencoder, 'encoder', backend, picture);
    const { mean, logvar } = distributionOf(config, moments);
    const noise = manualSeed(5).randn(mean.shape, 'f32');
    const drawn = mapElements(noise, (z, i) => (mean.data[i] ?? 0) + exp(0.5 * (logvar.data[i] ?? 0)) * z);
    const expected = scaledLatents(config, cast(drawn, dtype));
    const from = noiseFrom(manualSeed(5), 'f32');
    expect(latentsOf(pipeline, backend, picture, 1, from)).toEqual(expected);
    const noises = { first: () => manualSeed(6).randn(mean.shape, dtype), draws: 1 };
    const sources = { noiseSource: noiseFrom(manualSeed(7), dtype), ofLatents: noiseFrom(manualSeed(5), 'f32') };
    const asked = { picture, strength: 0.5 };
    const { start } = latentRun(pipeline, backend, scheduler, asked, { ...noises, ...sources });
    expect(start).toEqual(scheduler.addNoise(expected, noises.first(), 0));
  });
});

describe('pictures of latents', () => {
  it('are decoded in tiles where these are asked for, and as a whole where not', async () => {
    const pipeline = await loadPipeline('sd-1');
    const autoencoder = pipeline.autoencoder as AutoencoderKL;
    const { config } = autoencoder;
    const latents = manualSeed(8).randn([1, config.latentChannels, 8, 12]);
    const decode = (part: Tensor): Tensor => decodeLatents(autoencoder, backend, part);
    const unscaled = unscaledLatents(config, latents);
    const [whole, tiled] = [decode(unscaled), inTiles(unscaled, decodingTiles(config), decode)];
    expect(tiled).not.toEqual(whole);
    expect(picturesOf(pipeline, backend, latents)).toEqual(whole);
    expect(picturesOf(pipeline, backend, latents, { tiling: false })).toEqual(whole);
    expect(picturesOf(pipeline, backend, latents, { tiling: true })).toEqual(tiled);
  });
});
