/**
 * Finite or refused: whatever a config, a number of steps and a run's choices say, either `createScheduler` throws an
 * InputError, or every number of the run is finite.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatChannels } from '../../src/kernels/plain/rearrange.ts';
import type { Config } from '../../src/schedulers/options.ts';
import {
  createScheduler,
  schedulerDefaults,
  schedulerNames,
  schedulers,
  type SchedulerChoices,
} from '../../src/schedulers/registry.ts';
import type { Scheduler } from '../../src/schedulers/scheduler.ts';
import { mapElements, scale } from '../../src/tensor/arithmetic.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { tensor, type Tensor } from '../../src/tensor/tensor.ts';
import { seededNoise, to } from './support.ts';
import { repeated } from '../thorough.ts';

const shape = [1, 1, 2, 2];
const finite = ({ data }: Tensor): boolean => Array.from(data).every(Number.isFinite);

/** Of runs with more calls, as ScoreSdeVe's corrections can make, the first ones are looked at. */
const mostCalls = 2500;

/** Where a run leaves the finite numbers, if it does; the model's outputs are between −1 and 1. */
function firstWrong(scheduler: Scheduler, dtype: 'f32' | 'f64'): string | undefined {
  const draw = seededNoise(3);
  const noise = (wanted: readonly number[]) => to(dtype, draw(wanted));
  const variance = to(dtype, tensor('f32', shape, Float32Array.of(0.8, 1, 0.1, 0.7)));
  let sample = scale(noise(shape), scheduler.initNoiseSigma);
  let state = scheduler.start;
  if (!finite(sample)) return 'the first picture';
  for (let index = 0; index < Math.min(scheduler.timesteps.length, mostCalls); index++) {
    const input = scheduler.scaleModelInput(sample, index);
    const output = mapElements(input, (x) => 0.8 * Math.cos(x) + 0.1);
    const { signal, noise: sigma } = scheduler.levelAt(index);
    const modelOutput = scheduler.readsVariance ? concatChannels(output, variance) : output;
    const result = scheduler.step(state, { index, modelOutput, sample, noise });
    const parts = {
      timestep: Number.isFinite(scheduler.timesteps[index]),
      level: Number.isFinite(signal) && Number.isFinite(sigma),
      input: finite(input),
      original: finite(scheduler.predictOriginal(sample, output, index)),
      noised: finite(scheduler.addNoise(output, output, index)),
      denoised: !result.denoised || finite(result.denoised),
      sample: finite(result.sample),
    };
    const wrong = Object.entries(parts).find(([, isWell]) => !isWell);
    if (wrong) return `${wrong[0]} of call ${index} in ${dtype}`;
    ({ state, sample } = result);
  }
}

/** Undefined where all is well; otherwise what is wrong. */
function outcome(config: Config, steps: number | undefined, choices: SchedulerChoices): string | undefined {
  try {
    const scheduler = createScheduler(config, steps, choices);
    if (scheduler.timesteps.length < 1) return 'no calls';
    return firstWrong(scheduler, 'f64') ?? firstWrong(scheduler, 'f32');
  } catch (error) {
    if (error instanceof InputError && /^.*\w.*$/.test(error.message) && !/dtype/.test(error.message)) return undefined;
    return `${error}`;
  }
}

const choicesOfConfigs = [
  ...['linear', 'scaled_linear', 'squaredcos_cap_v2', 'sigmoid', 'laplace', 'exp'],
  ...['epsilon', 'sample', 'v_prediction', 'flow_prediction', 'leading', 'linspace', 'trailing', 'zero', 'sigma_min'],
  ...['fixed_small', 'fixed_small_log', 'fixed_large', 'fixed_large_log', 'learned', 'learned_range'],
  ...['dpmsolver', 'dpmsolver++', 'sde-dpmsolver', 'sde-dpmsolver++', 'midpoint', 'heun', 'bh1', 'bh2'],
  ...['karras', 'exponential', 'log_linear', 'discrete', 'continuous', 'exponential', 'linear'],
];
const numbers = [-1, 0, 1e-300, 1e-40, 1e-7, 0.01, 0.5, 0.995, 1, 1.5, 3, 7, 20, 50, 80, 100, 1e5, 1e10, 1e20, 1e37];
const extremes = [1e39, 1e300, NaN, Infinity, -Infinity];
const betas = [0, 1e-30, 1e-7, 1e-4, 0.02, 0.5, 1];

