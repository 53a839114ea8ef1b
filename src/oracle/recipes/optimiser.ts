/** Steps of AdamW, with gradients that are data: clipping, the step itself, and the running average. */
import { zeros, type Tensor } from '../../tensor/tensor.ts';
import type { Moments } from '../../training/adamw.ts';
import type { OptimiserSubject } from '../case.ts';
import { entryOf } from '../lookup.ts';
import { input, type Recipe } from './recipe.ts';

/** The taps are those of every step. */
export function optimiserRecipe(subject: OptimiserSubject): Recipe {
  const { parameters: names, steps, maxGradNorm, emaDecay } = subject;
  const { learningRate, beta1, beta2, eps, weightDecay } = subject;
  const options = { learningRate, beta1, beta2, eps, weightDecay };
  return (means) => {
    const { implementation, show } = means;
    const initial = (name: string): Tensor => input(means, name);
    let parameters = new Map(names.map((name) => [name, initial(name)]));
    let averages = parameters;
    let moments = new Map<string, Moments>(
      names.map((name) => {
        const nothing = zeros(initial(name).dtype, initial(name).shape);
        return [name, { expAvg: nothing, expAvgSq: nothing }];
      }),
    );
    for (let i = 0; i < steps; i++) {
      const given = new Map(names.map((name) => [name, input(means, `step.${i}.gradient.${name}`)]));
      const gradients = new Map(
        [...implementation.clipGradients(given, maxGradNorm)].map(([name, value]) => [
          name,
          show(`step.${i}.clipped.${name}`, value),
        ]),
      );
      const moved = names.map((name) => {
        const before = entryOf(parameters, name);
        const step = implementation.adamw(before, entryOf(gradients, name), entryOf(moments, name), i + 1, options);
        const parameter = show(`step.${i}.${name}`, step.parameter);
        const average = implementation.average(entryOf(averages, name), parameter, emaDecay, before);
        return { name, parameter, moments: step.moments, average: show(`step.${i}.average.${name}`, average) };
      });
      parameters = new Map(moved.map(({ name, parameter }) => [name, parameter]));
      averages = new Map(moved.map(({ name, average }) => [name, average]));
      moments = new Map(moved.map((one) => [one.name, one.moments]));
    }
  };
}
