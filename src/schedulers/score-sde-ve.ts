/**
 * Score-based models of the variance-exploding SDE, predictor and corrector (Song et al. 2021, arXiv 2011.13456;
 * `diffusers.ScoreSdeVeScheduler`). The model says s = ∇ log p(x), which is −ε/σ.
 */
import { add, addScaled, norm, scale } from '../tensor/arithmetic.ts';
import { at } from '../tensor/at.ts';
import { InputError } from '../tensor/errors.ts';
import { exp, log, pow } from '../tensor/math/index.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { forwardProcess } from './level.ts';
import { expectTrained, linspace } from './noise-schedule.ts';
import { readOptions, type Config, type Options } from './options.ts';
import type { Scheduler } from './scheduler.ts';
import { f32 } from './single.ts';
import type { SchedulerEntry } from './entry.ts';

/**
 * x' = x + (σ² − σ'²) s + √(σ² − σ'²) z   (arXiv 2011.13456, algorithm 2, the predictor).
 * @param x x₀ + σ ε, like s and z [B,C,H,W]
 * @param sigma σ of x
 * @param next σ' of x', from 0 to σ
 * @param z standard normal; not given in the last step, which ends at the mean
 */
export function reverseDiffusionStep(x: Tensor, score: Tensor, sigma: number, next: number, z?: Tensor): Tensor {
  const variance = sigma ** 2 - next ** 2;
  const mean = addScaled(x, variance, score);
  return z ? addScaled(mean, Math.sqrt(variance), z) : mean;
}

/**
 * x' = x + κ s + √(2κ) z,   κ = 2 (r ‖z‖/‖s‖)²   (arXiv 2011.13456, algorithm 4, the corrector): Langevin's dynamics at
 * one level. Where s is 0, κ is 0.
 * @param x like s and z [B,C,H,W]
 * @param ratio r, the ratio of signal to noise, from 0
 * @param z standard normal
 */
export function langevinStep(x: Tensor, score: Tensor, z: Tensor, ratio: number): Tensor {
  const noises = norm(z);
  const sizes = norm(score).map((size, i) => (size > 0 ? 2 * ((ratio * at(noises, i)) / size) ** 2 : 0));
  return add(
    add(x, scale(score, sizes)),
    scale(
      z,
      sizes.map((size) => Math.sqrt(2 * size)),
    ),
  );
}

/**
 * A run of corrections, each `langevinStep`, and `reverseDiffusionStep`; correct_steps + 1 calls of the model a step. A
 * correction is of each picture by itself; diffusers takes the mean of the norms over the batch, so that a picture
 * depends on its neighbours. The last step ends at the mean, as diffusers' pipeline does.
 * @param steps how many, from 1
 * @throws InputError for a config that it does not support
 */
export function scoreSdeVe(config: Config, steps: number): Scheduler<undefined> {
  const name = 'ScoreSdeVeScheduler';
  const options = readOptions(config, name);
  const { least, most, end, ratio } = readKeys(options, name);
  const callsPerStep = options.count('correct_steps', 1) + 1;
  const read = options.finish();
  if (steps * callsPerStep > 1e7)
    throw new InputError(`${name}: correct_steps is ${callsPerStep - 1}; ${steps} steps would be too many calls`);

  const times = [...linspace(1, end, steps)];
  const discrete = [...linspace(log(least), log(most), steps)].map((value) => f32(exp(value)));
  const moves = times.map((t) => {
    const place = Math.trunc(f32(t * (steps - 1)));
    return { sigma: at(discrete, place), next: place === 0 ? 0 : at(discrete, place - 1) };
  });
  /** σ that the model is given. */
  const sigmas = times
    .map((t) => f32(f32(least) * f32(pow(f32(most / least), t))))
    .flatMap((sigma) => Array.from({ length: callsPerStep }, () => sigma));
  const original = (x: Tensor, score: Tensor, index: number): Tensor => addScaled(x, at(sigmas, index) ** 2, score);
  return {
    name,
    config: read,
    timesteps: sigmas,
    initNoiseSigma: most,
    start: undefined,
    scaleModelInput: (sample) => sample,
    ...forwardProcess(sigmas.map((sigma) => ({ signal: 1, noise: sigma }))),
    predictOriginal: original,
    step(state, { index, modelOutput: score, sample, noise }) {
      const denoised = original(sample, score, index);
      if ((index + 1) % callsPerStep !== 0)
        return { state, denoised, sample: langevinStep(sample, score, noise(sample.shape), ratio) };
      const { sigma, next } = at(moves, Math.floor(index / callsPerStep));
      const z = index === sigmas.length - 1 ? undefined : noise(sample.shape);
      return { state, denoised, sample: reverseDiffusionStep(sample, score, sigma, next, z) };
    },
  };
}

/** Reads the keys of σ and of time. @throws InputError for values beyond their range */
function readKeys(options: Options, name: string) {
  const trainTimesteps = options.count('num_train_timesteps', 2000);
  const ratio = options.number('snr', 0.15);
  const least = options.number('sigma_min', 0.01);
  const most = options.number('sigma_max', 1348);
  const end = options.number('sampling_eps', 1e-5);
  expectTrained(name, trainTimesteps);
  if (!(ratio >= 0 && f32(2 * ratio ** 2) < Infinity))
    throw new InputError(`${name}: snr is ${ratio}; expected a number from 0, its square finite`);
  if (!(f32(least) > 0 && most > least && f32(most * most) < Infinity && f32(most / least) < Infinity))
    throw new InputError(
      `${name}: sigma_min = ${least} and sigma_max = ${most}; expected 0 < sigma_min < sigma_max, ` +
        'with finite squares and a finite quotient',
    );
  if (!(end >= 0 && end < 1)) throw new InputError(`${name}: sampling_eps is ${end}; expected a time from 0 to 1`);
  return { least, most, end, ratio };
}

/** What is known of it before it is created, and how it is. */
export const ScoreSdeVeScheduler: SchedulerEntry = {
  name: 'ScoreSdeVeScheduler',
  short: 'sde-ve',
  summary: 'for models of the score: Langevin corrections, then a step of the reverse SDE',
  source: 'Song et al. 2021, arXiv 2011.13456, algorithms 2 and 4',
  kind: 'score',
  create: (config, steps) => scoreSdeVe(config, steps),
};
