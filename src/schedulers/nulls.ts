/**
 * What `null` means in a `scheduler_config.json`, per key, as diffusers 0.42 takes it (fixtures/goldens/configs has the
 * table, made by running it): of a flag false; of a key whose default is null, that; of a key that does nothing beside
 * the other keys, nothing. Where diffusers raises it is refused.
 *
 * A class that comes to the registry declares here what it has and does not use; the test of that table tells what is
 * missing.
 */

import { wideKeys } from './spacing-keys.ts';

/** Whether a key does nothing, beside the other keys of a config. */
type Unused = (config: Readonly<Record<string, unknown>>, scheduler: string) => boolean;

const always: Unused = () => true;
const isOneOf =
  (...classes: readonly string[]): Unused =>
  (_config, scheduler) =>
    classes.includes(scheduler);

/** Those that clip x̂₀ unless their config says otherwise. */
const clipsByDefault = isOneOf('DDPMScheduler', 'DDIMScheduler', 'DDIMInverseScheduler');
/** Those that space their timesteps by original_inference_steps. */
const isConsistency = isOneOf('LCMScheduler', 'TCDScheduler');
const startsAtZero = isOneOf('DDPMScheduler', 'DDIMScheduler', 'DDIMInverseScheduler', 'PNDMScheduler');
const ofFlow = isOneOf('FlowMatchEulerDiscreteScheduler', 'FlowMatchLCMScheduler');

const hasTrainedBetas: Unused = ({ trained_betas: betas }) => betas !== undefined && betas !== null;
const hasOwnCurve: Unused = ({ beta_schedule: curve }) => ['squaredcos_cap_v2', 'exp', 'laplace'].includes(`${curve}`);
const noThresholding: Unused = ({ thresholding }, scheduler) => !thresholding || scheduler === 'TCDScheduler';
const noOffset: Unused = (config, scheduler) =>
  isConsistency(config, scheduler) ||
  (config['timestep_spacing'] ?? (startsAtZero(config, scheduler) ? 'leading' : 'linspace')) !== 'leading';

const unused: Readonly<Record<string, Unused>> = {
  beta_start: (config, scheduler) => hasTrainedBetas(config, scheduler) || hasOwnCurve(config, scheduler),
  beta_end: (config, scheduler) => hasTrainedBetas(config, scheduler) || hasOwnCurve(config, scheduler),
  beta_schedule: hasTrainedBetas,
  clip_sample_range: (config, scheduler) =>
    scheduler === 'TCDScheduler' ||
    (Boolean(config['thresholding']) &&
      scheduler !== 'DDIMInverseScheduler' &&
      scheduler !== 'HeunDiscreteScheduler') ||
    !(config['clip_sample'] === undefined ? clipsByDefault(config, scheduler) : config['clip_sample']),
  dynamic_thresholding_ratio: noThresholding,
  sample_max_value: noThresholding,
  steps_offset: noOffset,
  timestep_spacing: isConsistency,
  timestep_scaling: isOneOf('TCDScheduler'),
  // Of DDPM: no other than fixed_small does less.
  variance_type: always,
  timestep_type: always,
  flow_shift: ({ use_flow_sigmas: isFlow, use_dynamic_shifting: isDynamic }) => !isFlow || Boolean(isDynamic),
  shift: ({ use_dynamic_shifting: isDynamic }) => Boolean(isDynamic),
  time_shift_type: (config, scheduler) =>
    !ofFlow(config, scheduler) &&
    (!config['use_dynamic_shifting'] || (scheduler === 'UniPCMultistepScheduler' && !config['use_flow_sigmas'])),
  // From these pipelines compute mu.
  base_shift: always,
  max_shift: always,
  base_image_seq_len: always,
  max_image_seq_len: always,
  upscale_mode: always,
};

/** Whether a flag may be null, which then is false: not those of wide spacings, which diffusers adds up. */
export function flagMayBeNull(key: string): boolean {
  return !wideKeys.includes(key);
}

/**
 * What null is read as, of a key that is no flag and has a default other than null; undefined where it is refused.
 * @param config all of it
 * @param scheduler the name of the class
 * @param fallback the default
 */
export function readNull<T>(
  key: string,
  config: Readonly<Record<string, unknown>>,
  scheduler: string,
  fallback: T,
): T | number | undefined {
  if (Object.hasOwn(unused, key) && unused[key]?.(config, scheduler)) return fallback;
  return key === 'sample_max_value' ? Infinity : undefined;
}
