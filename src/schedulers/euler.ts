/**
 * Euler's method (Karras et al. 2022, arXiv 2206.00364, algorithm 2 without its second order;
 * `diffusers.EulerDiscreteScheduler`).
 */
import { log } from '../tensor/math/index.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { at } from '../tensor/at.ts';
import { checkNoiseSize, churned, type Churn } from './churn.ts';
import { commonBetaSchedules, readNoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config } from './options.ts';
import { refuseSpaced, type OwnSteps } from './own-steps.ts';
import { predictionTypes } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { readSigmaTable } from './sigma-table.ts';
import { f32 } from './single.ts';
import { along, denoise, slope, varianceExploding } from './variance-exploding.ts';
import type { SchedulerEntry } from './entry.ts';

/**
 * x' = x + (σ' − σ) d,   d = (x − x̂₀)/σ. First order.
 * @param x x₀ + σ ε, like x̂₀ [B,C,H,W]
 * @param sigma σ of x, above 0
 * @param next σ' of x', from 0
 */
export function eulerStep(x: Tensor, x0: Tensor, sigma: number, next: number): Tensor {
  const d = slope(x, x0, sigma);
  return along(x, d, sigma, next);
}

/**
 * A run of Euler's method.
 * @param steps how many, from 1 to the timesteps of the training
 * @param choices timesteps or σ (these and that of the result) in place of those of the config; how much noise is added
 * @throws InputError for a config or steps that it does not support
 */
export function euler(config: Config, steps: number, choices: OwnSteps & Churn = {}): Scheduler<undefined> {
  const name = 'EulerDiscreteScheduler';
  const options = readOptions(config, name);
  const schedule = readNoiseSchedule(options, commonBetaSchedules, name);
  const prediction = options.choice('prediction_type', predictionTypes, 'epsilon', { original_sample: 'sample' });
  const isContinuous = options.choice('timestep_type', ['discrete', 'continuous'], 'discrete') === 'continuous';
  const keys = { spacing: true, ends: true, own: choices };
  const { timesteps, sigmas, initNoiseSigma } = readSigmaTable(options, schedule, steps, name, keys);
  const read = options.finish();
  const callSigmas = sigmas.slice(0, -1);
  if (choices.sChurn) checkNoiseSize(name, callSigmas, choices.sNoise);
  const takesSigma = isContinuous && prediction === 'v_prediction';
  if (takesSigma) refuseSpaced(name, choices, 'timestep_type "continuous" of a model of v');

  return {
    name,
    config: read,
    timesteps: takesSigma ? callSigmas.map((sigma) => f32(0.25 * f32(log(sigma)))) : timesteps,
    initNoiseSigma,
    start: undefined,
    ...varianceExploding(prediction, callSigmas),
    step(state, { index, modelOutput, sample, noise }) {
      const [sigma, next] = [at(sigmas, index), at(sigmas, index + 1)];
      const { x, sigma: higher } = churned(sample, sigma, choices, steps, noise);
      // A v is read at σ, at which the model was asked, as in diffusers.
      const denoised = denoise(prediction, x, modelOutput, prediction === 'epsilon' ? higher : sigma);
      return { state, denoised, sample: eulerStep(x, denoised, higher, next) };
    },
  };
}

/** What is known of it before it is created, and how it is. */
export const EulerDiscreteScheduler: SchedulerEntry = {
  name: 'EulerDiscreteScheduler',
  short: 'euler',
  summary: "Euler's method in σ; first order",
  source: 'Karras et al. 2022, arXiv 2206.00364',
  kind: 'discrete',
  own: { timesteps: true, sigmas: 'steps and end' },
  churns: true,
  create: (config, steps, choices) => euler(config, steps, choices),
};
