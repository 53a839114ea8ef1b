/** Laws of the autoencoder, for random weights: samples are apart, scaling goes both ways; and what it refuses. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../../src/kernels/plain/index.ts';
import {
  createAutoencoderKL,
  decodeLatents,
  decoderKLArchitecture,
  encodePicture,
  encoderKLArchitecture,
  scaledLatents,
  unscaledLatents,
} from '../../../src/models/autoencoder-kl/autoencoder-kl.ts';
import { parseAutoencoderKLConfig } from '../../../src/models/autoencoder-kl/config.ts';
import { parametersOf } from '../../../src/models/stage.ts';
import { InputError } from '../../../src/tensor/errors.ts';
import { manualSeed } from '../../../src/tensor/random.ts';
import { tensor, zeros, type Tensor } from '../../../src/tensor/tensor.ts';

const backend = referenceBackend();
const small = {
  block_out_channels: [4, 4],
  down_block_types: ['DownEncoderBlock2D', 'DownEncoderBlock2D'],
  up_block_types: ['UpDecoderBlock2D', 'UpDecoderBlock2D'],
  norm_num_groups: 2,
  latent_channels: 2,
};

function weightsOf(json: Readonly<Record<string, unknown>> = small): Map<string, Tensor> {
  const config = parseAutoencoderKLConfig(json);
  const { randn } = manualSeed(3);
  const stages = [...encoderKLArchitecture(config).stages, ...decoderKLArchitecture(config).stages];
  return new Map(parametersOf(stages).map(({ name, shape }) => [name, randn(shape)]));
}

const model = createAutoencoderKL(parseAutoencoderKLConfig(small), weightsOf());
const noise = (shape: readonly number[], seed = 5): Tensor => manualSeed(seed).randn(shape);
const half = ({ data, shape: [, ...sample] }: Tensor): Tensor =>
  tensor('f32', [1, ...sample], data.slice(data.length / 2) as Float32Array);

describe('an autoencoder', () => {
  it('does with each picture what it does with it alone', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.integer({ min: 2, max: 5 }), (seed, side) => {
        const pictures = noise([2, 3, 4, side], seed);
        const { mean, logvar } = encodePicture(model, backend, pictures);
        expect({ mean: half(mean), logvar: half(logvar) }).toEqual(encodePicture(model, backend, half(pictures)));
        expect(half(decodeLatents(model, backend, mean))).toEqual(decodeLatents(model, backend, half(mean)));
      }),
      { numRuns: 8 },
    );
  });

  it('keeps the logarithm of the variance within its bounds', () => {
    const weights = weightsOf();
    const bias = weights.get('quant_conv.bias');
    if (!bias) throw new Error('the bias is missing');
    weights.set('quant_conv.bias', tensor('f32', [4], Float32Array.of(0, 0, 1e4, -1e4)));
    const { logvar } = encodePicture(createAutoencoderKL(model.config, weights), backend, noise([1, 3, 4, 4]));
    expect([...new Set(logvar.data)]).toEqual([20, -30]);
  });

  it('scales latents, and back', () => {
    const latents = tensor('f64', [1, 2, 1, 2], Float64Array.of(1, 2, 3, 4));
    const read = (change: object) => parseAutoencoderKLConfig({ ...small, scaling_factor: 0.5, ...change });
    const numbers = (config: ReturnType<typeof read>): number[] => [...scaledLatents(config, latents).data];
    expect(numbers(read({}))).toEqual([0.5, 1, 1.5, 2]);
    expect(numbers(read({ shift_factor: 1 }))).toEqual([0, 0.5, 1, 1.5]);
    const statistics = { latents_mean: [[[[1]], [[3]]]], latents_std: [[[[0.5]], [[2]]]] };
    expect(numbers(read(statistics))).toEqual([0, 1, 0, 0.25]);
    for (const config of [read({}), read({ shift_factor: 1 }), read(statistics)]) {
      expect(unscaledLatents(config, scaledLatents(config, latents))).toEqual(latents);
    }
  });

  it.each([
    ['a picture of other channels', () => encodePicture(model, backend, noise([1, 4, 4, 4])), /\[B, 3, H, W\]/],
    [
      'a picture that is too small',
      () => encodePicture(model, backend, noise([1, 3, 1, 4])),
      /1 × 4.*2 pixels or more/,
    ],
    ['latents of other channels', () => decodeLatents(model, backend, noise([1, 3, 4, 4])), /\[B, 2, H, W\]/],
    [
      'a weight that belongs to neither way',
      () => createAutoencoderKL(model.config, new Map([...weightsOf(), ['quantize.weight', zeros('f32', [1])]])),
      /"quantize\.weight" belongs to no module/,
    ],
  ])('refuses %s', (_what, run, message) => {
    expect(run).toThrow(InputError);
    expect(run).toThrow(message);
  });
});

describe('parseAutoencoderKLConfig', () => {
  it("fills in diffusers' defaults", () => {
    expect(parseAutoencoderKLConfig({})).toMatchObject({
      inChannels: 3,
      latentChannels: 4,
      blockOutChannels: [64],
      scalingFactor: 0.18215,
      shiftFactor: undefined,
      useQuantConv: true,
      forceUpcast: true,
    });
  });

  it.each([
    [{ _class_name: 'VQModel' }, 'the model is a "VQModel"; supported is "AutoencoderKL"'],
    [{ down_block_types: ['DownBlock2D', 'DownEncoderBlock2D'] }, 'down_block_types names "DownBlock2D"'],
    [{ up_block_types: ['UpDecoderBlock2D'] }, 'they must be as many'],
    [{ layers_per_block: [1, 1] }, 'layers_per_block is [1,1]'],
    [{ scaling_factor: 0 }, 'scaling_factor is 0; supported is a number other than 0'],
    [{ shift_factor: 'a' }, 'shift_factor is "a"'],
    [
      { latents_mean: [1], latents_std: [1] },
      'latents_mean is [1]; supported is null, or a number for each of 2 channels',
    ],
    [{ latents_mean: [1, Infinity], latents_std: [1, 1] }, 'latents_mean is [1,'],
    [{ latents_mean: [1, 2] }, 'latents_mean and latents_std must be given together'],
    [{ latents_mean: [1, 2], latents_std: [1, 0] }, 'latents_std is [1,0]; supported is numbers other than 0'],
    [{ use_quant_conv: 'no' }, 'use_quant_conv is "no"; supported is true or false'],
    [{ act_fn: 'tanh' }, 'act_fn is "tanh"'],
  ])('refuses %j by name', (change, message) => {
    const parse = () => parseAutoencoderKLConfig({ ...small, ...change }, 'vae/config.json');
    expect(parse).toThrow(InputError);
    expect(parse).toThrow(message);
    expect(parse).toThrow(/^vae\/config\.json: /);
  });
});
