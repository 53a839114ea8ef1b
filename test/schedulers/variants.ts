/** Schedulers in many settings, for the laws that hold for all of them. */
import type { Config } from '../../src/schedulers/options.ts';
import { createScheduler, schedulerNames, type SchedulerChoices } from '../../src/schedulers/registry.ts';
import type { Scheduler } from '../../src/schedulers/scheduler.ts';

/** A scheduler, its config and what a run chooses. */
export interface Variant {
  readonly name: string;
  readonly config: Config;
  readonly choices?: SchedulerChoices;
}

const variants = (name: string, ...configs: Config[]): Variant[] =>
  configs.map((config) => ({ name: `${name}Scheduler`, config }));
const spaced: Config[] = [
  {},
  { use_karras_sigmas: true },
  { use_exponential_sigmas: true },
  { use_beta_sigmas: true },
  { prediction_type: 'v_prediction' },
];
const solvers: Config[] = [
  ...spaced,
  { solver_order: 1 },
  { solver_order: 3 },
  { timestep_spacing: 'trailing' },
  { prediction_type: 'sample', beta_schedule: 'squaredcos_cap_v2' },
];
const solversWithoutSpacing = solvers.filter((config) => !('timestep_spacing' in config));
const ofNoise: Config[] = [1, 2, 3].map((solver_order) => ({
  algorithm_type: 'dpmsolver',
  final_sigmas_type: 'sigma_min',
  solver_order,
}));

/** Every deterministic scheduler in several settings. */
export const deterministic: readonly Variant[] = [
  ...variants(
    'DDIM',
    { clip_sample: false },
    { clip_sample: false, timestep_spacing: 'trailing', prediction_type: 'v_prediction' },
  ),
  ...variants(
    'DDIMInverse',
    { clip_sample: false },
    { clip_sample: false, prediction_type: 'sample', set_alpha_to_one: false },
  ),
  ...variants('PNDM', {}, { skip_prk_steps: true, set_alpha_to_one: true }),
  ...variants('EulerDiscrete', ...spaced, { timestep_spacing: 'leading', steps_offset: 1 }),
  ...variants('HeunDiscrete', ...spaced),
  ...variants('LMSDiscrete', ...spaced),
  ...variants('KDPM2Discrete', ...spaced),
  ...variants('DPMSolverMultistep', ...solvers, ...ofNoise, { use_lu_lambdas: true }, { solver_type: 'heun' }),
  ...variants(
    'DPMSolverMultistepInverse',
    ...solvers,
    { algorithm_type: 'dpmsolver' },
    { algorithm_type: 'dpmsolver', solver_order: 3 },
    { solver_type: 'heun', use_karras_sigmas: true, solver_order: 3 },
  ),
  ...variants('DPMSolverSinglestep', ...solversWithoutSpacing, ...ofNoise, { solver_type: 'heun', solver_order: 3 }),
  ...variants(
    'UniPCMultistep',
    ...solvers,
    { solver_type: 'bh1', solver_order: 3 },
    { predict_x0: false, final_sigmas_type: 'sigma_min' },
    { disable_corrector: [1] },
  ),
  ...variants('DEISMultistep', ...solvers),
  ...variants('EDMEuler', {}, { sigma_schedule: 'exponential', prediction_type: 'v_prediction' }),
  ...variants('EDMDPMSolverMultistep', {}, { solver_order: 3, solver_type: 'heun' }),
  ...variants('IPNDM', {}),
  ...variants('FlowMatchHeunDiscrete', {}, { shift: 3 }),
  ...variants('FlowMatchEulerDiscrete', {}, { shift: 3 }, { use_karras_sigmas: true }),
  { name: 'TCDScheduler', config: {}, choices: { eta: 0 } },
  { name: 'EulerAncestralDiscreteScheduler', config: {}, choices: { eta: 0 } },
  { name: 'KDPM2AncestralDiscreteScheduler', config: {}, choices: { eta: 0 } },
];
/** With a title for each. */
export const titled = (list: readonly Variant[]) =>
  list.map(
    (variant) => [`${variant.name} ${JSON.stringify({ ...variant.config, ...variant.choices })}`, variant] as const,
  );
export const create = ({ name, config, choices }: Variant, steps: number): Scheduler =>
  createScheduler({ _class_name: name, ...config }, steps, choices);

/** Every class, and for those with noise a run that draws it. */
export const everyClass: readonly Variant[] = [
  ...schedulerNames.map((name) => ({ name, config: {} })),
  { name: 'DDIMScheduler', config: { thresholding: true, sample_max_value: 2 }, choices: { eta: 0.8 } },
  { name: 'DPMSolverMultistepScheduler', config: { algorithm_type: 'sde-dpmsolver++' } },
  {
    name: 'DPMSolverSinglestepScheduler',
    config: { algorithm_type: 'sde-dpmsolver++', thresholding: true, sample_max_value: 2 },
  },
  { name: 'EDMDPMSolverMultistepScheduler', config: { algorithm_type: 'sde-dpmsolver++' } },
  { name: 'FlowMatchEulerDiscreteScheduler', config: { stochastic_sampling: true } },
];
