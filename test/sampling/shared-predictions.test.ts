/** A slope that knows what its denoiser has predicted: the same bits, and a pass fewer. */
import { describe, expect, it } from 'vitest';
import { none } from '../../src/guidance/none.ts';
import { pag } from '../../src/guidance/pag.ts';
import { conditional, perturbed } from '../../src/guidance/guidance.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { modelSlope, type ModelSlope } from '../../src/models/slope.ts';
import { identity } from '../../src/nn/attention-perturbations/index.ts';
import { measure } from '../../src/restoration/measurement.ts';
import { superResolution } from '../../src/restoration/measurements.ts';
import { restoring } from '../../src/restoration/posterior.ts';
import { unetDenoiser } from '../../src/sampling/denoiser.ts';
import { sampleToEnd } from '../../src/sampling/sample.ts';
import { sharedPredictions } from '../../src/sampling/shared-predictions.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { noise, randomUNet, smallConfig } from '../models/unet2d/models.ts';

const unet = randomUNet(smallConfig);
const backend = referenceBackend();
const labels = [1];
const denoiser = unetDenoiser(unet, backend, { labels });
const slope = modelSlope(unet, backend, { classLabels: labels });
const first = noise([1, 1, 8, 8]);
const second = manualSeed(5).randn([1, 1, 8, 8]);
const away = perturbed(['mid'], identity);

/** A slope that keeps what it is told of the prediction. */
function watched(): { readonly told: (Tensor | undefined)[]; readonly slopeAt: ModelSlope } {
  const told: (Tensor | undefined)[] = [];
  const slopeAt: ModelSlope = (sample, timestep, prediction) => {
    told.push(prediction);
    return slope(sample, timestep, prediction);
  };
  return { told, slopeAt };
}

describe('shared predictions', () => {
  it.each([none, pag({ pagScale: 2, layers: ['mid'] })])('restore to the same bits with $name', (guidance) => {
    const problem = {
      measurement: superResolution(4),
      measured: measure(superResolution(4), second),
      weight: 1,
    };
    const ddim = createScheduler({ _class_name: 'DDIMScheduler', clip_sample: false }, 3);
    const draw = (one: typeof denoiser, slopeAt: ModelSlope): Tensor =>
      sampleToEnd({
        denoiser: one,
        guidance,
        scheduler: restoring(ddim, problem, slopeAt, first),
        noise: first,
        noiseSource: manualSeed(1).randn,
      });
    const { told, slopeAt } = watched();
    const shared = sharedPredictions(denoiser, slopeAt);
    expect(draw(shared.denoiser, shared.slopeAt)).toEqual(draw(denoiser, slope));
    expect(told).toHaveLength(3);
    expect(told).not.toContain(undefined);
  });

  it('are those of the plain conditional pass, wherever it stands among others', () => {
    const { told, slopeAt } = watched();
    const shared = sharedPredictions(denoiser, slopeAt);
    const [, plain] = shared.denoiser.predict(first, 500, [away, conditional]);
    shared.slopeAt(first, 500);
    expect(told).toEqual([plain.output]);
  });

  it('are not those of another picture, timestep or pass, nor in the place of one that is given', () => {
    const { told, slopeAt } = watched();
    const shared = sharedPredictions(denoiser, slopeAt);
    shared.slopeAt(first, 500);
    shared.denoiser.predict(first, 500, [away]);
    shared.slopeAt(first, 500);
    shared.denoiser.predict(first, 500, [conditional]);
    shared.slopeAt(second, 500);
    shared.slopeAt(first, 501);
    expect(told).toEqual([undefined, undefined, undefined, undefined]);
    shared.slopeAt(first, 500, second);
    expect(told.at(-1)).toBe(second);
  });

  it('want a denoiser and a slope', () => {
    expect(() => sharedPredictions({} as never, slope)).toThrow(InputError);
    expect(() => sharedPredictions(denoiser, 3 as never)).toThrow(
      'slopeAt is 3; it must be a function, as modelSlope(unet, backend) gives it',
    );
  });
});
