/** Mistakes in the scheduler. */
import { addScaled, clamp, divideBy, subtract } from '../../tensor/arithmetic.ts';
import { roundTo } from '../../tensor/rounding.ts';
import { zeros, type Tensor } from '../../tensor/tensor.ts';
import type { Config } from '../../schedulers/options.ts';
import type { Scheduler, StepInput } from '../../schedulers/scheduler.ts';
import { betaSchedules, readNoiseSchedule } from '../../schedulers/noise-schedule.ts';
import { readOptions } from '../../schedulers/options.ts';
import { filled, inParts, inScheduler, inSchedule, type Fault } from './fault.ts';

/** The keys that describe β. */
const scheduleKeys = ['num_train_timesteps', 'beta_start', 'beta_end', 'beta_schedule', 'trained_betas'];

/**
 * A config whose β are those of the timestep before. That of the first is the least with which ᾱ, in float32, is below
 * 1: from 1 no step leads.
 */
function shifted(config: Config): Config {
  const options = readOptions(
    Object.fromEntries(Object.entries(config).filter(([key]) => scheduleKeys.includes(key))),
    'the scheduler',
  );
  const { betas } = readNoiseSchedule(options, betaSchedules, 'the scheduler');
  return { trained_betas: [2 ** -24, ...betas.slice(0, -1)] };
}

const flipped =
  (key: string, otherwise: boolean) =>
  (config: Config): Config => ({ [key]: !(config[key] ?? otherwise) });
const isClass = (config: Config, name: string): boolean => config['_class_name'] === name;

const words = { bf16: 'bfloat16', f16: 'float16' } as const;

/** Mistakes in the table of a scheduler and in its steps. */
export const schedulerFaults: readonly Fault[] = [
  inSchedule('alphas-of-previous-timestep', 'use ᾱ of t − 1 where that of t is meant', shifted),
  inSchedule('beta-scaled-linear', 'let √β grow linearly where β does', (config) =>
    (config['beta_schedule'] ?? 'linear') === 'linear' ? { beta_schedule: 'scaled_linear' } : {},
  ),
  inSchedule('beta-linear', 'let β grow linearly where the config says otherwise', () => ({ beta_schedule: 'linear' })),
  inSchedule('spacing-leading', 'space the timesteps "leading" where the config says otherwise', () => ({
    timestep_spacing: 'leading',
  })),
  inSchedule('spacing-trailing', 'space the timesteps "trailing" where the config says otherwise', () => ({
    timestep_spacing: 'trailing',
  })),
  inSchedule('spacing-linspace', 'space the timesteps "linspace" where the config says otherwise', () => ({
    timestep_spacing: 'linspace',
  })),
  inSchedule('steps-offset', 'move the timesteps by one (steps_offset)', (config) => ({
    steps_offset: config['steps_offset'] === 1 ? 0 : 1,
  })),
  inSchedule('final-alpha', 'use the other ᾱ after the last step (set_alpha_to_one)', (config) =>
    isClass(config, 'DDIMScheduler') ? flipped('set_alpha_to_one', true)(config) : {},
  ),
  inSchedule('clip-missing', 'do not clip x̂₀ (clip_sample)', (config) =>
    config['clip_sample'] === false || !/DDIM|DDPM/.test(String(config['_class_name'])) ? {} : { clip_sample: false },
  ),
  inSchedule('clip-added', 'clip x̂₀ where the config says clip_sample: false', (config) =>
    config['clip_sample'] === false ? { clip_sample: true } : {},
  ),
  inSchedule('thresholding-missing', 'leave out dynamic thresholding', (config) =>
    config['thresholding'] === true ? { thresholding: false } : {},
  ),
  inSchedule('prediction-is-epsilon', 'take the model for one of ε where the config says otherwise', () => ({
    prediction_type: 'epsilon',
  })),
  inSchedule('prediction-is-v', 'take the model for one of v where the config says otherwise', () => ({
    prediction_type: 'v_prediction',
  })),
  inSchedule('variance-large', 'use β as the variance of DDPM where β̃ is meant', (config) =>
    isClass(config, 'DDPMScheduler') && config['variance_type'] === undefined ? { variance_type: 'fixed_large' } : {},
  ),
  inSchedule('variance-small', 'use β̃ as the variance of DDPM where the config says otherwise', (config) =>
    isClass(config, 'DDPMScheduler') ? { variance_type: 'fixed_small' } : {},
  ),
  inSchedule('solver-first-order', 'take steps of first order where the solver is of second', (config) =>
    /DPMSolver|UniPC/.test(String(config['_class_name'])) ? { solver_order: 1 } : {},
  ),
  inSchedule('sigmas-without-karras', "use the model's own σ where Karras' are meant", (config) =>
    config['use_karras_sigmas'] === true ? { use_karras_sigmas: false } : {},
  ),
  inParts('eta-ignored', 'add no noise where η > 0', (one) => ({
    scheduler: (config, steps, choices) => one.scheduler(config, steps, { ...choices, eta: 0 }),
  })),
  inScheduler('noise-missing', 'add no noise in the steps', ({ step }) => ({
    step: (state, input) =>
      step(state, {
        ...input,
        noise: (...asked) => ({ ...input.noise(...asked), data: input.noise(...asked).data.map(() => 0) }),
      }),
  })),
  inScheduler('add-noise-swapped', 'swap √ᾱ and √(1 − ᾱ) when adding noise', ({ addNoise }) => ({
    addNoise: (original, noise, index) => addNoise(noise, original, index),
  })),
  inScheduler(
    'initial-sigma-missing',
    'start from noise of size 1 where the scheduler starts from its first σ',
    () => ({ initNoiseSigma: 1 }),
  ),
  inScheduler('input-not-scaled', "do not divide the model's input by √(σ² + 1)", () => ({
    scaleModelInput: (sample) => sample,
  })),
  inScheduler('noise-by-variance', 'add noise of size σ² where σ is meant', (scheduler) => ({
    step(state, given) {
      const sizes = noiseSizes(scheduler, state, given);
      const scaled: typeof given.noise = (shape) => {
        const z = given.noise(shape);
        return { ...z, data: z.data.map((value, i) => value * sizes[i]) };
      };
      return scheduler.step(state, { ...given, noise: scaled });
    },
  })),
  inParts('noise-of-next-step', 'take the noise of the next step: one draw too many', () => ({
    noiseStep: (index, steps) => Math.min(index + 1, steps - 1),
  })),
  inScheduler('last-step-clamped', 'clamp the last picture to [−1, 1], where it is left as it is', (scheduler) => ({
    step(state, given) {
      const result = scheduler.step(state, given);
      const isLast = given.index === scheduler.timesteps.length - 1;
      return isLast ? { ...result, sample: clamp(result.sample, -1, 1) } : result;
    },
  })),
  inParts(
    'epsilon-after-clipping',
    "compute ε anew from the clipped x̂₀ (use_clipped_model_output), where the model's own is meant",
    (one) => ({
      scheduler(config, steps, choices) {
        const scheduler = one.scheduler(config, steps, choices);
        const isPlain = scheduler.name === 'DDIMScheduler' && !choices.eta;
        const { prediction_type: prediction, timestep_spacing: spacing } = scheduler.config;
        return isPlain && prediction === 'epsilon' && spacing === 'leading' ? recomputing(scheduler) : scheduler;
      },
    }),
  ),
  ...(['bf16', 'f16'] as const).flatMap((dtype) => [
    inSchedule(`alphas-in-${words[dtype]}`, `hold ᾱ in ${words[dtype]}`, (config) => roundedAlphas(config, dtype)),
    inScheduler(`state-in-${words[dtype]}`, `hold x in ${words[dtype]} from step to step`, (scheduler) => ({
      step(state, given) {
        const result = scheduler.step(state, given);
        return { ...result, sample: { ...result.sample, data: result.sample.data.map((x) => roundTo(dtype, x)) } };
      },
    })),
  ]),
];

