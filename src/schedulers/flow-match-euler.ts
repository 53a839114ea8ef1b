/**
 * Euler's method for flow matching (Lipman et al. 2022, arXiv 2210.02747; Esser et al. 2024, arXiv 2403.03206;
 * `diffusers.FlowMatchEulerDiscreteScheduler`).
 */
import { InputError } from '../tensor/errors.ts';
import { at, lastOf } from '../tensor/at.ts';
import { chosenShift, readTerminal, shiftFlow, stretchToTerminal } from './flow.ts';
import { diffuse, type NoiseLevel } from './level.ts';
import { expectTrained } from './noise-schedule.ts';
import { readOptions, type Config, type Options } from './options.ts';
import { checkTimesteps, type OwnSteps } from './own-steps.ts';
import { originalAt } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';
import { endsOf, foreignEnds, readSigmaSpacing, spaceSigmas } from './sigmas.ts';
import { f32, oneMinus } from './single.ts';
import { range } from './spacing.ts';
import { along } from './variance-exploding.ts';
import { variancePreserving } from './variance-preserving.ts';
import type { SchedulerEntry } from './entry.ts';

/** α = 1 − σ: x_σ = (1 − σ) x₀ + σ ε is a straight line. @param sigma σ, from 0 to 1 */
export function flowLevel(sigma: number): NoiseLevel {
  return { signal: 1 - sigma, noise: sigma };
}

/**
 * A run of Euler's method on the straight line of a flow: x' = x + (σ' − σ) v, which is `along` the direction
 * v = ε − x₀ that the model predicts. Sampled stochastically, x' = (1 − σ') x̂₀ + σ' z instead, which is `diffuse`.
 * @param steps how many, from 1
 * @param mu the logarithm of the shift (or the shift, if time_shift_type is linear), where the config says
 *   use_dynamic_shifting
 * @param own σ in place of even ones, or timesteps, which the model is given as they are, or both; σ, those of the
 *   timesteps too, are shifted
 * @throws InputError for a config or steps that it does not support, or a missing mu
 */
export function flowMatchEuler(config: Config, steps: number, mu?: number, own: OwnSteps = {}): Scheduler<undefined> {
  const name = 'FlowMatchEulerDiscreteScheduler';
  const options = readOptions(config, name);
  const isStochastic = options.flag('stochastic_sampling', false);
  return flowMatchRun(options, name, steps, { mu, own, isStochastic });
}

/** What a run of a flow's Euler chooses. */
export interface FlowRun {
  /** The logarithm of the shift, where it is dynamic. */
  readonly mu: number | undefined;
  /** Steps of the user's own. */
  readonly own?: OwnSteps;
  /** Whether each step goes to x̂₀ and then up again by noise. */
  readonly isStochastic: boolean;
}

/**
 * The run of `flowMatchEuler`, its other keys still to be read.
 * @param name of the scheduler
 * @throws InputError as `flowMatchEuler`
 */
