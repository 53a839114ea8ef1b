/** Pieces of a training against torch.optim, torch.nn.utils, diffusers.training_utils and diffusers.optimization. */
import { describe, expect, it } from 'vitest';
import { readNumbers, readTensor } from '../../src/formats/safetensors.ts';
import { betaSchedules, readNoiseSchedule } from '../../src/schedulers/noise-schedule.ts';
import { readOptions, type Config } from '../../src/schedulers/options.ts';
import { at, lastOf } from '../../src/tensor/at.ts';
import { permutation } from '../../src/tensor/permutation.ts';
import { cast } from '../../src/tensor/rounding.ts';
import { tensor, zeros, type DType, type Tensor } from '../../src/tensor/tensor.ts';
import { adamwStep, type Moments } from '../../src/training/adamw.ts';
import { clipped, globalNorm } from '../../src/training/clip.ts';
import { averaged, constantDecay, exponentOfWidth, powerFunctionDecay } from '../../src/training/ema.ts';
import { learningRateShare } from '../../src/training/learning-rate.ts';
import { levelsAt, minSnrWeight, noised, targetOf } from '../../src/training/targets.ts';
import { disagreement, goldenOf } from '../agreement.ts';
import { metadataOf, openGoldens } from '../goldens.ts';

const file = openGoldens('training/formulas.safetensors');
const precisions: readonly DType[] = ['f32', 'f64'];
const read = (name: string, dtype: DType): Tensor => cast(readTensor(file, name), dtype);
const numbers = (name: string): readonly number[] => readNumbers(file, name).numbers;
/** Row `index` of the first dimension. */
const row = ({ dtype, shape, data }: Tensor, index: number): Tensor => {
  const size = data.length / shape[0];
  return tensor(dtype, shape.slice(1), data.slice(index * size, (index + 1) * size));
};

interface Options {
  readonly lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weight_decay: number;
}

describe.each(precisions)('AdamW in %s', (dtype) => {
  it.each(metadataOf<Options[]>(file, 'adamw').map((options, i) => [i, options] as const))(
    'is that of torch.optim, case %i, %j',
    (i, { lr, betas: [beta1, beta2], eps, weight_decay: weightDecay }) => {
      const gradients = read(`adamw.${i}/gradients`, dtype);
      let parameter = read(`adamw.${i}/begin`, dtype);
      const nothing = zeros(dtype, parameter.shape);
      let moments: Moments = { expAvg: nothing, expAvgSq: nothing };
      for (let step = 1; step <= gradients.shape[0]; step++) {
        const options = { learningRate: lr, beta1, beta2, eps, weightDecay };
        ({ parameter, moments } = adamwStep(parameter, row(gradients, step - 1), moments, step, options));
        if (!file.entries.has(`adamw.${i}/${step}.parameter/f64`)) continue;
        const ours = { parameter, exp_avg: moments.expAvg, exp_avg_sq: moments.expAvgSq };
        for (const [name, value] of Object.entries(ours))
          expect(disagreement(value, goldenOf(file, `adamw.${i}/${step}.${name}`)), `${step}.${name}`).toBeUndefined();
      }
    },
  );
});

describe.each(precisions)('clipping in %s', (dtype) => {
  it.each([1, 1000])('is that of clip_grad_norm_, to %i', (most) => {
    const gradients = new Map([0, 1, 2].map((i) => [String(i), read(`clip/in.${i}`, dtype)]));
    const norm = globalNorm(gradients.values());
    const rounded = cast(tensor('f64', [1], Float64Array.of(norm)), dtype);
    expect(disagreement(rounded, goldenOf(file, `clip/${most}.norm`))).toBeUndefined();
    for (const [i, gradient] of clipped(gradients, norm, most))
      expect(disagreement(gradient, goldenOf(file, `clip/${most}.${i}`)), i).toBeUndefined();
  });

  it('leaves gradients that are short enough as they are', () => {
    const gradients = new Map([['x', read('clip/in.2', dtype)]]);
    expect(clipped(gradients, globalNorm(gradients.values()), 1)).toBe(gradients);
  });
});

