/** What is not supported is refused by name, with what is. */
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/tensor/errors.ts';
import {
  createScheduler,
  schedulerDefaults,
  schedulerNames,
  schedulers,
  type SchedulerChoices,
} from '../../src/schedulers/registry.ts';
import { zeros } from '../../src/tensor/tensor.ts';
import { createSchedulerOf } from '../../src/schedulers/create.ts';
import type { SchedulerEntry } from '../../src/schedulers/entry.ts';
import type { Config } from '../../src/schedulers/options.ts';

const create =
  (config: Config, steps = 10) =>
  () =>
    createScheduler(config, steps);

it.each([
  undefined,
  null,
  5,
  'DDIMScheduler',
  {},
  { create: 5 },
  { create: () => ({}) },
  { name: 'X', create: () => ({}) },
])('what is no entry is refused: %j', (entry) => {
  const make = () => createSchedulerOf(entry as unknown as SchedulerEntry, {}, 10);
  expect(make).toThrow(InputError);
  expect(make).toThrow(/the entry is .* as DDIMScheduler|the name of the entry is undefined|what X creates is {}/);
});

it('an unknown class is named, with all that are known', () => {
  expect(create({ _class_name: 'RePaintScheduler' })).toThrow(
    /"RePaintScheduler" is not known; known are .*DDPMScheduler.*FlowMatchEulerDiscreteScheduler/,
  );
  expect(create({})).toThrow(InputError);
  expect(create({ _class_name: 'toString' })).toThrow(InputError);
  expect(() => schedulerDefaults('toString')).toThrow(
    /^the scheduler "toString" is not known; known are DDPMScheduler, /,
  );
  for (const nothing of [undefined, null] as unknown as Config[])
    expect(create(nothing)).toThrow(/^the scheduler without a _class_name is not known; known are DDPMScheduler, /);
});

/** The first of five steps draws noise, with η = 1 where there is one. */
const drawsNoise = [
  'DDPMScheduler',
  'DDIMScheduler',
  'EulerAncestralDiscreteScheduler',
  'SASolverScheduler',
  'LCMScheduler',
  'TCDScheduler',
  'CMStochasticIterativeScheduler',
  'FlowMatchLCMScheduler',
  'ScoreSdeVeScheduler',
  'DPMSolverSDEScheduler',
  'CosineDPMSolverMultistepScheduler',
];

