/** What the model's output is turned into before a solver in log-SNR uses it. */
import type { Tensor } from '../tensor/tensor.ts';
import type { AlgorithmType } from './exponential-integrator.ts';
import type { NoiseLevel } from './level.ts';
import { readThreshold } from './limit.ts';
import type { Options } from './options.ts';
import { epsilonAt, originalAt, predictionTypes, type PredictionType } from './prediction.ts';

/** The values of prediction_type that these solvers have: a flow's direction too. */
const solverPredictionTypes = [...predictionTypes, 'flow_prediction'] as const;

/** What the output says of x_t at a level. All tensors are [B,C,H,W]. */
export interface SolverModel {
  /** prediction_type. */
  readonly prediction: PredictionType | 'flow_prediction';
  /** x̂₀, thresholded where the config says so. */
  original(sample: Tensor, output: Tensor, level: NoiseLevel): Tensor;
  /** ε; that of the thresholded x̂₀ where the config says so. */
  epsilon(sample: Tensor, output: Tensor, level: NoiseLevel): Tensor;
}

/** Reads prediction_type and the keys of thresholding. @throws InputError for values that are not supported */
export function readSolverModel(options: Options): SolverModel {
  const prediction = options.choice('prediction_type', solverPredictionTypes, 'epsilon');
  const threshold = readThreshold(options);
  const original = (sample: Tensor, output: Tensor, level: NoiseLevel): Tensor => {
    const denoised = originalAt(prediction, sample, output, level);
    return threshold ? threshold(denoised) : denoised;
  };
  return {
    prediction,
    original,
    epsilon(sample, output, level) {
      if (threshold || prediction === 'flow_prediction')
        return epsilonAt('sample', sample, original(sample, output, level), level);
      return epsilonAt(prediction, sample, output, level);
    },
  };
}

/** ε for the solvers of the noise, x̂₀ for those of the data (++). */
export function solverOutput(model: SolverModel, algorithm: AlgorithmType): SolverModel['original'] {
  return algorithm.endsWith('++') ? model.original : model.epsilon;
}
