/** What is not supported is refused by name, with what is. */
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/tensor/errors.ts';
import { createScheduler, schedulerDefaults, schedulerNames, schedulers } from '../../src/schedulers/registry.ts';
import type { Config } from '../../src/schedulers/options.ts';

const create =
  (config: Config, steps = 10) =>
  () =>
    createScheduler(config, steps);

it('an unknown class is named, with all that are known', () => {
  expect(create({ _class_name: 'IPNDMScheduler' })).toThrow(
    /"IPNDMScheduler" is not known; known are .*DDPMScheduler.*FlowMatchEulerDiscreteScheduler/,
  );
  expect(create({})).toThrow(InputError);
  expect(create({ _class_name: 'toString' })).toThrow(InputError);
});

describe.each(schedulerNames)('%s', (_class_name) => {
  it('refuses an unknown key, with those that it has', () => {
    const [key] = Object.keys(schedulerDefaults(_class_name));
    expect(create({ _class_name, sigmax: 3 })).toThrow(
      new RegExp(`${_class_name}: unknown key "sigmax"; it has .*${key}`),
    );
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
});

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
  [/51 steps are asked for; expected from 1 to original_inference_steps = 50/, { _class_name: 'LCMScheduler' }, 51],
  [
    /original_inference_steps is 2000; expected from 1 to num_train_timesteps = 1000/,
    { _class_name: 'TCDScheduler', original_inference_steps: 2000 },
  ],
  [/expected 0 < sigma_min < sigma_max/, { _class_name: 'EDMEulerScheduler', sigma_min: 90 }],
  [
    /lambda_min_clipped = 100 leaves out every timestep/,
    { _class_name: 'DPMSolverMultistepScheduler', lambda_min_clipped: 100 },
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
