/** What holds of classifiers of noised pictures whatever their weights are, bit for bit; and what they refuse. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { classGradient } from '../../../src/models/class-gradient.ts';
import { lossGradient, lossGradientProgram } from '../../../src/models/loss-gradient.ts';
import { runModel } from '../../../src/models/passes.ts';
import { parseUNetClassifierConfig, readUNetClassifierConfig } from '../../../src/models/unet2d-classifier/config.ts';
import {
  createUNetClassifier,
  initialClassifierWeights,
} from '../../../src/models/unet2d-classifier/unet-classifier.ts';
import { norm, std } from '../../../src/tensor/arithmetic.ts';
import { InputError } from '../../../src/tensor/errors.ts';
import { manualSeed } from '../../../src/tensor/random.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { samplesOf } from '../../guidance/scene.ts';
import { casesOf, expectIdentityIsItsMap, expectResumable, expectSharedUpToLayers } from '../laws.ts';
import { backend, noise, randomUNet } from '../unet2d/models.ts';
import { randomClassifier, smallConfig } from './models.ts';

const configs = [
  smallConfig,
  { ...smallConfig, resnet_time_scale_shift: 'scale_shift', downsample_type: 'resnet', attention_head_dim: null },
];
const seeds = fc.nat(10_000);
const classifiers = fc
  .tuple(fc.constantFrom(...configs), seeds)
  .map(([config, seed]) => randomClassifier(config, seed));
const cases = casesOf(classifiers, () =>
  fc.tuple(seeds, fc.nat(999)).map(([seed, t]) => ({ sample: noise([1, 1, 4, 4], seed), timesteps: [t] })),
);

describe('a classifier', () => {
  it('can be resumed from any stage, and its attention be perturbed as that of any model', () => {
    fc.assert(fc.property(cases, expectResumable), { numRuns: 5 });
    fc.assert(fc.property(cases, expectIdentityIsItsMap), { numRuns: 5 });
    fc.assert(fc.property(cases, expectSharedUpToLayers), { numRuns: 5 });
  });

  it('sees each picture, at its own time, as if it were alone; so is its slope', () => {
    fc.assert(
      fc.property(classifiers, seeds, fc.tuple(fc.nat(999), fc.nat(999), fc.nat(999)), (model, seed, timesteps) => {
        const sample = noise([3, 1, 4, 4], seed);
        const labels = [0, 4, 2];
        const of = (sample: Tensor, timesteps: readonly number[], labels: readonly number[]) =>
          classGradient(model, backend, { sample, timesteps }, labels, { for: 'sample', reduction: 'sum' });
        const whole = of(sample, timesteps, labels);
        samplesOf(sample).forEach((one, b) => {
          const alone = of(one, [timesteps[b]], [labels[b]]);
          expect(samplesOf(whole.logits)[b]).toEqual(alone.logits);
          expect(samplesOf(whole.sample)[b]).toEqual(alone.sample);
        });
      }),
      { numRuns: 8 },
    );
  });

  it('has the slope of its loss, for the picture and for every weight', () => {
    const model = randomClassifier(smallConfig, 3, 'f64');
    const input = { sample: noise([2, 1, 4, 4], 5, 'f64'), timesteps: [300, 20] };
    const moved = (x: Tensor, v: Tensor, h: number): Tensor => ({
      ...x,
      data: x.data.map((y, i) => y + h * v.data[i]),
    });
    const { sample, parameters } = classGradient(model, backend, input, [1, 3]);
    const lossAt = (h: number): number => {
      const weights = new Map([...model.weights].map(([key, x]) => [key, moved(x, parameters.get(key)!, h)]));
      const at = { ...input, sample: moved(input.sample, sample, h) };
      return classGradient({ ...model, weights }, backend, at, [1, 3]).loss;
    };
    const squares = [sample, ...parameters.values()].flatMap(norm).reduce((sum, length) => sum + length ** 2, 0);
    expect((lossAt(1e-6) - lossAt(-1e-6)) / 2e-6 / squares).toBeCloseTo(1, 6);
  });

  it('begins with the weights of PyTorch, and positions of the deviation 1/√C', () => {
    const config = parseUNetClassifierConfig({ ...smallConfig, sample_size: 32, block_out_channels: [4, 16] });
    const weights = initialClassifierWeights(config, manualSeed(0));
    expect(() => createUNetClassifier(config, weights)).not.toThrow();
    const positions = weights.get('pool.positional_embedding')!;
    expect(positions.shape).toEqual([1, 257, 16]);
    expect(std(positions)[0]).toBeCloseTo(0.25, 1);
  });
});

describe('refused is', () => {
  const model = randomClassifier();
  const input = { sample: noise([2, 1, 4, 4]), timesteps: [7] };

  it.each([
    [{ sample_size: null }, 'sample_size is null; supported is a whole number or [height, width]'],
    [{ sample_size: 5 }, 'sample_size is 5; supported is a multiple of 2'],
    [{ num_classes: 0 }, 'num_classes is 0'],
    [{ attention_head_dim: 3 }, 'attention_head_dim is 3; supported is a divisor of the 8 channels of a block'],
    [{ down_block_types: ['SkipDownBlock2D', 'DownBlock2D'], in_channels: 3 }, 'down_block_types'],
    [{ _class_name: 'UNet2DModel' }, 'the model is a "UNet2DModel"; supported is "UNet2DClassifierModel"'],
  ])('the config %j', (change, message) => {
    expect(() => parseUNetClassifierConfig({ ...smallConfig, ...change })).toThrow(InputError);
    expect(() => parseUNetClassifierConfig({ ...smallConfig, ...change })).toThrow(message);
  });

  it('nothing of keys that it does not have: they are named', () => {
    expect(readUNetClassifierConfig({ ...smallConfig, up_block_types: [] }).warnings).toEqual([
      'config.json: UNet2DClassifierModel has no "up_block_types", as in this library ignored',
    ]);
  });

  it.each<[string, () => unknown, string]>([
    ['a label that there is not', () => classGradient(model, backend, input, [5]), 'the label 5 is none of the'],
    ['half a label', () => classGradient(model, backend, input, [0.5]), 'whole numbers from 0 to 4'],
    [
      'a target: lossGradient is for models of pictures',
      () => lossGradient(model, backend, input, input.sample),
      'lossGradient wants a model that predicts pictures, not a UNet2DClassifierModel; use classGradient',
    ],
    [
      'an architecture for the program of another loss',
      () => lossGradientProgram(model),
      'lossGradientProgram wants a model that predicts pictures, not a UNet2DClassifierModel; use classGradient',
    ],
    [
      'another model: classGradient is for classifiers',
      () => classGradient(randomUNet(), backend, { ...input, classLabels: [0] }, [0]),
      'classGradient wants a model that predicts classes, not a UNet2DModel; use lossGradient',
    ],
    ['too many labels', () => classGradient(model, backend, input, [0, 1, 2]), '3 labels for 2 samples'],
    [
      'another size',
      () => runModel(model, backend, { ...input, sample: noise([1, 1, 8, 8]) }),
      'the sample has [8, 8] pixels, but the classifier reads [4, 4]',
    ],
    ['a condition', () => runModel(model, backend, { ...input, classLabels: [0] }), 'not class-conditional'],
  ])('%s', (_what, run, message) => {
    expect(run).toThrow(InputError);
    expect(run).toThrow(message);
  });
});