/** Values for a key, tame and wild; null now and then. */
function anyValue(key: string, fallback: unknown): fc.Arbitrary<unknown> {
  const nothing = { weight: 1, arbitrary: fc.constant(null) };
  const of = (values: readonly unknown[]) =>
    fc.oneof(nothing, { weight: 8, arbitrary: fc.constantFrom(...(values as [unknown])) });
  if (key === 'num_train_timesteps') return fc.constantFrom(1, 2, 3, 20, 100, 1000);
  if (key === 'solver_order') return fc.constantFrom(1, 2, 3);
  if (key === 'beta_start' || key === 'beta_end') return of(betas);
  if (key === 'trained_betas') return fc.array(fc.constantFrom(...betas), { minLength: 20, maxLength: 20 });
  if (key === 'disable_corrector') return of([[], [0], [0, 1, 2]]);
  if (typeof fallback === 'boolean') return of([true, false]);
  return of(typeof fallback === 'string' ? choicesOfConfigs : [...numbers, ...extremes]);
}

/** What goes wrong together more often than chance would put it together. */
const occasions: readonly Config[] = [
  {},
  { num_train_timesteps: 20 },
  { num_train_timesteps: 20, rescale_betas_zero_snr: true },
  { num_train_timesteps: 20, use_flow_sigmas: true, prediction_type: 'flow_prediction' },
  { num_train_timesteps: 2, use_flow_sigmas: true, prediction_type: 'flow_prediction' },
  { use_karras_sigmas: true },
  { lower_order_final: false },
  { final_sigmas_type: 'sigma_min' },
  { use_dynamic_shifting: true },
];

/** T − 1, T and T + 1 by name; also a number with which diffusers' trailing timesteps are one too many. */
const stepCounts = fc.constantFrom(1, 2, 3, 4, 5, 16, 61, 'T - 1', 'T', 'T + 1');
const etas = fc.constantFrom(undefined, 0, 0.3, 1, 7, -1, NaN);
const mus = fc.constantFrom(undefined, undefined, 0.7, -1000, 1000, 0, NaN);

/** Steps of a user's own: tame, wild, too few, in the wrong order, of the wrong kind. */
const someTimesteps = fc.oneof(
  fc.constantFrom(
    [999, 500, 20],
    [19, 10, 0],
    [999.5, 0.25],
    [0],
    [1000, 1],
    [20, 500],
    [5, 5],
    [],
    [NaN],
    [-1],
    [1e300],
  ),
  fc.uniqueArray(fc.integer({ min: 0, max: 1000 }), { maxLength: 6 }).map((list) => list.sort((a, b) => b - a)),
);
const someSigmas = fc.oneof(
  fc.constantFrom(
    [14.6, 2, 0.1, 0],
    [1, 0.5, 0.1],
    [0.5],
    [0, 0],
    [0],
    [3, 3],
    [1, 5],
    [],
    [NaN],
    [-1, -2],
    [1e300, 0],
    [1e-320, 0],
  ),
  fc.uniqueArray(fc.constantFrom(...[1e20, 100, 7, 1, 0.999, 0.5, 0.01, 1e-7, 1e-40, 0]), { maxLength: 6 }),
);
const churns = fc.record(
  {
    sChurn: fc.constantFrom(0, 1e-300, 0.4, 40, 1e10, 1e300, Infinity, NaN, -1),
    sTmin: fc.constantFrom(0, 1e-300, 0.05, 3, 1e300, NaN, -1),
    sTmax: fc.constantFrom(0, 0.05, 20, 1e300, Infinity, NaN, -1),
    sNoise: fc.constantFrom(0, 1e-300, 1, 1.007, 1e10, 1e38, 1e300, Infinity, NaN, -1),
  },
  { requiredKeys: [] },
);
const strengths = fc.constantFrom(0.5, 1, 1e-9, 0, NaN);

