/** The midpoint method in log σ, with or without ancestral noise: KDPM2 and KDPM2 ancestral. */
import { addScaled } from '../tensor/arithmetic.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { commonBetaSchedules, readNoiseSchedule } from './noise-schedule.ts';
import { readOptions, type Config } from './options.ts';
import type { Scheduler } from './scheduler.ts';
import { readSigmaTable } from './sigma-table.ts';
import { ancestralSplit, denoise, slope, varianceExploding } from './variance-exploding.ts';

/** Where a step began, between its two calls of the model. */
export type MidpointState = Tensor | undefined;

/** Two calls of the model a step: at σ and at σ_mid = √(σ σ_down). The last step, to σ = 0, is Euler's alone. */
export function midpointMethod(name: string, config: Config, steps: number, eta: number): Scheduler<MidpointState> {
  const options = readOptions(config, name);
  const schedule = readNoiseSchedule(options, commonBetaSchedules, name, {
    start: 0.00085,
    end: 0.012,
    rescales: false,
  });
  const prediction = options.choice('prediction_type', ['epsilon', 'v_prediction'], 'epsilon');
  const { timesteps, sigmas, initNoiseSigma, timestepOf } = readSigmaTable(options, schedule, steps, name, {
    spacing: true,
    kdpm2: true,
  });
  const read = options.finish();

  const splits = timesteps.map((_, i) => ancestralSplit(sigmas[i], sigmas[i + 1], eta));
  const middles = splits.map(({ down }, i) => Math.sqrt(sigmas[i] * down));
  const sigmaAt = (index: number): number => (index % 2 === 0 ? sigmas : middles)[Math.floor(index / 2)];
  return {
    name,
    config: read,
    timesteps: timesteps.flatMap((t, i) => (middles[i] > 0 ? [t, timestepOf(middles[i])] : [t])),
    initNoiseSigma,
    start: undefined,
    ...varianceExploding(prediction, sigmaAt),
    step(begin, { index, modelOutput, sample, noise }) {
      const i = Math.floor(index / 2);
      const denoised = denoise(prediction, sample, modelOutput, sigmaAt(index));
      const here = slope(sample, denoised, sigmaAt(index));
      if (!begin) return { state: sample, denoised, sample: addScaled(sample, middles[i] - sigmas[i], here) };
      const { down, up } = splits[i];
      const mean = addScaled(begin, down - sigmas[i], here);
      return { state: undefined, denoised, sample: up > 0 ? addScaled(mean, up, noise(sample.shape)) : mean };
    },
  };
}
