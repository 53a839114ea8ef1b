import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { referenceBackend } from '../../../src/kernels/plain/index.ts';
import { lossGradient } from '../../../src/models/loss-gradient.ts';
import { createModel } from '../../../src/models/model.ts';
import { runModel } from '../../../src/models/passes.ts';
import { initialValues } from '../../../src/models/unet2d/initialise.ts';
import { identity } from '../../../src/nn/attention-perturbations/index.ts';
import { manualSeed } from '../../../src/tensor/random.ts';
import { tensor, type Tensor } from '../../../src/tensor/tensor.ts';
import { planeArchitecture } from '../../../src/walkthrough/training/plane-model.ts';

const architecture = planeArchitecture({ channels: 8, blocks: 2, heads: 2 });
const model = createModel(architecture, initialValues(architecture.stages, manualSeed(0)), 'f64');
const backend = referenceBackend();
const apart = new Map(model.attentionLayers.map((path) => [path, identity]));
const point = (x: number, y: number): Tensor => tensor('f64', [1, 1, 1, 2], Float64Array.of(x, y));
const predict = (x: number, y: number, perturbed = false): ArrayLike<number> =>
  runModel(model, backend, { sample: point(x, y), timesteps: [400] }, { passes: [perturbed ? apart : new Map()] })
    .predictions[0].data;

describe('the model of points', () => {
  it('with the identity in every layer, says of a coordinate the same whatever the other is; else it does not', () => {
    const coordinate = fc.double({ min: -3, max: 3, noNaN: true });
    fc.assert(
      fc.property(coordinate, coordinate, coordinate, (x, y, other) => {
        expect(predict(x, y, true)[0]).toBe(predict(x, other, true)[0]);
        expect(predict(x, y, true)[1]).toBe(predict(other, y, true)[1]);
        fc.pre(Math.abs(y - other) > 0.1);
        expect(predict(x, y)[0]).not.toBe(predict(x, other)[0]);
      }),
      { numRuns: 30 },
    );
  });

  it('tells the coordinates apart', () => {
    const [across, up] = Array.from(predict(0.5, 0.5, true));
    expect(across).not.toBe(up);
  });

  it('has the gradient of its loss: that of differences', () => {
    const input = { sample: point(0.4, -0.9), timesteps: [300] };
    const target = point(0.2, 1.1);
    const { parameters } = lossGradient(model, backend, input, target);
    expect([...parameters.keys()].sort()).toEqual([...model.weights.keys()].sort());
    const h = 1e-5;
    for (const [name, index] of [
      ['blocks.0.attention.to_k.weight', 11],
      ['blocks.1.feed_forward.time_proj.weight', 5],
      ['proj_in.weight', 3],
    ] as const) {
      const lossWith = (change: number): number => {
        const weight = model.weights.get(name)!;
        const moved = { ...weight, data: Float64Array.from(weight.data) };
        moved.data[index] += change;
        const weights = new Map([...model.weights, [name, moved]]);
        return lossGradient({ ...model, weights }, backend, input, target).loss.data[0];
      };
      expect((lossWith(h) - lossWith(-h)) / (2 * h)).toBeCloseTo(parameters.get(name)!.data[index], 7);
    }
  });

  it('refuses what is no point', () => {
    const sample = tensor('f64', [1, 2, 1, 1], Float64Array.of(0, 0));
    expect(() => runModel(model, backend, { sample, timesteps: [1] })).toThrow(/the model takes \[B, 1, H, W\]/);
  });
});
