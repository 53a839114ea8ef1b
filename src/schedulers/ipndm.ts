/**
 * IPNDM: linear multistep along the curve of DDIM, for models of v in continuous time (Liu et al. 2022, arXiv
 * 2202.09778, as Zhang & Chen 2022, arXiv 2204.13902, improve it; `diffusers.IPNDMScheduler`).
 */
import { divideBy, scale, subtract } from '../tensor/arithmetic.ts';
import { at } from '../tensor/at.ts';
import { InputError } from '../tensor/errors.ts';
import { sin } from '../tensor/math/index.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { angleTime } from './angle-time.ts';
import { diffuse, type NoiseLevel } from './level.ts';
import { expectTrained, linspace } from './noise-schedule.ts';
import { readOptions, type Config, type Options } from './options.ts';
import { adamsBashforth } from './pndm.ts';
import { epsilonAt, originalAt } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { f32, oneMinus, root } from './single.ts';
import { variancePreserving } from './variance-preserving.ts';
import type { SchedulerEntry } from './entry.ts';

/**
 * x' = α' (x − σ ε)/α + σ' ε: DDIM's step, in which ε may be a mean of several (`adamsBashforth`).
 * @param x x_t, like ε [B,C,H,W]
 * @param from α and σ of x; an α of 0 counts as 1e-8
 * @param to α' and σ' of x'
 */
export function ipndmStep(x: Tensor, epsilon: Tensor, from: NoiseLevel, to: NoiseLevel): Tensor {
  return diffuse(divideBy(subtract(x, scale(epsilon, from.noise)), Math.max(from.signal, 1e-8)), epsilon, to);
}

/**
 * A run of `ipndmStep`. The state is the last values of ε, the latest first. At the start α is 0 and ε is x itself, so
 * that step goes to α' · 0 + σ' x, whatever the model says; as in diffusers.
 * @param steps how many, from 1
 * @throws InputError for a config or a number of steps that it does not support
 */
export function ipndm(config: Config, steps: number): Scheduler<readonly Tensor[]> {
  const name = 'IPNDMScheduler';
  const options = readOptions(config, name);
  const noises = readNoises(options, steps, name);
  const read = options.finish();

  const levels = noises.map((noise) => ({ signal: root(oneMinus(f32(noise * noise))), noise }));
  const calls = levels.slice(0, -1);
  return {
    name,
    config: read,
    timesteps: calls.map(({ signal, noise }) => angleTime(noise, signal)),
    start: [],
    ...variancePreserving('v_prediction', calls),
    step(earlier, { index, modelOutput, sample }) {
      const level = at(levels, index);
      const known = [epsilonAt('v_prediction', sample, modelOutput, level), ...earlier];
      return {
        state: known.slice(0, 3),
        denoised: originalAt('v_prediction', sample, modelOutput, level),
        sample: ipndmStep(sample, adamsBashforth(known), level, at(levels, index + 1)),
      };
    },
  };
}

/**
 * σ of each call and, last, of the result, float32: sin²(π s/2), s falling evenly from 1 to 0, or trained_betas, which
 * here are σ.
 */
function readNoises(options: Options, steps: number, name: string): readonly number[] {
  const trainTimesteps = options.count('num_train_timesteps', 1000);
  const given = options.numbers('trained_betas');
  expectTrained(name, trainTimesteps);
  if (!given) {
    return [...linspace(1, 0, steps + 1)].map((s) => {
      const sine = f32(sin(f32(f32(s * f32(Math.PI)) / 2)));
      return f32(sine * sine);
    });
  }
  const wrong = given.find((noise) => !(noise >= 0 && noise <= 1));
  if (wrong !== undefined)
    throw new InputError(`${name}: one of trained_betas is ${wrong}; here they are σ, from 0 to 1`);
  if (given.length !== steps + 1)
    throw new InputError(
      `${name}: ${steps} steps are asked for; trained_betas has ${given.length} numbers, ` +
        `which are the σ of ${given.length - 1} steps and of the result`,
    );
  return given.map(f32);
}

/** What is known of it before it is created, and how it is. */
export const IPNDMScheduler: SchedulerEntry = {
  name: 'IPNDMScheduler',
  short: 'ipndm',
  summary: 'linear multistep along the curve of DDIM, for models of v in continuous time',
  source: 'Liu et al. 2022, arXiv 2202.09778; Zhang & Chen 2022, arXiv 2204.13902',
  kind: 'continuous',
  create: (config, steps) => ipndm(config, steps),
};
