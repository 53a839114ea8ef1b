/** One guided prediction from predictions that are data. */
import type { Pass } from '../../guidance/guidance.ts';
import type { GuidanceSubject } from '../case.ts';
import { input, type Recipe } from './recipe.ts';

/** The tap is `guided`. */
export function guidanceRecipe({ guidance: setting, timestep }: GuidanceSubject): Recipe {
  return (means) => {
    const { implementation, show } = means;
    const predictionOf = (pass: Pass, asked: readonly Pass[]) => {
      return input(means, inputOf(implementation.pass(pass, setting.pagLayers, asked)));
    };
    show(
      'guided',
      implementation.guidance(setting).guide({
        index: 0,
        count: 1,
        timestep,
        sample: input(means, 'sample'),
        signal: Math.SQRT1_2,
        noise: Math.SQRT1_2,
        memory: new Map(),
        predict: (passes) => passes.map((pass) => predictionOf(pass, passes)),
        tap: (pass) => predictionOf(pass, [pass]),
        toOriginal: (prediction) => prediction,
        originalPerPrediction: 1,
        originalPerSample: 0,
        inputPerSample: 1,
      }),
    );
  };
}

/** The input that stands for the prediction of a pass. */
function inputOf({ perturbation, condition }: Pass): string {
  if (perturbation.size > 0) return 'perturbed';
  return condition === 'null' ? 'unconditional' : 'conditional';
}
