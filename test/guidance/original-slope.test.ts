/** Universal guidance: its slope against differences, and laws. */
import { describe, expect, it } from 'vitest';
import { createClassifier } from '../../src/evaluation/classifier.ts';
import { letterSlope } from '../../src/evaluation/letter-slope.ts';
import { classifier, universal, universalPag } from '../../src/guidance/classifier.ts';
import { none } from '../../src/guidance/none.ts';
import { throughModel } from '../../src/guidance/original-slope.ts';
import { pag } from '../../src/guidance/pag.ts';
import { createGuidance } from '../../src/guidance/registry/index.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { runModel } from '../../src/models/passes.ts';
import { modelSlope } from '../../src/models/slope.ts';
import { unetDenoiser } from '../../src/sampling/denoiser.ts';
import { sampleToEnd } from '../../src/sampling/sample.ts';
import { slopesAt } from '../../src/schedulers/original-slope.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { addScaled } from '../../src/tensor/arithmetic.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { classifierWeights } from '../evaluation/goldens.ts';
import { noise as noiseOf, randomUNet, smallConfig } from '../models/unet2d/models.ts';
import { context, mid, samplesOf, stepOf, randomScene } from './scene.ts';

const letters = createClassifier(classifierWeights());
const [backend, labels] = [referenceBackend(), [2]];
const unet = randomUNet(smallConfig);
const ddim = createScheduler({ _class_name: 'DDIMScheduler', clip_sample: false }, 3);
/** log p = −|x̂₀ − 1|²/2 for every picture, in place of a classifier. */
const towardsOne = (original: Tensor): Tensor => ({ ...original, data: original.data.map((x) => 1 - x) });
/** |x − 1|². */
const squares = (x: Tensor): number => [...x.data].reduce((sum, value) => sum + (value - 1) ** 2, 0);
const slopeAt = throughModel(modelSlope(unet, backend, { classLabels: labels }), towardsOne);
const first = noiseOf([2, 1, 8, 8]);
const draw = (guidance: typeof none, noise = first): Tensor =>
  sampleToEnd({
    denoiser: unetDenoiser(unet, backend, { labels }),
    guidance,
    scheduler: ddim,
    noise,
    noiseSource: manualSeed(0).randn,
  });

describe('the slope through a model', () => {
  it.each(['DDIMScheduler', 'EulerDiscreteScheduler'])('is that of differences: %s', (_class_name) => {
    const double = randomUNet(smallConfig, 1, 'f64');
    const scheduler = createScheduler({ _class_name, clip_sample: false }, 3);
    const index = 1;
    const timestep = scheduler.timesteps[index];
    const predictAt = (x: Tensor): Tensor =>
      runModel(double, backend, {
        sample: scheduler.scaleModelInput(x, index),
        timesteps: [timestep],
        classLabels: labels,
      }).predictions[0];
    const originalAt = (x: Tensor): Tensor => scheduler.predictOriginal(x, predictAt(x), index);
    const [x, along] = [noiseOf([2, 1, 8, 8], 7, 'f64'), noiseOf([2, 1, 8, 8], 8, 'f64')];
    const through = throughModel(modelSlope(double, backend, { classLabels: labels }), towardsOne);
    const slope = through(
      stepOf(randomScene(2, 1, 'f64'), {
        sample: x,
        timestep,
        predict: () => [predictAt(x)],
        toOriginal: (prediction) => scheduler.predictOriginal(x, prediction, index),
        ...slopesAt(scheduler, index),
      }),
    );
    const likelihoodAt = (h: number): number => -squares(originalAt(addScaled(x, h, along))) / 2;
    const h = 1e-5;
    const expected = (likelihoodAt(h) - likelihoodAt(-h)) / (2 * h);
    const found = [...slope.data].reduce((sum, value, i) => sum + value * along.data[i], 0);
    expect(Math.abs(found - expected)).toBeLessThan(1e-6 * Math.abs(expected));
  });

  it('pulls: what is asked for becomes likelier', () => {
    expect(squares(draw(universal({ classifierScale: 1e-4, slopeAt })))).toBeLessThan(squares(draw(none)));
  });

  it('a scale of 0 changes no bit, alone or with PAG, and a batch is its pictures one by one', () => {
    expect(draw(universal({ classifierScale: 0, slopeAt }))).toEqual(draw(none));
    const perturbing = { pagScale: 1.5, layers: [mid] };
    expect(draw(universalPag({ classifierScale: 0, slopeAt }, perturbing))).toEqual(draw(pag(perturbing)));
    const guided = universal({ classifierScale: 0.05, slopeAt });
    expect(samplesOf(draw(guided))).toEqual(samplesOf(first).map((noise) => draw(guided, noise)));
  });
});

describe('at the ends of the noise', () => {
  const config = { _class_name: 'DDIMScheduler', clip_sample: false };
  const drawBy = (changes: object, guidance: typeof none): Tensor =>
    sampleToEnd({
      denoiser: unetDenoiser(unet, backend, { labels }),
      guidance,
      scheduler: createScheduler({ ...config, ...changes }, 1),
      noise: first,
      noiseSource: manualSeed(0).randn,
    });
  const noiseless = { _class_name: 'DDIMInverseScheduler' };
  const signalless = {
    rescale_betas_zero_snr: true,
    prediction_type: 'v_prediction',
    timestep_spacing: 'trailing',
  };

  it('a whole picture is not pulled', () => {
    for (const pulled of [universal, classifier])
      expect(drawBy(noiseless, pulled({ classifierScale: 1, slopeAt }))).toEqual(drawBy(noiseless, none));
  });

  it('noise alone is refused', () => {
    for (const pulled of [universal, classifier])
      expect(() => drawBy(signalless, pulled({ classifierScale: 1, slopeAt }))).toThrow(
        'step 0 (timestep 999) begins with noise alone, where what a classifier pulls with has no limit',
      );
    expect(drawBy(signalless, none).data.every(Number.isFinite)).toBe(true);
  });
});

describe('refused is', () => {
  it.each<[string, () => unknown, string]>([
    ['no slope of a model', () => throughModel('x' as never, towardsOne), 'slopeAt is "x"'],
    ['nothing that pulls', () => throughModel(modelSlope(unet, backend), 1 as never), 'pulling is 1'],
    ['a form', () => universal({ classifierScale: 1, slopeAt, form: 'ddpm' } as never), 'form'],
    [
      'no classifier',
      () => createGuidance('universal', {}, { ...context, slopeAt: undefined } as never),
      'universal guidance needs slopeAt, where its classifier pulls; give it, or a classifierScale of 0',
    ],
    ['no step', () => slopeAt(undefined as never), 'the step is undefined'],
    [
      'a pull that is none',
      () => {
        const astray = throughModel(modelSlope(unet, backend, { classLabels: labels }), (x) => addScaled(x, NaN, x));
        return draw(universal({ classifierScale: 1, slopeAt: astray }));
      },
      'at step 0 (timestep 666) the classifier pulls by numbers that are not finite; a smaller scale or',
    ],
    ['no letter', () => letterSlope(letters, backend, [26]), 'whole numbers from 0 to 25'],
    [
      'pictures of another size',
      () => letterSlope(letters, backend, [1])(first),
      'the classifier reads pictures of shape [B, 1, 32, 32], but these have [2, 1, 8, 8]',
    ],
    [
      'labels of other pictures',
      () => letterSlope(letters, backend, [1, 2])(noiseOf([3, 1, 32, 32])),
      'there are 2 labels for 3 samples',
    ],
  ])('%s', (_what, run, message) => {
    expect(run).toThrow(InputError);
    expect(run).toThrow(message);
  });
});
