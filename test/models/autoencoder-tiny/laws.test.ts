/** Laws of the tiny autoencoder, for random weights: its latents are bent into bounds; and what it refuses. */
import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../../src/kernels/plain/index.ts';
import {
  createAutoencoderTiny,
  decodeLatentsTiny,
  encodePictureTiny,
  tinyDecoderArchitecture,
  tinyEncoderArchitecture,
} from '../../../src/models/autoencoder-tiny/autoencoder-tiny.ts';
import { parseAutoencoderTinyConfig } from '../../../src/models/autoencoder-tiny/config.ts';
import { parametersOf } from '../../../src/models/stage.ts';
import { InputError } from '../../../src/tensor/errors.ts';
import { manualSeed } from '../../../src/tensor/random.ts';
import { filled } from '../../kernels/arbitraries.ts';

const backend = referenceBackend();
const small = {
  encoder_block_out_channels: [4, 4],
  decoder_block_out_channels: [4, 4],
  num_encoder_blocks: [1, 1],
  num_decoder_blocks: [1, 1],
  latent_channels: 2,
};
const config = parseAutoencoderTinyConfig(small);
const { randn } = manualSeed(3);
const stages = [...tinyEncoderArchitecture(config).stages, ...tinyDecoderArchitecture(config).stages];
const weights = new Map(parametersOf(stages).map(({ name, shape }) => [name, randn(shape)]));
const model = createAutoencoderTiny(config, weights);

describe('a tiny autoencoder', () => {
  it('halves pictures, the half pixel counted, and doubles latents', () => {
    const latents = encodePictureTiny(model, backend, randn([1, 3, 5, 4]));
    expect(latents.shape).toEqual([1, 2, 3, 2]);
    expect(decodeLatentsTiny(model, backend, latents).shape).toEqual([1, 3, 6, 4]);
  });

  it('sees no latent beyond ±3', () => {
    const [far, further] = [100, 1e6].map((value) =>
      decodeLatentsTiny(model, backend, filled('f32', [1, 2, 2, 2], value)),
    );
    expect(further).toEqual(far);
  });

  it('has weights of its own, all of them', () => {
    expect(() => createAutoencoderTiny(config, new Map([...weights].slice(1)))).toThrow(/is missing/);
  });

  it.each([
    [{ upsample_fn: 'bilinear' }, 'upsample_fn is "bilinear"; supported is nearest'],
    [{ upsampling_scaling_factor: 4 }, 'upsampling_scaling_factor is 4; supported is 2'],
    [{ encoder_block_out_channels: [4, 8] }, 'encoder_block_out_channels is [4,8]; supported is 2 times the same'],
    [{ decoder_block_out_channels: [4] }, 'decoder_block_out_channels is [4]'],
    [{ num_encoder_blocks: [0, 1] }, 'num_encoder_blocks is [0,1]'],
    [{ num_decoder_blocks: [65, 1] }, 'num_decoder_blocks is [65,1]; supported is whole numbers from 1 to 64'],
    [{ latent_magnitude: 0 }, 'latent_magnitude is 0'],
  ])('refuses %j by name', (change, message) => {
    const parse = () => parseAutoencoderTinyConfig({ ...small, ...change }, 'vae/config.json');
    expect(parse).toThrow(InputError);
    expect(parse).toThrow(message);
  });
});