describe('averages', () => {
  it.each(precisions)('are those of EMAModel, %s', (dtype) => {
    const [decays, weights] = [numbers('ema/decays'), read('ema/weights', dtype)];
    let average = read('ema/begin', dtype);
    const averages = decays.map((decay, i) => {
      expect(constantDecay(0.4, true, i + 1)).toBe(decay);
      average = averaged(average, row(weights, i), constantDecay(0.4, true, i + 1));
      return [...average.data];
    });
    const ours = cast(tensor('f64', weights.shape, Float64Array.from(averages.flat())), dtype);
    expect(disagreement(ours, goldenOf(file, 'ema/averages'))).toBeUndefined();
  });

  it('of a constant decay without warm-up have it from the first step on', () => {
    expect([1, 2, 1000].map((step) => constantDecay(0.9, false, step))).toEqual([0.9, 0.9, 0.9]);
  });

  it('of a power function have its exponent and its decays', () => {
    const [steps, decays] = [numbers('power/steps'), numbers('power/decays')];
    numbers('power/widths').forEach((width, i) => {
      const exponent = exponentOfWidth(width);
      expect(Math.abs(exponent / numbers('power/exponents')[i] - 1)).toBeLessThan(1e-10);
      steps.forEach((step, j) => {
        expect(powerFunctionDecay(exponent, step)).toBeCloseTo(decays[i * steps.length + j], 12);
      });
    });
  });
});

describe('the learning rate', () => {
  const names = [...file.entries.keys()].filter((name) => name.startsWith('learning-rate/'));

  it.each(names)('is that of diffusers.optimization: %s', (name) => {
    const [type, warmupSteps, steps] = name.replace('learning-rate/', '').split(' ') as ['cosine', string, string];
    const shares = Array.from({ length: Number(steps) }, (_, step) =>
      learningRateShare({ type, warmupSteps: Number(warmupSteps) }, step, Number(steps)),
    );
    shares.forEach((share, step) => {
      expect(Math.abs(share - numbers(name)[step])).toBeLessThan(2 ** -52);
    });
  });

  it('falls to 0 at the end of a cosine', () => {
    const schedule = { type: 'cosine', warmupSteps: 0 } as const;
    expect(learningRateShare(schedule, 1_000_000, 1_000_000)).toBe(0);
    expect(learningRateShare(schedule, 500_000, 1_000_000)).toBeCloseTo(0.5, 15);
  });
});

describe.each(Object.entries(metadataOf<Record<string, Config>>(file, 'noise')))('%s', (name, config) => {
  const schedule = readNoiseSchedule(readOptions(config, 'DDPMScheduler'), betaSchedules, 'DDPMScheduler');
  const timesteps = numbers('targets/timesteps');

  it.each(precisions)('x_t and v are those of DDPMScheduler, %s', (dtype) => {
    const levels = levelsAt(schedule, timesteps, dtype);
    const [x0, noise] = [read('targets/x0', dtype), read('targets/noise', dtype)];
    expect(disagreement(noised(x0, noise, levels), goldenOf(file, `targets/${name}/add_noise`))).toBeUndefined();
    const velocity = targetOf('v_prediction', x0, noise, levels);
    expect(disagreement(velocity, goldenOf(file, `targets/${name}/get_velocity`))).toBeUndefined();
    expect([targetOf('epsilon', x0, noise, levels), targetOf('sample', x0, noise, levels)]).toEqual([noise, x0]);
  });

  it.each(['epsilon', 'sample', 'v_prediction'] as const)('min-SNR weighs %s as diffusers does', (type) => {
    const weights = levelsAt(schedule, timesteps, 'f32').map((level) => minSnrWeight(type, level, 5));
    numbers(`targets/${name}/${type} weights`).forEach((expected, i) => {
      // Where there is no signal at all, diffusers has 0/0 for ε; the limit is 1.
      if (Number.isNaN(expected)) expect([type, weights[i]]).toEqual(['epsilon', 1]);
      else expect(Math.abs(at(weights, i) - expected)).toBeLessThanOrEqual(4 * 2 ** -24 * expected);
    });
    expect(lastOf(weights)).toBeLessThanOrEqual(5);
  });
});

describe('the order of pictures', () => {
  it.each([1, 2, 5, 26, 1000])('is torch.randperm(%i)', (count) => {
    expect([...permutation(count, count)]).toEqual(numbers(`randperm/${count}`));
  });

  it('has a length', () => {
    expect(permutation(0, 1)).toHaveLength(0);
    for (const count of [-1, 1.5, NaN, 3e8]) expect(() => permutation(count, 0)).toThrow('cannot be put in order');
  });
});
