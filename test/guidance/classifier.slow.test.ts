/**
 * Classifier guidance on the letters model: three steps in both forms against PyTorch; that the forms are one where
 * they must be; and what cannot be.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { classifierKind } from '../../src/formats/classifier-folder.ts';
import { readNumbers, readTensor } from '../../src/formats/safetensors.ts';
import { classSlope } from '../../src/guidance/class-slope.ts';
import { classifier, classifierPag, type ClassifierForm } from '../../src/guidance/classifier.ts';
import { during } from '../../src/guidance/during.ts';
import type { Guidance } from '../../src/guidance/guidance.ts';
import { none } from '../../src/guidance/none.ts';
import { pag } from '../../src/guidance/pag.ts';
import { createGuidance } from '../../src/guidance/registry/index.ts';
import { rescaled } from '../../src/guidance/rescale.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import { createUNetClassifier } from '../../src/models/unet2d-classifier/unet-classifier.ts';
import { unetDenoiser } from '../../src/sampling/denoiser.ts';
import { sampleSteps, sampleToEnd } from '../../src/sampling/sample.ts';
import type { Config } from '../../src/schedulers/options.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { varianceOfStep } from '../../src/schedulers/step-variance.ts';
import { subtract } from '../../src/tensor/arithmetic.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { cast } from '../../src/tensor/rounding.ts';
import type { DType, Tensor } from '../../src/tensor/tensor.ts';
import { disagreement, goldenOf } from '../agreement.ts';
import { loadFixtureFiles, metadataOf, openGoldens } from '../goldens.ts';
import { noise as noiseOf, randomUNet } from '../models/unet2d/models.ts';
import { randomClassifier, smallConfig } from '../models/unet2d-classifier/models.ts';
import { lettersUNet } from './letters.ts';
import { context, mid, randomScene, samplesOf, stepOf } from './scene.ts';
import { dtypesOfLarge } from '../thorough.ts';

const backends = { f32: simdBackend(), f64: referenceBackend() };
afterAll(() => backends.f32.dispose());

/** The settings of a run, as scripts/goldens/classifier.py has them. */
interface Run {
  readonly form: ClassifierForm;
  readonly scale: number;
  readonly steps: number;
  readonly pag_scale: number;
  readonly layer: string;
}

describe.each(['ddim', 'ddpm', 'pag'])('%s', (name) => {
  it.each(dtypesOfLarge)('goes the steps of PyTorch, %s', async (dtype) => {
    const file = openGoldens(`classifier/${name}.safetensors`);
    const { form, scale, steps, pag_scale: pagScale, layer } = metadataOf<Run>(file, 'run');
    const { config, weights } = await loadFixtureFiles('goldens/classifier/default', classifierKind);
    const numbersOf = (key: string): readonly number[] => readNumbers(file, key).numbers;
    const model = createUNetClassifier(config, weights, dtype);
    const slopeAt = classSlope(model, backends[dtype], numbersOf('labels'));
    let index = 0;
    for (const { sample } of sampleSteps({
      denoiser: unetDenoiser(lettersUNet(dtype), backends[dtype], { labels: numbersOf('conditions') }),
      guidance: classifierPag({ classifierScale: scale, slopeAt, form }, { pagScale, layers: [layer] }),
      scheduler: createScheduler(
        { _class_name: form === 'ddim' ? 'DDIMScheduler' : 'DDPMScheduler', clip_sample: false },
        steps,
      ),
      noise: cast(readTensor(file, 'noise'), dtype),
      noiseSource: () => cast(readTensor(file, `step.${index}.noise`), dtype),
    })) {
      expect(disagreement(sample, goldenOf(file, `step.${index}.sample`)), `step ${index}`).toBeUndefined();
      index++;
    }
    expect(index).toBe(steps);
  });
});

const unet = randomUNet();
const small = randomClassifier({ ...smallConfig, sample_size: 8 });
const slopeAt = classSlope(small, referenceBackend(), [1, 4, 0]);

function draw(guidance: Guidance, config: Config, noise = noiseOf([3, 1, 8, 8]), labels = [0, 1, 2]): Tensor {
  const dtype: DType = noise.dtype;
  const drawn = manualSeed(5).randn([3, 1, 8, 8], dtype);
  return sampleToEnd({
    denoiser: unetDenoiser(unet, referenceBackend(), { labels }),
    guidance,
    scheduler: createScheduler({ clip_sample: false, ...config }, 3, config['eta'] === 1 ? { eta: 1 } : {}),
    noise,
    noiseSource: () => ({ ...drawn, shape: noise.shape, data: drawn.data.subarray(0, noise.data.length) }),
  });
}

const ddim = { _class_name: 'DDIMScheduler' };
const ddpm = { _class_name: 'DDPMScheduler' };
const guided = (form: ClassifierForm, classifierScale: number | readonly number[] = 2): Guidance =>
  classifier({ classifierScale, slopeAt, form });