describe.each(schedulerNames)('%s', (_class_name) => {
  const { own = {}, churns: churning, strength: spaces, eta: hasEta } = schedulers[_class_name];
  const defaults = schedulerDefaults(_class_name);
  const known = (config: Config): Config =>
    Object.fromEntries(Object.entries(config).filter(([key]) => Object.hasOwn(defaults, key)));
  const changed = fc
    .subarray(Object.keys(defaults), { maxLength: Math.min(4, Object.keys(defaults).length) })
    .chain((keys) => fc.record(Object.fromEntries(keys.map((key) => [key, anyValue(key, defaults[key])]))));
  const configs = fc.tuple(fc.constantFrom(...occasions), changed).map(([occasion, more]): Config => {
    const trained = more['trained_betas'] ? { num_train_timesteps: 20 } : {};
    return { _class_name, ...known(occasion), ...more, ...known(trained) };
  });

  it('is finite or refused at creation', () => {
    fc.assert(
      fc.property(configs, stepCounts, etas, mus, (config, count, eta, mu) => {
        const trained = Number(config['num_train_timesteps'] ?? 1000);
        const steps = typeof count === 'number' ? count : trained + { 'T - 1': -1, T: 0, 'T + 1': 1 }[count as 'T'];
        const hasEta = eta !== undefined && schedulers[_class_name].eta !== undefined;
        const hasMu = mu !== undefined && config['use_dynamic_shifting'] === true;
        expect(outcome(config, steps, { ...(hasEta && { eta }), ...(hasMu && { mu }) })).toBeUndefined();
      }),
      { numRuns: repeated(40) },
    );
  });

  it('is so with steps, noise, a beginning and a strength of its own', () => {
    const maybe = <T>(is: unknown, values: fc.Arbitrary<T>) =>
      is ? fc.option(values, { nil: undefined }) : fc.constant(undefined);
    const chosen = fc.record({
      timesteps: maybe(own.timesteps, someTimesteps),
      sigmas: maybe(own.sigmas, someSigmas),
      churn: churning === true ? churns : fc.constant({}),
      sNoise: maybe(churning, fc.constantFrom(0, 1, 1e10, 1e38, 1e300, NaN)),
      strength: maybe(spaces, strengths),
      begin: fc.constantFrom(undefined, undefined, 0, 1, 2, 4, 5, -1, NaN),
      eta: maybe(hasEta !== undefined, fc.constantFrom(0, 0.7, 1)),
    });
    fc.assert(
      fc.property(configs, fc.constantFrom(1, 2, 5, 16), chosen, (config, count, { churn, ...choices }) => {
        const steps = choices.timesteps || choices.sigmas ? undefined : count;
        const given = Object.entries({ ...churn, ...choices }).filter(([, value]) => value !== undefined);
        expect(outcome(config, steps, Object.fromEntries(given))).toBeUndefined();
      }),
      { numRuns: repeated(60) },
    );
  });
});