/** σ of a step, for each number: what noise of ones adds. Zeros where the step adds none. */
function noiseSizes(scheduler: Scheduler, state: unknown, given: StepInput): Tensor['data'] {
  const [none, ones] = [0, 1].map(
    (value) =>
      scheduler.step(state, { ...given, noise: (shape) => filled(zerosLike(given.sample, shape), () => value) }).sample,
  );
  return subtract(ones, none).data;
}

function zerosLike({ dtype }: Tensor, shape: readonly number[]): Tensor {
  return zeros(dtype, shape);
}

/** A config whose ᾱ are rounded. */
function roundedAlphas(config: Config, dtype: 'bf16' | 'f16'): Config {
  const options = readOptions(
    Object.fromEntries(Object.entries(config).filter(([key]) => scheduleKeys.includes(key))),
    'the scheduler',
  );
  const { alphasCumprod } = readNoiseSchedule(options, betaSchedules, 'the scheduler');
  const rounded = Array.from(alphasCumprod, (alpha) => roundTo(dtype, alpha));
  return { trained_betas: rounded.map((alpha, t) => Math.max(0, 1 - alpha / (rounded[t - 1] ?? 1))) };
}

/** DDIM whose direction is that of the ε that belongs to the clipped x̂₀: x' = √ᾱ' x̂₀ + √(1 − ᾱ') ε. */
function recomputing(scheduler: Scheduler): Scheduler {
  return {
    ...scheduler,
    step(state, given) {
      const result = scheduler.step(state, given);
      const { denoised } = result;
      // After the last step ᾱ' is 1, and there is no direction.
      if (!denoised || given.index === scheduler.timesteps.length - 1) return result;
      const { signal, noise } = scheduler.levelAt(given.index);
      const epsilon = divideBy(addScaled(given.sample, -signal, denoised), noise);
      const turned = subtract(epsilon, given.modelOutput);
      return { ...result, sample: addScaled(result.sample, scheduler.levelAt(given.index + 1).noise, turned) };
    },
  };
}