describe('in a run', () => {
  it.each(['ddim', 'ddpm'] as const)('a scale of 0 changes no bit, nor does an interval that is over: %s', (form) => {
    const plain = draw(none, ddpm);
    expect(draw(guided(form, 0), ddpm)).toEqual(plain);
    expect(draw(guided(form, [0, 0, 0]), ddpm)).toEqual(plain);
    const [, kept, moved] = samplesOf(draw(guided(form, [1, 0, 3]), ddpm));
    expect(kept).toEqual(samplesOf(plain)[1]);
    expect(moved).not.toEqual(samplesOf(plain)[2]);
    const early = during(guided(form), { unit: 'step', to: 1 });
    expect(draw(early, ddpm)).not.toEqual(plain);
    expect(draw(early, ddpm)).not.toEqual(draw(guided(form), ddpm));
  });

  it.each(['ddim', 'ddpm'] as const)('a batch is its pictures one by one: %s', (form) => {
    const noise = noiseOf([3, 1, 8, 8]);
    const together = samplesOf(draw(guided(form, [1, 2, 0.5]), ddpm, noise));
    const first = classifier({
      classifierScale: 1,
      slopeAt: classSlope(small, referenceBackend(), [1]),
      form,
    });
    expect(draw(first, ddpm, samplesOf(noise)[0], [0])).toEqual(together[0]);
  });

  it('the scheduler may scale its samples otherwise: Euler follows the same slope', () => {
    const euler = { _class_name: 'EulerDiscreteScheduler' };
    const change = (config: Config): Tensor => draw(guided('ddim'), config);
    expect(change(euler)).not.toEqual(draw(none, euler));
    const scheduler = createScheduler(euler, 3);
    const { signal, noise } = scheduler.levelAt(0);
    const sample = noiseOf([3, 1, 8, 8]);
    const step = { sample, signal, noise, timestep: scheduler.timesteps[0] } as Parameters<typeof slopeAt>[0];
    const size = Math.hypot(signal, noise);
    const kept = { ...step, sample: { ...sample, data: sample.data.map((x) => x / size) }, signal: 0, noise: 1 };
    const [wide, narrow] = [slopeAt(step), slopeAt(kept)];
    wide.data.forEach((value, i) => expect(value * size).toBeCloseTo(narrow.data[i], 4));
  });

  it('together with PAG it is both moves', () => {
    const both = classifierPag({ classifierScale: 2, slopeAt }, { pagScale: 1.5, layers: [mid] });
    expect(draw(both, ddim)).not.toEqual(draw(guided('ddim'), ddim));
    const alone = classifierPag({ classifierScale: 0, slopeAt }, { pagScale: 1.5, layers: [mid] });
    expect(draw(alone, ddim)).toEqual(draw(pag({ pagScale: 1.5, layers: [mid] }), ddim));
  });

  it('rescaled, the ddpm form still moves the mean', () => {
    expect(draw(rescaled(guided('ddpm'), 0.5), ddpm)).toEqual(draw(guided('ddpm'), ddpm));
  });
});

describe('the ddim form', () => {
  it.each([
    ['ε', -0.8 / 0.6],
    ['v', -0.8],
    ['x₀', 1],
  ])('moves x̂₀ by s σ²/α ∇, whether the model predicts %s', (_what, originalPerPrediction) => {
    const step = stepOf(randomScene(3, 2, 'f64'), { originalPerPrediction });
    const { sample, noise, signal } = step;
    const moved = subtract(classifier({ classifierScale: 2, slopeAt: () => sample }).guide(step), sample);
    moved.data.forEach((change, i) =>
      expect(change * originalPerPrediction).toBeCloseTo((2 * noise ** 2 * sample.data[i]) / signal, 10),
    );
  });
});

describe('the variance of a step', () => {
  it('is that of the noise which the scheduler adds', () => {
    const scheduler = createScheduler({ ...ddpm, variance_type: 'fixed_large' }, 1000);
    expect(varianceOfStep(scheduler, 0)).toBeCloseTo(0.02, 6);
    expect(varianceOfStep(scheduler, 999)).toBe(0);
    expect(varianceOfStep(createScheduler(ddim, 10), 0)).toBe(0);
  });
});

const broken = {
  ...small,
  weights: new Map([...small.weights].map(([name, weight]) => [name, { ...weight, data: weight.data.map(() => NaN) }])),
};

describe('refused is', () => {
  it.each<[string, () => unknown, string]>([
    ['the ddpm form without noise', () => draw(guided('ddpm'), ddim), 'DDIMScheduler adds no noise here'],
    ['a form that there is not', () => guided('ode' as never), 'form is "ode"; it must be "ddim" or "ddpm"'],
    ['no slope', () => classifier({ classifierScale: 1 } as never), 'slopeAt is undefined'],
    [
      'no classifier',
      () => createGuidance('classifier', {}, { ...context, slopeAt: undefined } as never),
      'a classifier',
    ],
    [
      'numbers that are none',
      () => classSlope(broken, referenceBackend(), [1]),
      'of the classifier has NaN at index 0',
    ],
    ['a label of another model', () => classSlope(small, referenceBackend(), [5]), 'whole numbers from 0 to 4'],
    [
      'labels of other samples',
      () => draw(classifier({ classifierScale: 1, slopeAt: classSlope(small, referenceBackend(), [1, 2]) }), ddim),
      'there are 2 labels for 3 samples',
    ],
    [
      'pictures of another size',
      () =>
        draw(
          classifier({ classifierScale: 1, slopeAt: classSlope(randomClassifier(), referenceBackend(), [1]) }),
          ddim,
        ),
      'the classifier reads pictures of [1, 4, 4], but the samples are [3, 1, 8, 8]',
    ],
  ])('%s', (_what, run, message) => {
    expect(run).toThrow(InputError);
    expect(run).toThrow(message);
  });
});