describe('settings that diffusers makes NaN of, and what this library says', () => {
  const cases: readonly (readonly [
    config: Config,
    steps: number,
    refusal?: RegExp | undefined,
    choices?: SchedulerChoices,
  ])[] = [
    [{ _class_name: 'DDPMScheduler', variance_type: 'fixed_large_log' }, 10],
    [
      { _class_name: 'FlowMatchEulerDiscreteScheduler', shift_terminal: 0.1 },
      1,
      /shift_terminal = 0.1 is to be σ of the last step, but the only one begins at σ = 1; take at least 2 steps/,
    ],
    [{ _class_name: 'FlowMatchEulerDiscreteScheduler', shift_terminal: 0.1 }, 2],
    [
      { _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 0 },
      5,
      /: shift is 0, a shift of 0; expected one above 0/,
    ],
    [
      { _class_name: 'FlowMatchEulerDiscreteScheduler', use_dynamic_shifting: true },
      5,
      /: mu is 1000, a shift of Infinity; expected one above 0, and finite/,
      { mu: 1000 },
    ],
    [{ _class_name: 'UniPCMultistepScheduler', num_train_timesteps: 20, timestep_spacing: 'leading' }, 20],
    [{ _class_name: 'DPMSolverMultistepScheduler', num_train_timesteps: 20, timestep_spacing: 'leading' }, 20],
    [{ _class_name: 'DPMSolverMultistepScheduler' }, 1000],
    [{ _class_name: 'DEISMultistepScheduler' }, 1000],
    [
      { _class_name: 'UniPCMultistepScheduler', lower_order_final: false },
      10,
      /the last step, of order 2, leads to σ = 0 .*, where only order 1 can end; set lower_order_final to true/,
    ],
    [
      { _class_name: 'UniPCMultistepScheduler', lower_order_final: false, solver_order: 3 },
      10,
      /the last step, of order 3, leads to σ = 0/,
    ],
    [
      {
        _class_name: 'DPMSolverMultistepScheduler',
        solver_order: 3,
        use_karras_sigmas: true,
        final_sigmas_type: 'sigma_min',
      },
      15,
      /the last step, of order 3, begins where it ends, at the smallest σ .*; set final_sigmas_type to "zero"/,
    ],
    [
      { _class_name: 'EulerDiscreteScheduler', use_karras_sigmas: true, sigma_min: 0, sigma_max: 14.6 },
      10,
      /sigma_min is 0; expected a σ above 0/,
    ],
    [
      { _class_name: 'EulerDiscreteScheduler', use_karras_sigmas: true, sigma_min: 20, sigma_max: 14.6 },
      10,
      /sigma_min = 20 is above sigma_max = 14.6/,
    ],
    [{ _class_name: 'DDIMScheduler', clip_sample_range: -1 }, 10, /clip_sample_range is -1; expected a number above 0/],
    [{ _class_name: 'DDIMScheduler', clip_sample_range: -1, clip_sample: false }, 10],
    [
      { _class_name: 'DDIMScheduler', thresholding: true, sample_max_value: 0 },
      10,
      /sample_max_value is 0; expected a number above 0, by which x̂₀ may be divided/,
    ],
    ...['DDIM', 'DDPM', 'LCM', 'TCD'].map(
      (name) =>
        [
          {
            _class_name: `${name}Scheduler`,
            rescale_betas_zero_snr: true,
            ...(name.startsWith('DD') && { timestep_spacing: 'trailing', clip_sample: false }),
          },
          10,
          /with rescale_betas_zero_snr ᾱ is 0 at timestep 999, pure noise, of which ε says nothing/,
        ] as const,
    ),
    [
      { _class_name: 'EulerAncestralDiscreteScheduler', rescale_betas_zero_snr: true },
      1000,
      /with rescale_betas_zero_snr σ rises from 4095\.99\d+ to 15406\.\d+ at call 1 of the model, but noise is/,
    ],
    [{ _class_name: 'EulerDiscreteScheduler', rescale_betas_zero_snr: true }, 1000],
    [
      { _class_name: 'DDPMScheduler', rescale_betas_zero_snr: true, num_train_timesteps: 1 },
      1,
      /rescale_betas_zero_snr cannot stretch the signal that beta_start = .* leave over num_train_timesteps = 1/,
    ],
    [
      { _class_name: 'DPMSolverMultistepScheduler', num_train_timesteps: 1, use_flow_sigmas: true },
      1,
      /with flow_shift = 1 and num_train_timesteps = 1 call 0 of the model is at α = 1 and σ = 0; expected/,
    ],
    [{ _class_name: 'DDIMScheduler', beta_start: 0.02, beta_end: 0.0001 }, 10],
    [
      { _class_name: 'DDIMScheduler', beta_start: 0 },
      1000,
      /with beta_start = 0 and beta_end = 0.02 ᾱ is 1 at timestep 0, a picture without noise/,
    ],
    ...[
      ['DPMSolverSDEScheduler', {}],
      ['EulerDiscreteScheduler', { sChurn: 1 }],
      ['EDMEulerScheduler', { sChurn: 1 }],
      ['FlowMatchHeunDiscreteScheduler', { sChurn: 1 }],
    ].map(
      ([_class_name, churn]) =>
        [
          { _class_name },
          3,
          /sNoise is 1e\+300, which with σ = \d+.* makes noise whose square is not finite; take a smaller one/,
          { ...(churn as SchedulerChoices), sNoise: 1e300 },
        ] as const,
    ),
    [{ _class_name: 'EDMEulerScheduler', rho: 0 }, 5, /rho is 0; expected a power above 0/],
    [{ _class_name: 'EDMEulerScheduler', sigma_data: 0 }, 5, /sigma_data is 0; expected a deviation above 0/],
    [{ _class_name: 'KDPM2AncestralDiscreteScheduler' }, 10, undefined, { eta: 7 }],
    [
      { _class_name: 'DDIMScheduler', rescale_betas_zero_snr: true, prediction_type: 'v_prediction' },
      1000,
      undefined,
      { eta: 1 },
    ],
  ];

  it.each(cases.map(([config, steps, refusal, choices = {}]) => ({ config, steps, refusal, choices })))(
    '$config, $steps steps',
    ({ config, steps, refusal, choices }) => {
      if (refusal) {
        expect(() => createScheduler(config, steps, choices)).toThrow(InputError);
        expect(() => createScheduler(config, steps, choices)).toThrow(refusal);
      } else expect(outcome(config, steps, choices)).toBeUndefined();
    },
  );
});
