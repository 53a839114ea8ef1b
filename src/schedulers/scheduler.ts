/**
 * What a scheduler is: a table of timesteps, and a step that takes the picture from one to the next. A step is a pure
 * function. What a multistep method must remember travels in `state`, a value, so a run can be repeated or branched.
 */
import { withMethods, type Check } from '../tensor/checks.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { ForwardProcess } from './level.ts';
import type { Config } from './options.ts';

/** Standard normal noise of a shape: each call draws on from where the last one ended. */
export type NoiseSource = (shape: readonly number[]) => Tensor;

/**
 * A run of a scheduler. Its methods take the number of the model call as `index`, from 0 to timesteps.length − 1; those
 * of `createScheduler` throw InputError for another, and where tensors that meet differ in shape or precision.
 */
export interface Scheduler<State = unknown> extends ForwardProcess {
  /** The name of the class in diffusers. */
  readonly name: string;
  /** The config with the defaults of all keys that were not given. */
  readonly config: Config;
  /** What is to be said of the config, of `createScheduler`: keys that the class does not have, and so ignores. */
  readonly warnings?: readonly string[];
  /** What the model is given, one number for each call of it. */
  readonly timesteps: readonly number[];
  /** The first picture is standard normal noise times this. */
  readonly initNoiseSigma: number;
  /** The state before the first step. */
  readonly start: State;
  /**
   * Whether a step wants the variance that some models predict beside the picture, as further channels of the output.
   */
  readonly readsVariance?: boolean;
  /** The model's input at call `index`, from x_t, of the same shape. */
  scaleModelInput(sample: Tensor, index: number): Tensor;
  /** From x_t, and what the model says of it, to the next x. */
  step(state: State, input: StepInput): StepResult<State>;
  /**
   * x̂₀ from what the model predicts (ε, v or x₀, as the config says) at call `index`, neither clipped nor thresholded.
   */
  predictOriginal(sample: Tensor, modelOutput: Tensor, index: number): Tensor;
}

/** What a step is given. */
export interface StepInput {
  /** The number of the model call, from 0. */
  readonly index: number;
  /** [B,C,H,W], or [B,2C,H,W] where the scheduler reads a variance and the model predicts one. */
  readonly modelOutput: Tensor;
  /** x_t, [B,C,H,W]. */
  readonly sample: Tensor;
  /** Where z comes from, of the sample's shape and precision. Not asked by a step that adds no noise. */
  readonly noise: NoiseSource;
}

/** What a step gives. */
export interface StepResult<State> {
  /** What the next step must know. */
  readonly state: State;
  /** x at the next timestep, [B,C,H,W]. */
  readonly sample: Tensor;
  /** x̂₀, what the step aims at, where the scheduler has it, [B,C,H,W]. */
  readonly denoised?: Tensor;
}

/** A scheduler, and not its config. */
export const aScheduler: Check = withMethods<Scheduler>(
  "a scheduler, as createScheduler({ _class_name: 'DDIMScheduler' }, 20)",
  'step',
  'levelAt',
  'scaleModelInput',
);