export function flowMatchRun(
  options: Options,
  name: string,
  steps: number,
  { mu, own = {}, isStochastic }: FlowRun,
): Scheduler<undefined> {
  const trainTimesteps = options.count('num_train_timesteps', 1000);
  const shift = options.number('shift', 1);
  const isDynamic = options.flag('use_dynamic_shifting', false);
  const shiftType = options.choice('time_shift_type', ['exponential', 'linear'], 'exponential');
  // From these, and the size of the picture, pipelines compute mu.
  options.number('base_shift', 0.5);
  options.number('max_shift', 1.15);
  options.count('base_image_seq_len', 256);
  options.count('max_image_seq_len', 4096);
  const isInverted = options.flag('invert_sigmas', false);
  const terminal = readTerminal(options, name, steps);
  const spacing = readSigmaSpacing(options, name);
  const ends = foreignEnds(options, name, spacing);
  const read = options.finish();
  expectTrained(name, trainTimesteps);
  const factor = chosenShift(name, 'shift', shift, { isDynamic, shiftType, mu });

  // As in diffusers, a fixed shift moves the smallest σ twice: in the table of the training, and again in that of the
  // run.
  const smallest = isDynamic ? f32(1 / trainTimesteps) : shiftInSingle(f32(1 / trainTimesteps), shift);
  const flowShift = { factor, isDynamic, terminal };
  if (own.timesteps) checkTimesteps(name, own.timesteps, { most: trainTimesteps });
  const shifted =
    own.timesteps || own.sigmas
      ? ownSigmas(name, own, trainTimesteps, flowShift)
      : evenSigmas(trainTimesteps, smallest, steps, flowShift);
  const [largest, least] = endsOf(name, ends, [at(shifted, 0), lastOf(shifted)]);
  const spaced = (spacing ? spaceSigmas(spacing, largest, least, steps) : shifted).map(f32);
  const sigmas = isInverted ? [...spaced.map(oneMinus), 1] : [...spaced, 0];
  const callSigmas = sigmas.slice(0, -1);

  return {
    name,
    config: read,
    // Inverted σ leave no timesteps of the user's own, as in diffusers.
    timesteps:
      own.timesteps && !isInverted ? own.timesteps.map(f32) : callSigmas.map((sigma) => f32(sigma * trainTimesteps)),
    start: undefined,
    ...variancePreserving('flow_prediction', callSigmas.map(flowLevel)),
    step(state, { index, modelOutput, sample, noise }) {
      const [sigma, next] = [at(sigmas, index), at(sigmas, index + 1)];
      const denoised = originalAt('flow_prediction', sample, modelOutput, flowLevel(sigma));
      if (isStochastic) return { state, denoised, sample: diffuse(denoised, noise(sample.shape), flowLevel(next)) };
      return { state, denoised, sample: along(sample, modelOutput, sigma, next) };
    },
  };
}

/** How the σ of a run are moved. */
interface FlowShift {
  /** The factor of the shift. */
  readonly factor: number;
  /** Whether it is that of mu, which diffusers applies in another form. */
  readonly isDynamic: boolean;
  /** shift_terminal. */
  readonly terminal: number | undefined;
}

/** σ in even steps of the timesteps, shifted. Double precision, as in diffusers. */
function evenSigmas(
  trainTimesteps: number,
  smallest: number,
  steps: number,
  { factor, terminal }: FlowShift,
): number[] {
  const even = range(trainTimesteps, smallest * trainTimesteps, steps).map((t) =>
    shiftFlow(t / trainTimesteps, factor),
  );
  return terminal ? stretchToTerminal(even, terminal) : even;
}

/** σ of the user's own, shifted. Every operation is rounded to float32, as in diffusers. */
function ownSigmas(
  name: string,
  { timesteps, sigmas }: OwnSteps,
  trainTimesteps: number,
  { factor, isDynamic, terminal }: FlowShift,
): number[] {
  const wrong = sigmas?.find((sigma) => !(sigma >= 0 && sigma <= 1));
  if (wrong !== undefined) throw new InputError(`${name}: sigmas has ${wrong}; expected σ of a flow, from 0 to 1`);
  const given = sigmas?.map(f32) ?? (timesteps ?? []).map((t) => f32(f32(t) / trainTimesteps));
  const shifted = given.map((sigma) =>
    isDynamic ? f32(f32(factor) / f32(f32(factor) + f32(f32(1 / sigma) - 1))) : shiftInSingle(sigma, factor),
  );
  if (terminal === undefined) return shifted;
  const rests = shifted.map(oneMinus);
  const stretch = f32(lastOf(rests) / f32(1 - terminal));
  if (stretch === 0)
    throw new InputError(
      `${name}: shift_terminal = ${terminal} is to be the last σ, but that is 1 before it is stretched`,
    );
  return rests.map((rest) => oneMinus(f32(rest / stretch)));
}

/** shiftFlow, every operation rounded to float32. */
export function shiftInSingle(sigma: number, shift: number): number {
  return f32(f32(f32(shift) * sigma) / f32(1 + f32(f32(shift - 1) * sigma)));
}

/** What is known of it before it is created, and how it is. */
export const FlowMatchEulerDiscreteScheduler: SchedulerEntry = {
  name: 'FlowMatchEulerDiscreteScheduler',
  short: 'flow-match-euler',
  summary: "Euler's method for flow matching",
  source: 'Lipman et al. 2022, arXiv 2210.02747; Esser et al. 2024, arXiv 2403.03206',
  kind: 'flow',
  own: { timesteps: true, sigmas: 'steps' },
  create: (config, steps, { mu, ...own }) => flowMatchEuler(config, steps, mu, own),
};