describe.each(schedulerNames)('%s', (_class_name) => {
  it('names the keys that it does not have, once, and draws as if they were not there', () => {
    const scheduler = createScheduler(
      { _class_name, sigmax: 3, predict_epsilon: true, quantization_config: {}, _note: 1 },
      10,
    );
    expect(scheduler.warnings).toEqual([
      `${_class_name} has no keys "sigmax", "predict_epsilon", as in diffusers ignored`,
    ]);
    const { warnings, timesteps, config } = createScheduler({ _class_name }, 10);
    expect(warnings).toEqual([]);
    expect(scheduler.timesteps).toEqual(timesteps);
    expect(scheduler.config).toEqual(config);
  });

  it('takes its own defaults, and notes, as a saved config has them', () => {
    const config = { _class_name, _diffusers_version: '0.40.0', ...schedulerDefaults(_class_name) };
    expect(createScheduler(config, 10).timesteps).toEqual(createScheduler({ _class_name }, 10).timesteps);
  });

  it('refuses a value of the wrong kind for every key, naming the key', () => {
    for (const key of Object.keys(schedulerDefaults(_class_name))) {
      expect(create({ _class_name, [key]: { odd: true } }), key).toThrow(
        new RegExp(`^${_class_name}: ${key} is \\{"odd":true\\}; supported is .+`),
      );
    }
  });

  it('refuses 0 steps, half a step and a million', () => {
    for (const steps of [0, -1, 2.5, NaN, ...(schedulers[_class_name].kind === 'discrete' ? [1_000_000] : [])]) {
      expect(create({ _class_name }, steps), `${steps} steps`).toThrow(InputError);
    }
  });

  it('refuses what is no number of steps, however σ are spaced', () => {
    const known = Object.keys(schedulerDefaults(_class_name)).filter((key) => /^use_.*_(sigmas|lambdas)$/.test(key));
    for (const config of [{}, ...known.map((key) => ({ [key]: true }))])
      for (const steps of [0, -3, 2.5, NaN, Infinity, 1_000_001, '20' as unknown as number])
        expect(create({ _class_name, ...config }, steps)).toThrow(
          new InputError(`${_class_name}: ${steps} steps are asked for; expected a whole number from 1 to 1000000`),
        );
  });

  it('refuses an η and a mu that are no numbers, and an η beyond its range', () => {
    const { eta, mostEta } = schedulers[_class_name];
    const range = mostEta === undefined ? 'from 0' : `from 0 to ${mostEta}`;
    for (const wrong of [NaN, -0.1, Infinity, ...(mostEta === undefined ? [] : [mostEta + 0.01])])
      expect(() => createScheduler({ _class_name }, 5, { eta: wrong })).toThrow(
        new InputError(`${_class_name}: eta is ${wrong}; expected a finite number ${range}`),
      );
    for (const wrong of [NaN, -Infinity])
      expect(() => createScheduler({ _class_name }, 5, { mu: wrong })).toThrow(
        new InputError(`${_class_name}: mu is ${wrong}; expected a finite number`),
      );
    if (eta === undefined) {
      const message = `${_class_name} has no eta, but 0.5 is given`;
      expect(() => createScheduler({ _class_name }, 5, { eta: 0.5 })).toThrow(message);
    }
    for (const right of [0, eta ?? 0, eta === undefined ? 0 : (mostEta ?? 7)])
      expect(() => createScheduler({ _class_name }, 5, { eta: right })).not.toThrow();
  });

  it('refuses choices that nobody knows, and a mu that would change nothing', () => {
    expect(() => createScheduler({ _class_name }, 5, { etta: 1 } as unknown as SchedulerChoices)).toThrow(
      new InputError(
        `${_class_name}: unknown choice "etta" of a run; there are eta, mu, begin, strength, noiseSeed, timesteps, ` +
          'sigmas, sChurn, sTmin, sTmax, sNoise',
      ),
    );
    const hasMu = Object.hasOwn(schedulerDefaults(_class_name), 'use_dynamic_shifting');
    expect(() => createScheduler({ _class_name }, 5, { mu: -1 })).toThrow(
      hasMu
        ? `${_class_name}: a mu is given, -1, but the config does not set use_dynamic_shifting`
        : `${_class_name} has no mu, but -1 is given; it is of flows whose shift depends on the picture`,
    );
  });

  it('refuses a strength that is none, where it has one, and otherwise says what to give', () => {
    const make =
      (strength: number, begin = 0) =>
      () =>
        createScheduler({ _class_name }, 5, { strength, begin });
    if (!schedulers[_class_name].strength) {
      expect(make(0.5)).toThrow(`${_class_name} has no strength, but 0.5 is given; begin says how many steps are left`);
      return;
    }
    for (const wrong of [0, -1, 1.01, NaN])
      expect(make(wrong)).toThrow(`${_class_name}: strength is ${wrong}; expected a number above 0, to 1`);
    expect(make(0.5, 2)).toThrow(`${_class_name}: strength and begin exclude one another; each says how much`);
    expect(make(0.09)).toThrow(
      `${_class_name}: 5 steps are asked for; expected from 1 to original_inference_steps = 50, of which a strength ` +
        'of 0.09 leaves 4; take fewer steps, or a greater strength',
    );
    expect(() => createScheduler({ _class_name }, undefined, { timesteps: [900, 500], strength: 0.4 })).toThrow(
      `${_class_name}: a strength of 0.4 leaves none of 2 timesteps; give more, or a greater one`,
    );
    expect(make(0.1)).not.toThrow();
  });

  it('refuses a call that the run does not have, in every method', () => {
    const scheduler = createScheduler({ _class_name }, 5);
    const x = zeros('f32', [1, 2, 2, 2]);
    const last = scheduler.timesteps.length - 1;
    const methods: Readonly<Record<string, (index: number) => unknown>> = {
      levelAt: (index) => scheduler.levelAt(index),
      scaleModelInput: (index) => scheduler.scaleModelInput(x, index),
      addNoise: (index) => scheduler.addNoise(x, x, index),
      predictOriginal: (index) => scheduler.predictOriginal(x, x, index),
      step: (index) => scheduler.step(scheduler.start, { index, modelOutput: x, sample: x, noise: () => x }),
    };
    for (const [name, call] of Object.entries(methods)) {
      for (const index of [-1, last + 1, 0.5, NaN])
        expect(() => call(index), name).toThrow(
          new InputError(`${_class_name}: there is no call ${index} of the model; the run has 0 to ${last}`),
        );
      expect(() => call(0), name).not.toThrow();
      if (name !== 'step') expect(() => call(last), name).not.toThrow();
    }
  });

  it('refuses tensors that do not go together, by shape and by precision', () => {
    const scheduler = createScheduler({ _class_name }, 5, schedulers[_class_name].eta === undefined ? {} : { eta: 1 });
    const x = zeros('f32', [1, 2, 2, 2]);
    const fits = { index: 0, modelOutput: x, sample: x, noise: () => x };
    expect(() => scheduler.step(scheduler.start, fits)).not.toThrow();
    const others = { '[1, 2, 2, 1] in f32': zeros('f32', [1, 2, 2, 1]), '[1, 2, 2, 2] in f64': zeros('f64', x.shape) };
    for (const [kind, other] of Object.entries(others)) {
      const refusal = (what: string) =>
        new InputError(`${_class_name}: ${what} is ${kind}, but the sample is [1, 2, 2, 2] in f32; expected the same`);
      expect(() => scheduler.step(scheduler.start, { ...fits, modelOutput: other })).toThrow(
        refusal("the model's output"),
      );
      expect(() => scheduler.predictOriginal(x, other, 0)).toThrow(refusal("the model's output"));
      expect(() => scheduler.addNoise(x, other, 0)).toThrow(refusal('the noise'));
      const step = () => scheduler.step(scheduler.start, { ...fits, noise: () => other });
      if (drawsNoise.includes(_class_name)) expect(step).toThrow(refusal('the noise'));
      else expect(step).not.toThrow();
    }
  });

  it('takes twice the channels where it reads a variance, and nowhere else', () => {
    const scheduler = createScheduler({ _class_name }, 5);
    const sample = zeros('f32', [2, 3, 1, 2]);
    const outputs = [
      [2, 6, 1, 2],
      [2, 3, 2, 2],
      [4, 3, 1, 2],
      [2, 9, 1, 2],
    ].map((shape) => zeros('f32', shape));
    const accepted = outputs.filter((modelOutput) => {
      try {
        scheduler.step(scheduler.start, { index: 0, modelOutput, sample, noise: () => sample });
        return true;
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
        return false;
      }
    });
    expect(accepted.map(({ shape }) => shape)).toEqual(scheduler.readsVariance ? [[2, 6, 1, 2]] : []);
    expect(() => scheduler.predictOriginal(sample, outputs[0], 0)).toThrow(InputError);
  });
});

