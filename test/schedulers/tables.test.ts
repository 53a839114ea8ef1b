/** The tables of timesteps and σ: their ends, their rounding, and what lies between their entries. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { betaSchedules, readNoiseSchedule } from '../../src/schedulers/noise-schedule.ts';
import { readOptions, type Config } from '../../src/schedulers/options.ts';
import type { Scheduler } from '../../src/schedulers/scheduler.ts';
import { timestepOfSigma } from '../../src/schedulers/sigmas.ts';
import { roundHalfEven } from '../../src/schedulers/spacing.ts';
import { log } from '../../src/tensor/math/index.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { noNoise } from './support.ts';

const create = (name: string, steps: number, config: Config = {}): Scheduler =>
  createScheduler({ _class_name: `${name}Scheduler`, ...config }, steps);

describe('the timestep of a σ', () => {
  /** σ = 10^(t − 8): ln σ is even in t. */
  const decades = Float32Array.from({ length: 9 }, (_, t) => 10 ** (t - 8));
  const timestepOf = timestepOfSigma(decades);

  it('lies between two of the training by ln σ, however small they are', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 8, noNaN: true }), (t) => {
        expect(Math.abs(timestepOf(10 ** (t - 8)) - t)).toBeLessThan(1e-6);
      }),
    );
  });

  it('is the first or the last where σ lies beyond them, and the only one where there is one', () => {
    expect([0, 1e-30, 1e-9].map(timestepOf)).toEqual([0, 0, 0]);
    expect([1.5, 1e30].map(timestepOf)).toEqual([8, 8]);
    expect([0, 0.7, 2].map(timestepOfSigma(Float32Array.of(0.7)))).toEqual([0, 0, 0]);
  });
});

describe('how many steps there is room for', () => {
  it.each(['DDPM', 'DDIM', 'DDIMInverse', 'PNDM', 'EulerDiscrete', 'DPMSolverMultistep', 'UniPCMultistep'])(
    '%s: as many as timesteps of the training',
    (name) => {
      const first = name.startsWith('DPM') || name.startsWith('UniPC') ? { solver_order: 1 } : {};
      expect(create(name, 60, { num_train_timesteps: 60, ...first }).timesteps.length).toBeGreaterThanOrEqual(60);
      expect(() => create(name, 61, { num_train_timesteps: 60 })).toThrow(
        /^61 steps are asked for; expected a whole number from 1 to the 60 timesteps of the training$/,
      );
    },
  );

  it.each(['LCM', 'TCD'])('%s: as many as steps of the distillation, which had at least one', (name) => {
    const config = { num_train_timesteps: 60, original_inference_steps: 60 };
    expect(create(name, 60, config).timesteps).toEqual(Array.from({ length: 60 }, (_, i) => 59 - i));
    expect(() => create(name, 1, { original_inference_steps: 0 })).toThrow(
      `${name}Scheduler: original_inference_steps is 0; expected from 1 to num_train_timesteps = 1000`,
    );
  });

  it('an offset may move the first step to the last timestep, not beyond', () => {
    const leading = { timestep_spacing: 'leading', steps_offset: 99 };
    expect(create('DDIM', 10, leading).timesteps[0]).toBe(999);
    expect(() => create('DDIM', 10, { ...leading, steps_offset: 100 })).toThrow(
      'to timestep 1000, beyond the last, 999',
    );
  });
});

it('halves are rounded to the even number', () => {
  expect([0.5, 1.5, 2.5, 3.5, 3.49, 3.51].map(roundHalfEven)).toEqual([0, 2, 2, 4, 3, 4]);
});

it('a shift_terminal of 0 is none, as in diffusers, where it is asked for its truth', () => {
  const flow = { use_flow_sigmas: true, prediction_type: 'flow_prediction' };
  expect(create('UniPCMultistep', 5, { ...flow, shift_terminal: 0 }).timesteps).toEqual(
    create('UniPCMultistep', 5, flow).timesteps,
  );
  expect(create('FlowMatchEulerDiscrete', 5, { shift_terminal: 0 }).timesteps).toEqual(
    create('FlowMatchEulerDiscrete', 5).timesteps,
  );
});

