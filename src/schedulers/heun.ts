/** Heun's method (Karras et al. 2022, arXiv 2206.00364, algorithm 1; `diffusers.HeunDiscreteScheduler`). */
import { add, addScaled, divideBy } from '../tensor/arithmetic.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { commonBetaSchedules, readNoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config } from './options.ts';
import { predictionTypes, readClip } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { readSigmaTable } from './sigma-table.ts';
import { denoise, slope, varianceExploding } from './variance-exploding.ts';

/** Between the two calls of a step: where it began, and the slope there. */
type State = { readonly sample: Tensor; readonly slope: Tensor } | undefined;

/**
 * An Euler step to σ', then the same step again with the mean of the slopes at both ends. Second order, two calls of
 * the model a step; the last step, to σ = 0, is Euler's alone.
 */
export function heun(config: Config, steps: number): Scheduler<State> {
  const name = 'HeunDiscreteScheduler';
  const options = readOptions(config, name);
  const defaults = { start: 0.00085, end: 0.012, rescales: false };
  const schedule = readNoiseSchedule(options, [...commonBetaSchedules, 'exp'], name, defaults);
  const prediction = options.choice('prediction_type', predictionTypes, 'epsilon');
  const limit = readClip(options, false);
  const { timesteps, sigmas, initNoiseSigma } = readSigmaTable(options, schedule, steps, name, { spacing: true });
  const read = options.finish();

  // Calls 2i and 2i + 1 belong to step i: the first at its start, the second at its end.
  const sigmaAt = (index: number): number => sigmas[Math.ceil(index / 2)];
  return {
    name,
    config: read,
    timesteps: timesteps.flatMap((t, i) => (i === 0 ? [t] : [t, t])),
    initNoiseSigma,
    start: undefined,
    ...varianceExploding(prediction, sigmaAt),
    step(state, { index, modelOutput, sample }) {
      const step = Math.floor(index / 2);
      const width = sigmas[step + 1] - sigmas[step];
      const denoised = limit(denoise(prediction, sample, modelOutput, sigmaAt(index)));
      const here = slope(sample, denoised, sigmaAt(index));
      if (!state) return { state: { sample, slope: here }, denoised, sample: addScaled(sample, width, here) };
      return {
        state: undefined,
        denoised,
        sample: addScaled(state.sample, width, divideBy(add(state.slope, here), 2)),
      };
    },
  };
}