/** A training in which nothing happens from timestep 4 to timestep 5. */
const still: Config = {
  trained_betas: [0.1, 0.1, 0.1, 0.1, 0.1, 0, 0.1, 0.1],
  num_train_timesteps: 8,
  timestep_spacing: 'trailing',
};

const refused: readonly (readonly [reason: RegExp, config: Config, steps?: number])[] = [
  [
    /a β is -1; beta_start, beta_end and trained_betas are variances, from 0 to 1/,
    { _class_name: 'DDIMScheduler', beta_start: -1 },
  ],
  [/a β is 1.5;/, { _class_name: 'DDPMScheduler', trained_betas: [0.1, 1.5], num_train_timesteps: 2 }, 2],
  [
    /dynamic_thresholding_ratio is 9; it is a quantile, from 0 to 1/,
    { _class_name: 'DDIMScheduler', dynamic_thresholding_ratio: 9 },
  ],
  [
    /use_karras_sigmas and use_beta_sigmas exclude one another/,
    { _class_name: 'EulerDiscreteScheduler', use_karras_sigmas: true, use_beta_sigmas: true },
  ],
  [
    /prediction_type is "sample"; supported is epsilon, v_prediction/,
    { _class_name: 'EulerAncestralDiscreteScheduler', prediction_type: 'sample' },
  ],
  [
    /beta_schedule is "sigmoid"; supported is linear, scaled_linear, squaredcos_cap_v2/,
    { _class_name: 'HeunDiscreteScheduler', beta_schedule: 'sigmoid' },
  ],
  [
    /timestep_spacing is "linspace"; supported is leading, trailing/,
    { _class_name: 'DDIMInverseScheduler', timestep_spacing: 'linspace' },
  ],
  [/solver_order is 4; supported are 1, 2, 3/, { _class_name: 'UniPCMultistepScheduler', solver_order: 4 }],
  [
    /final_sigmas_type "zero" needs algorithm_type dpmsolver\+\+/,
    { _class_name: 'DPMSolverMultistepScheduler', algorithm_type: 'dpmsolver' },
  ],
  [
    /needs algorithm_type dpmsolver\+\+ or sde-dpmsolver\+\+; with "sde-dpmsolver" use "sigma_min"/,
    { _class_name: 'DPMSolverMultistepScheduler', algorithm_type: 'sde-dpmsolver' },
  ],
  [
    /sde-dpmsolver has the orders 1 and 2/,
    {
      _class_name: 'DPMSolverMultistepScheduler',
      algorithm_type: 'sde-dpmsolver',
      solver_order: 3,
      final_sigmas_type: 'sigma_min',
    },
  ],
  [
    /"flow_prediction" needs/,
    {
      _class_name: 'DPMSolverSinglestepScheduler',
      algorithm_type: 'dpmsolver',
      prediction_type: 'flow_prediction',
      final_sigmas_type: 'sigma_min',
    },
  ],
  [
    /sde-dpmsolver\+\+ has the orders 1 and 2/,
    { _class_name: 'EDMDPMSolverMultistepScheduler', algorithm_type: 'sde-dpmsolver++', solver_order: 3 },
  ],
  [/solver_p is .*supported is null/, { _class_name: 'UniPCMultistepScheduler', solver_p: 'DDIMScheduler' }],
  [/shift_terminal needs use_flow_sigmas/, { _class_name: 'UniPCMultistepScheduler', shift_terminal: 0.1 }],
  [/without predict_x0 the last σ cannot be 0/, { _class_name: 'UniPCMultistepScheduler', predict_x0: false }],
  [
    /use_flow_sigmas goes with use_karras_sigmas or alone/,
    { _class_name: 'UniPCMultistepScheduler', use_flow_sigmas: true, use_beta_sigmas: true },
  ],
  [/use_dynamic_shifting needs a mu/, { _class_name: 'FlowMatchEulerDiscreteScheduler', use_dynamic_shifting: true }],
  [/the Runge–Kutta start needs 4; set skip_prk_steps/, { _class_name: 'PNDMScheduler' }, 3],
  [/51 steps are asked for; expected from 1 to original_inference_steps = 50$/, { _class_name: 'LCMScheduler' }, 51],
  [
    /original_inference_steps is 2000; expected from 1 to num_train_timesteps = 1000/,
    { _class_name: 'TCDScheduler', original_inference_steps: 2000 },
  ],
  [/expected 0 < sigma_min < sigma_max/, { _class_name: 'EDMEulerScheduler', sigma_min: 90 }],
  [
    /sigma_max is 1e\+300; expected one whose square is finite/,
    { _class_name: 'CosineDPMSolverMultistepScheduler', sigma_max: 1e300 },
    1,
  ],
  [/one of trained_betas is 2; here they are σ, from 0 to 1/, { _class_name: 'IPNDMScheduler', trained_betas: [2, 0] }],
  [
    /4 steps are asked for; trained_betas has 3 numbers, which are the σ of 2 steps/,
    { _class_name: 'IPNDMScheduler', trained_betas: [1, 0.5, 0] },
    4,
  ],
  [/num_train_timesteps is 0; expected at least 1/, { _class_name: 'IPNDMScheduler', num_train_timesteps: 0 }],
  ...['sde-dpmsolver', 'sde-dpmsolver++'].map(
    (algorithm_type) =>
      [
        /algorithm_type "sde-dpmsolver.*" is an SDE, which has no way back; expected dpmsolver or dpmsolver\+\+/,
        { _class_name: 'DPMSolverMultistepInverseScheduler', algorithm_type },
      ] as const,
  ),
  [/it inverts no flows/, { _class_name: 'DPMSolverMultistepInverseScheduler', prediction_type: 'flow_prediction' }],
  [
    /use_flow_sigmas gives diffusers a table from noise to picture/,
    { _class_name: 'DPMSolverMultistepInverseScheduler', use_flow_sigmas: true },
  ],
  [/β of timestep 0 is 0/, { _class_name: 'DPMSolverMultistepInverseScheduler', beta_start: 0 }],
  [
    /steps_offset = 500 moves the last of 10 steps to timestep 1310, beyond the last, 999/,
    { _class_name: 'DPMSolverMultistepInverseScheduler', timestep_spacing: 'leading', steps_offset: 500 },
  ],
  [
    /lambda_min_clipped = 100 leaves out every timestep/,
    { _class_name: 'DPMSolverMultistepInverseScheduler', lambda_min_clipped: 100 },
  ],
  [/calls \d+ and \d+ of the model have one noise level/, { _class_name: 'DPMSolverMultistepInverseScheduler' }, 1000],
  [/1001 steps are asked for/, { _class_name: 'DPMSolverMultistepInverseScheduler' }, 1001],
  [/step 9 would lead to a λ of Infinity; expected σ above 0/, { _class_name: 'SASolverScheduler', beta_start: 0 }],
  [
    /sigma_data is 1e\+200; .*, its square finite/,
    { _class_name: 'CMStochasticIterativeScheduler', sigma_data: 1e200 },
  ],
  [/s_noise is 1e\+200; expected one of finite/, { _class_name: 'CMStochasticIterativeScheduler', s_noise: 1e200 }],
  [
    /scale_factors is \[0.5,1\]; it draws pictures of one size, expected null/,
    { _class_name: 'FlowMatchLCMScheduler', scale_factors: [0.5, 1] },
  ],
  [/upscale_mode is "cubic"; supported is nearest/, { _class_name: 'FlowMatchLCMScheduler', upscale_mode: 'cubic' }],
  [/shift is 0; expected one above 0/, { _class_name: 'FlowMatchHeunDiscreteScheduler', shift: 0 }],
  [
    /num_train_timesteps is 0; expected at least 1/,
    { _class_name: 'FlowMatchHeunDiscreteScheduler', num_train_timesteps: 0 },
  ],
  [/snr is -1; expected a number from 0/, { _class_name: 'ScoreSdeVeScheduler', snr: -1 }],
  [/sampling_eps is 1; expected a time from 0 to 1/, { _class_name: 'ScoreSdeVeScheduler', sampling_eps: 1 }],
  [/expected 0 < sigma_min < sigma_max/, { _class_name: 'ScoreSdeVeScheduler', sigma_min: 0 }],
  [/expected 0 < sigma_min < sigma_max/, { _class_name: 'ScoreSdeVeScheduler', sigma_max: 0.001 }],
  [/10 steps would be too many calls/, { _class_name: 'ScoreSdeVeScheduler', correct_steps: 1_000_000 }],
  [/num_train_timesteps is 0; expected at/, { _class_name: 'ScoreSdeVeScheduler', num_train_timesteps: 0 }],
  [
    /prediction_type is "sample"; supported is epsilon, v_prediction/,
    { _class_name: 'DPMSolverSDEScheduler', prediction_type: 'sample' },
  ],
  [
    /noise_sampler_seed is -1; expected a whole number from 0 to/,
    { _class_name: 'DPMSolverSDEScheduler', noise_sampler_seed: -1 },
  ],
  [
    /noise_sampler_seed is 0.5; expected a whole number from 0 to/,
    { _class_name: 'DPMSolverSDEScheduler', noise_sampler_seed: 0.5 },
  ],
  [
    /σ goes from 0 to 0 at step 10, but noise is added on the way down/,
    { _class_name: 'DPMSolverSDEScheduler', beta_start: 0 },
  ],
  [/solver_order is 3; supported are 1, 2/, { _class_name: 'CosineDPMSolverMultistepScheduler', solver_order: 3 }],
  [/expected 0 < sigma_min < sigma_max/, { _class_name: 'CosineDPMSolverMultistepScheduler', sigma_min: 500 }],
  [
    /prediction_type is "sample"; supported is epsilon, v_prediction/,
    { _class_name: 'CosineDPMSolverMultistepScheduler', prediction_type: 'sample' },
  ],
  [/predictor_order is 5; supported are 1, 2, 3, 4/, { _class_name: 'SASolverScheduler', predictor_order: 5 }],
  [/corrector_order is 0; supported are 1, 2, 3, 4/, { _class_name: 'SASolverScheduler', corrector_order: 0 }],
  [
    /thresholding needs algorithm_type data_prediction/,
    { _class_name: 'SASolverScheduler', algorithm_type: 'noise_prediction', thresholding: true },
  ],
  [
    /prediction_type "flow_prediction" needs algorithm_type data_prediction/,
    { _class_name: 'SASolverScheduler', algorithm_type: 'noise_prediction', prediction_type: 'flow_prediction' },
  ],
  [/expected 0 ≤ sigma_min < sigma_max/, { _class_name: 'CMStochasticIterativeScheduler', sigma_min: 80 }],
  [/expected 0 ≤ sigma_min < sigma_max/, { _class_name: 'CMStochasticIterativeScheduler', sigma_min: -1 }],
  [/sigma_data is 0; expected a number above 0/, { _class_name: 'CMStochasticIterativeScheduler', sigma_data: 0 }],
  [/rho is -7; expected a number above 0/, { _class_name: 'CMStochasticIterativeScheduler', rho: -7 }],
  [
    /num_train_timesteps is 1; expected at least 2/,
    { _class_name: 'CMStochasticIterativeScheduler', num_train_timesteps: 1 },
    1,
  ],
  [/41 steps are asked for; expected .* 1 to the 40 timesteps/, { _class_name: 'CMStochasticIterativeScheduler' }, 41],
  [
    /lambda_min_clipped = 100 leaves out every timestep/,
    { _class_name: 'DPMSolverMultistepScheduler', lambda_min_clipped: 100 },
  ],
  [
    /steps_offset = 500 moves the first of 10 steps to timestep 1400, beyond the last, 999/,
    { _class_name: 'EulerDiscreteScheduler', timestep_spacing: 'leading', steps_offset: 500 },
  ],
  [
    /with beta_start = 0 and beta_end = 0.02 σ is .* at call \d of the model; expected a number above 0/,
    { _class_name: 'EulerDiscreteScheduler', use_exponential_sigmas: true, beta_start: 0 },
  ],
  [
    /calls 2 and 3 of the model have one noise level, and a step of higher order divides by their distance; take f/,
    { _class_name: 'DPMSolverMultistepScheduler', ...still },
    8,
  ],
  [
    // the last step is of first order, but not the corrector of the one before
    /calls 6 and 7 of the model have one noise level/,
    { _class_name: 'UniPCMultistepScheduler', ...still, trained_betas: [0.1, 0, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1] },
    8,
  ],
  [/calls 2 and 3 of the model have one noise level/, { _class_name: 'DEISMultistepScheduler', ...still }, 8],
  [/calls 2 and 3 of the model have one noise level/, { _class_name: 'LMSDiscreteScheduler', ...still }, 8],
  [
    /steps_offset = 1 moves the first of 1000 steps beyond the last timestep, 999; take fewer steps/,
    { _class_name: 'UniPCMultistepScheduler', timestep_spacing: 'leading', steps_offset: 1 },
    1000,
  ],
  [/num_train_timesteps is 0; expected at least 1/, { _class_name: 'DDPMScheduler', num_train_timesteps: 0 }],
  [
    /num_train_timesteps is 0; expected at least 1/,
    { _class_name: 'FlowMatchEulerDiscreteScheduler', num_train_timesteps: 0 },
  ],
  [
    /num_train_timesteps is 2000000; supported is a whole number up to 1000000/,
    { _class_name: 'DDPMScheduler', num_train_timesteps: 2e6 },
  ],
  [/steps_offset is -1; supported is a whole number up to/, { _class_name: 'DDIMScheduler', steps_offset: -1 }],
  [/steps_offset is 0.5; supported is a whole number up to/, { _class_name: 'DDIMScheduler', steps_offset: 0.5 }],
  [/beta_start is NaN; supported is a finite number/, { _class_name: 'DDIMScheduler', beta_start: NaN }],
  [
    /clip_sample_range is Infinity; supported is a finite/,
    { _class_name: 'DDIMScheduler', clip_sample_range: Infinity },
  ],
  [
    /sigma_max is Infinity; supported is a finite number or/,
    { _class_name: 'EulerDiscreteScheduler', sigma_max: Infinity },
  ],
  [/trained_betas is \[null\]; supported is a list of numbers/, { _class_name: 'DDIMScheduler', trained_betas: [NaN] }],
  [/expected 0 < sigma_min < sigma_max/, { _class_name: 'EDMEulerScheduler', sigma_min: 0 }],
  [/expected 0 < sigma_min < sigma_max/, { _class_name: 'EDMDPMSolverMultistepScheduler', sigma_min: 80 }],
  [
    /trained_betas has 9 numbers, fewer than num_train_timesteps = 10/,
    { _class_name: 'DDPMScheduler', trained_betas: Array.from({ length: 9 }, () => 0.1), num_train_timesteps: 10 },
  ],
  [
    /trained_betas has 3 numbers, fewer than num_train_timesteps = 1000/,
    { _class_name: 'LMSDiscreteScheduler', trained_betas: [0.1, 0.2, 0.3] },
  ],
];

