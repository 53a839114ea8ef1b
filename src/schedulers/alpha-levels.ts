/** Levels of a run by ᾱ from which no step leads: told when the run is created, not by its numbers. */
import { InputError } from '../tensor/errors.ts';
import type { NoiseSchedule } from './noise-schedule.ts';
import type { PredictionType } from './prediction.ts';

/** A step of a run by ᾱ. */
export interface AlphaStep {
  /** The timestep that the model is given. */
  readonly t: number;
  /** ᾱ of x_t. */
  readonly alpha: number;
  /** ᾱ' of the sample that the step leads to. */
  readonly next: number;
}

/**
 * Refuses steps that would divide by nothing: those of ε from ᾱ = 0, where x_t has nothing of x₀, those from ᾱ = 1,
 * where it has no noise, and those that lead to ᾱ' = 0.
 * @param schedule what ᾱ follow from; its settings are named
 * @param leavesPictures whether the method has a step from ᾱ = 1
 * @throws InputError that names the timestep, ᾱ, and what to change
 */
export function checkAlphas(
  scheduler: string,
  { settings }: NoiseSchedule,
  prediction: PredictionType,
  steps: readonly AlphaStep[],
  leavesPictures = false,
): void {
  for (const { t, alpha, next } of steps) {
    const refuse = (reason: string): never => {
      throw new InputError(`${scheduler}: with ${settings} ᾱ is ${alpha} at timestep ${t}, ${reason}`);
    };
    if (alpha === 0 && prediction === 'epsilon')
      refuse(
        'pure noise, of which ε says nothing; there a model predicts v or x₀ (prediction_type), or take other steps',
      );
    if (alpha === 1 && !leavesPictures)
      refuse('a picture without noise, from which no step leads; make the first β larger');
    if (next === 0) refuse('and 0 where its step leads to, in noise as before; make β smaller');
  }
}
