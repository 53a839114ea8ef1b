/** What a scheduler says of itself: each file of a method ends with its entry. */
import { InputError } from '../tensor/errors.ts';
import { shown } from '../tensor/shown.ts';
import type { ChoicesOfClass, SchedulerChoices } from './choices.ts';
import type { Config } from './options.ts';
import type { Scheduler } from './scheduler.ts';

/** Which models a scheduler can drive. */
export type ModelKind =
  /** Trained on √ᾱ x₀ + √(1−ᾱ) ε at whole timesteps. */
  | 'discrete'
  /** Trained with EDM's preconditioning, and given ¼ ln σ. */
  | 'edm'
  /** Trained to predict the direction of a flow. */
  | 'flow'
  /** Consistency models of x₀ + σ ε, given 250 ln σ. */
  | 'consistency'
  /** Trained to predict the score ∇ log p of x₀ + σ ε, given σ. */
  | 'score'
  /** Trained to predict v at a continuous time, (2/π) atan(σ/α). */
  | 'continuous';

/** What is known of a scheduler before it is created. */
export interface SchedulerEntry extends ChoicesOfClass {
  /** The name of its class in diffusers. */
  readonly name: string;
  /** The name on the command line. */
  readonly short: string;
  /** What it is, in a line. */
  readonly summary: string;
  /** The paper, or the code where it comes from. */
  readonly source: string;
  /** Which models it can drive. */
  readonly kind: ModelKind;
  /** Its own start, for a run that leaves out steps, where that is not the later part of the whole run. */
  readonly createLater?: (config: Config, steps: number, begin: number) => Scheduler;
  /** @throws InputError for a config, a number of steps or choices that it does not support */
  readonly create: (config: Config, steps: number, choices: SchedulerChoices) => Scheduler;
}

/**
 * What belongs to a class, by its name.
 * @throws InputError for an unknown one, with those that are known
 */
export function entryNamed<T>(entries: Readonly<Record<string, T>>, name: unknown): T {
  const entry = typeof name === 'string' && Object.hasOwn(entries, name) ? entries[name] : undefined;
  if (entry !== undefined) return entry;
  throw new InputError(
    `the scheduler ${name === undefined ? 'without a _class_name' : shown(name)} is not known; ` +
      `known are ${Object.keys(entries).join(', ')}`,
  );
}
