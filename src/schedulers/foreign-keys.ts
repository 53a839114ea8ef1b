/**
 * The keys in a `scheduler_config.json` that its class does not have: left there when a scheduler took over the config
 * of another (`X.from_config(Y.config)` keeps what Y had), or from an older diffusers, or misspelt.
 */
import { currentName, type Config } from './options.ts';
import { wideKeys } from './spacing-keys.ts';

/**
 * The classes that diffusers takes to be exchangeable: they ignore the keys of one another without a word. A class that
 * is not among them warns of each.
 */
const exchangeable: readonly string[] = [
  'DDIMScheduler',
  'DDPMScheduler',
  'DEISMultistepScheduler',
  'DPMSolverMultistepInverseScheduler',
  'DPMSolverMultistepScheduler',
  'DPMSolverSDEScheduler',
  'DPMSolverSinglestepScheduler',
  'EulerAncestralDiscreteScheduler',
  'EulerDiscreteScheduler',
  'HeunDiscreteScheduler',
  'KDPM2AncestralDiscreteScheduler',
  'KDPM2DiscreteScheduler',
  'LMSDiscreteScheduler',
  'PNDMScheduler',
  'SASolverScheduler',
  'UniPCMultistepScheduler',
];

/** The keys that any of the exchangeable classes has, beside those that all of them have. */
const exchangedKeys = new Set(
  `algorithm_type clip_sample clip_sample_range disable_corrector dynamic_thresholding_ratio euler_at_final
  final_sigmas_type flow_shift interpolation_type lambda_min_clipped lower_order_final noise_sampler_seed predict_x0
  rescale_betas_zero_snr rho sample_max_value set_alpha_to_one shift_terminal sigma_data sigma_max sigma_min
  sigma_schedule skip_prk_steps solver_order solver_p solver_type steps_offset thresholding time_shift_type
  timestep_spacing timestep_type use_beta_sigmas use_dynamic_shifting use_exponential_sigmas use_flow_sigmas
  use_karras_sigmas use_lu_lambdas variance_type`.split(/\s+/),
);

/** Keys that once had an effect, by what says the same today; a value that asked for nothing is left out. */
const formerKeys: Readonly<Record<string, (value: unknown) => string | undefined>> = {
  predict_epsilon: (value) => (value === false ? 'prediction_type "sample"' : undefined),
};

/**
 * What is to be said of the keys that a class does not have: one line that names them, or none. It is what diffusers
 * warns of; the keys themselves do nothing, as there.
 * @param config as it was given
 * @param known the keys that the class has
 * @param scheduler the name of the class
 */
export function foreignKeys(config: Config, known: Config, scheduler: string): readonly string[] {
  const ignored = Object.keys(config).filter(
    (key) =>
      !key.startsWith('_') &&
      key !== 'quantization_config' &&
      !Object.hasOwn(known, key) &&
      currentName(scheduler, key) === undefined &&
      !(spacesSigmas(known) && ['sigma_min', 'sigma_max'].includes(key)) &&
      !(exchangeable.includes(scheduler) && exchangedKeys.has(key)),
  );
  if (ignored.length === 0) return [];
  const former = ignored.flatMap((key) => {
    const today = Object.hasOwn(formerKeys, key) ? formerKeys[key]?.(config[key]) : undefined;
    return today === undefined ? [] : [`; ${key} was what ${today} is now: set that if the model was trained so`];
  });
  return [`${scheduler} has no ${named(ignored)}, as in diffusers ignored${former.join('')}`];
}

/** Whether σ are spaced between two ends, which diffusers then takes from any config that has them. */
function spacesSigmas(known: Config): boolean {
  return wideKeys.some((key) => known[key] === true);
}

/** `key "a"`, `keys "a", "b"`. */
function named(keys: readonly string[]): string {
  return `${keys.length === 1 ? 'key' : 'keys'} ${keys.map((key) => JSON.stringify(key)).join(', ')}`;
}