it.each(refused.map(([reason, config, steps = 10]) => ({ reason, config, steps })))(
  'refuses with $reason',
  ({ reason, config, steps }) => {
    expect(create(config, steps)).toThrow(InputError);
    expect(create(config, steps)).toThrow(reason);
  },
);

it('takes corrections that correct nothing, of a ratio of signal to noise of 0', () => {
  const { config } = createScheduler({ _class_name: 'ScoreSdeVeScheduler', snr: 0 }, 3);
  expect(config).toMatchObject({ snr: 0 });
});

it('reads the names of other solvers as diffusers does when a config changes its class', () => {
  const borrowed: readonly (readonly [Config, Config])[] = [
    [
      { _class_name: 'DPMSolverMultistepScheduler', algorithm_type: 'deis', solver_type: 'bh2' },
      { _class_name: 'DPMSolverMultistepScheduler' },
    ],
    [
      { _class_name: 'DEISMultistepScheduler', algorithm_type: 'dpmsolver++', solver_type: 'midpoint' },
      { _class_name: 'DEISMultistepScheduler' },
    ],
    [
      { _class_name: 'UniPCMultistepScheduler', solver_type: 'heun' },
      { _class_name: 'UniPCMultistepScheduler', solver_type: 'bh2' },
    ],
  ];
  for (const [foreign, own] of borrowed)
    expect(createScheduler(foreign, 5).timesteps).toEqual(createScheduler(own, 5).timesteps);
});