describe('ᾱ of the Laplace schedule', () => {
  it('is that of the formula of diffusers, whose sign at t = ½ is that of +0', () => {
    const count = 6;
    const alphaBar = (t: number): number => {
      const lambda = -0.5 * (t > 0.5 ? -1 : 1) * Math.log(1 - 2 * Math.abs(0.5 - t) + 1e-6);
      return Math.sqrt(Math.exp(lambda) / (1 + Math.exp(lambda)));
    };
    let product = 1;
    const roots = Array.from({ length: count }, (_, i) => {
      const beta = Math.min(1 - alphaBar((i + 1) / count) / alphaBar(i / count), 0.999);
      product *= Math.fround(1 - Math.fround(beta));
      return Math.fround(Math.sqrt(Math.fround(product)));
    });
    const scheduler = create('DDPM', count, { beta_schedule: 'laplace', num_train_timesteps: count });
    expect(scheduler.timesteps.map((_, index) => scheduler.levelAt(index).signal)).toEqual(roots.reverse());
  });
});

describe("Euler's timesteps", () => {
  const continuous = { timestep_type: 'continuous' };

  it('are ¼ ln σ where they are continuous and the model is one of v, as in diffusers; otherwise whole ones', () => {
    const v = create('EulerDiscrete', 5, { ...continuous, prediction_type: 'v_prediction' });
    v.timesteps.forEach((t, index) => {
      expect(Math.abs(t - Math.log(v.levelAt(index).noise) / 4)).toBeLessThan(1e-6);
    });
    expect(create('EulerDiscrete', 5, continuous).timesteps).toEqual(create('EulerDiscrete', 5).timesteps);
  });

  it('are as many as steps where σ are log-linear, whose last is that of the result', () => {
    for (const config of [{}, { ...continuous, prediction_type: 'v_prediction' }, { use_karras_sigmas: true }]) {
      const scheduler = create('EulerDiscrete', 4, { interpolation_type: 'log_linear', ...config });
      expect(scheduler.timesteps).toHaveLength(4);
      expect(() => scheduler.levelAt(4)).toThrow('there is no call 4 of the model; the run has 0 to 3');
    }
    const x = tensor('f64', [1], Float64Array.of(1));
    const scheduler = create('EulerDiscrete', 4, { interpolation_type: 'log_linear' });
    const sigmas = scheduler.timesteps.map((_, index) => scheduler.levelAt(index).noise);
    const last = scheduler.step(undefined, { index: 3, modelOutput: x, sample: x, noise: noNoise }).sample.data[0];
    // dx/dσ = ε = 1, and even steps of ln σ: x' = 1 + σ' − σ, σ' = σ²/σ₋₁.
    expect(Math.abs(last - (1 + sigmas[3] ** 2 / sigmas[2] - sigmas[3]))).toBeLessThan(1e-6);
  });
});

describe('mu', () => {
  const flow = { use_flow_sigmas: true, prediction_type: 'flow_prediction' };

  it.each(['DPMSolverMultistep', 'DPMSolverSinglestep', 'DEISMultistep', 'UniPCMultistep'])(
    '%s: is the logarithm of flow_shift where shifting is dynamic, and refused elsewhere',
    (name) => {
      const timesteps = (config: Config, mu?: number) =>
        createScheduler({ _class_name: `${name}Scheduler`, ...flow, ...config }, 7, mu === undefined ? {} : { mu })
          .timesteps;
      expect(timesteps({ use_dynamic_shifting: true }, Math.log(3))).toEqual(timesteps({ flow_shift: 3 }));
      expect(() => timesteps({ flow_shift: 2 }, 1)).toThrow('but the config does not set use_dynamic_shifting');
    },
  );
});

it('lambda_min_clipped leaves out the timesteps of a smaller λ, not that of the same', () => {
  const { alphasCumprod } = readNoiseSchedule(readOptions({}, 'test'), betaSchedules, 'test');
  for (const t of [400, 800]) {
    const sigma = Math.fround(Math.sqrt(Math.fround(Math.fround(1 - alphasCumprod[t]) / alphasCumprod[t])));
    const lambda = -log(sigma);
    const first = (lambda_min_clipped: number) =>
      create('DPMSolverMultistep', 5, { timestep_spacing: 'trailing', lambda_min_clipped }).timesteps[0];
    expect([lambda - 1e-3, lambda - 1e-5, lambda, lambda + 1e-5].map(first)).toEqual([t, t, t, t - 1]);
  }
});
