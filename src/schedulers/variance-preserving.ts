/**
 * What all schedulers have in common that give the model x_t = α x₀ + σ ε as it is: those with α² + σ² = 1, whose
 * variance stays that of the data, and those of a flow, α + σ = 1. x_T is standard normal noise.
 */
import { at } from '../tensor/at.ts';
import { forwardProcess, type NoiseLevel } from './level.ts';
import { originalAt, type PredictionType } from './prediction.ts';
import type { Scheduler } from './scheduler.ts';

/** What does not depend on the method. @param levels that of x_t, one for each call of the model */
export function variancePreserving(
  prediction: PredictionType | 'flow_prediction',
  levels: readonly NoiseLevel[],
): Pick<Scheduler, 'initNoiseSigma' | 'scaleModelInput' | 'levelAt' | 'addNoise' | 'predictOriginal'> {
  return {
    initNoiseSigma: 1,
    scaleModelInput: (sample) => sample,
    ...forwardProcess(levels),
    predictOriginal: (sample, output, index) => originalAt(prediction, sample, output, at(levels, index)),
  };
}
