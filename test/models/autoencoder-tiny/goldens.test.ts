/**
 * Tiny autoencoders against diffusers, module by module, both ways. And the fast kernels against the plain loops, bit
 * for bit.
 */
import { afterAll, describe, it } from 'vitest';
import { componentKinds } from '../../../src/formats/components.ts';
import { readTensor } from '../../../src/formats/safetensors.ts';
import { referenceBackend } from '../../../src/kernels/plain/index.ts';
import { simdBackend } from '../../../src/kernels/simd/index.ts';
import {
  createAutoencoderTiny,
  decodeLatentsTiny,
  encodePictureTiny,
} from '../../../src/models/autoencoder-tiny/autoencoder-tiny.ts';
import { runModel } from '../../../src/models/passes.ts';
import { loadFixtureFiles, openGoldens } from '../../goldens.ts';
import { expectSameWay, expectWay } from '../autoencoders.ts';

const reference = referenceBackend();
const fast = [simdBackend(), simdBackend({ threads: 2 })];
afterAll(() => fast.forEach((backend) => backend.dispose()));

describe.each(['tiny', 'tiny-mish'])('the autoencoder "%s"', async (name) => {
  const { config, weights } = await loadFixtureFiles(
    `goldens/text/autoencoders/${name}`,
    componentKinds.AutoencoderTiny,
  );
  const file = openGoldens(`text/autoencoders/${name}/golden.safetensors`);
  const [picture, latents] = [readTensor(file, 'sample'), readTensor(file, 'latents')];

  it.each(['f32', 'f64'] as const)('agrees at every module, both ways, in %s', (dtype) => {
    const model = createAutoencoderTiny(config, weights, dtype);
    const { taps } = runModel(model.encoder, reference, { sample: picture }, { taps: ['*'] });
    expectWay(file, 'encode', { ...taps, mean: encodePictureTiny(model, reference, picture) });
    const ofDecoder = runModel(model.decoder, reference, { sample: latents }, { taps: ['*'] }).taps;
    expectWay(file, 'decode', { ...ofDecoder, sample: decodeLatentsTiny(model, reference, latents) });
  });

  it.each(fast.map((backend, i) => [i + 1, backend] as const))(
    'has the same bits with SIMD kernels, threads: %d',
    (_threads, backend) => {
      const { encoder, decoder } = createAutoencoderTiny(config, weights);
      expectSameWay(encoder, picture, [backend, reference]);
      expectSameWay(decoder, latents, [backend, reference]);
    },
  );
});