describe('keys of old', () => {
  it('that asked for something else are named with what says it today', () => {
    const { warnings } = createScheduler(
      { _class_name: 'DDPMScheduler', predict_epsilon: false, timestep_values: null },
      10,
    );
    expect(warnings).toEqual([
      'DDPMScheduler has no keys "predict_epsilon", "timestep_values", as in diffusers ignored; ' +
        'predict_epsilon was what prediction_type "sample" is now: set that if the model was trained so',
    ]);
  });

  it('that have another name now are read under it', () => {
    const _class_name = 'DDIMInverseScheduler';
    const { warnings, config } = createScheduler({ _class_name, set_alpha_to_zero: false }, 10);
    expect([warnings, config['set_alpha_to_one']]).toEqual([[], false]);
    expect(createScheduler({ _class_name, set_alpha_to_zero: null }, 10).config['set_alpha_to_one']).toBe(true);
  });

  it('of the ends of σ are taken from another class, where σ are spaced between them', () => {
    const ends = { sigma_min: 0.02, sigma_max: 0.9 };
    const spaced = { _class_name: 'FlowMatchEulerDiscreteScheduler', use_karras_sigmas: true };
    const { warnings, timesteps } = createScheduler({ ...spaced, ...ends }, 10);
    expect(warnings).toEqual([]);
    expect([timesteps[0], timesteps[9]]).toEqual([Math.fround(900), Math.fround(20)].map((t) => expect.closeTo(t, 3)));
    expect(createScheduler({ ...spaced, sigma_min: null, sigma_max: null }, 10).timesteps).toEqual(
      createScheduler(spaced, 10).timesteps,
    );
    const even = createScheduler({ ...spaced, ...ends, use_karras_sigmas: false }, 10);
    expect(even.warnings).toEqual([
      'FlowMatchEulerDiscreteScheduler has no keys "sigma_min", "sigma_max", as in diffusers ignored',
    ]);
    const inverse = { _class_name: 'DPMSolverMultistepInverseScheduler', use_karras_sigmas: true, ...ends };
    expect(() => createScheduler(inverse, 10)).toThrow(
      /sigma_min and sigma_max, of another class, would turn the spaced σ/,
    );
    expect(() => createScheduler({ ...spaced, sigma_min: 'x' }, 10)).toThrow(
      /sigma_min is "x"; supported is a finite number/,
    );
  });

  it('that are listed as defaults take the default of the class', () => {
    const config = { _class_name: 'DDIMScheduler', clip_sample: false, _use_default_values: ['clip_sample'] };
    expect(createScheduler(config, 10).config['clip_sample']).toBe(true);
  });
});
