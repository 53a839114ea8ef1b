/** The midpoint method in log σ, with or without ancestral noise: KDPM2 and KDPM2 ancestral. */
import type { Tensor } from '../tensor/tensor.ts';
import { at } from '../tensor/at.ts';
import { commonBetaSchedules, readNoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config } from './options.ts';
import type { Scheduler } from './scheduler.ts';
import { readSigmaTable } from './sigma-table.ts';
import { checkFalling } from './sigmas.ts';
import {
  along,
  ancestralSplit,
  ancestralStep,
  denoise,
  slope,
  varianceExploding,
  type AncestralSplit,
} from './variance-exploding.ts';

/** σ_mid = √(σ σ_down): half way in log σ (k-diffusion's `sample_dpm_2`). */
export function middleSigma(sigma: number, { down }: AncestralSplit): number {
  return Math.sqrt(sigma * down);
}

/** Where a step began, between its two calls of the model. */
export type MidpointState = Tensor | undefined;

/**
 * A run of the midpoint method. A step calls the model at σ, goes `along` the slope there to σ_mid, calls the model
 * again, and takes the whole step with the slope found there: `ancestralStep`. Second order. A step down to σ = 0, as
 * the last one, has no middle in log σ: it is Euler's.
 * @param name of the scheduler
 * @param steps how many, from 1 to the timesteps of the training
 * @param eta η, from 0: 0 for no noise, 1 for as much as the SDE has
 * @throws InputError for a config or a number of steps that it does not support
 */
export function midpointMethod(name: string, config: Config, steps: number, eta: number): Scheduler<MidpointState> {
  const options = readOptions(config, name);
  const defaults = { start: 0.00085, end: 0.012, rescales: false };
  const schedule = readNoiseSchedule(options, commonBetaSchedules, name, defaults);
  const prediction = options.choice('prediction_type', ['epsilon', 'v_prediction'], 'epsilon');
  const keys = { spacing: true, kdpm2: true };
  const { timesteps, sigmas, initNoiseSigma, timestepOf, cause } = readSigmaTable(options, schedule, steps, name, keys);
  const read = options.finish();
  if (eta > 0) checkFalling(name, sigmas, cause);

  const parts = timesteps.map((t, i) => {
    const sigma = at(sigmas, i);
    const split = ancestralSplit(sigma, at(sigmas, i + 1), eta);
    return { t, sigma, split, middle: middleSigma(sigma, split) };
  });
  const calls = parts.flatMap((part) => [
    { t: part.t, sigma: part.sigma, part },
    ...(part.middle > 0 ? [{ t: timestepOf(part.middle), sigma: part.middle, part }] : []),
  ]);
  const callSigmas = calls.map((call) => call.sigma);
  return {
    name,
    config: read,
    timesteps: calls.map(({ t }) => t),
    initNoiseSigma,
    start: undefined,
    ...varianceExploding(prediction, callSigmas),
    step(begin, { index, modelOutput, sample, noise }) {
      const { sigma: here, part } = at(calls, index);
      const { sigma, split, middle } = part;
      const denoised = denoise(prediction, sample, modelOutput, here);
      const d = slope(sample, denoised, here);
      if (!begin && middle > 0) return { state: sample, denoised, sample: along(sample, d, sigma, middle) };
      const z = split.up > 0 ? noise(sample.shape) : undefined;
      return { state: undefined, denoised, sample: ancestralStep(begin ?? sample, d, sigma, split, z) };
    },
  };
}
