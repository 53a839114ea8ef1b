/** The way back through one operation, on its probes. */
import { gradient, gradientName } from '../../kernels/gradients/gradient.ts';
import { sumOverAll } from '../../kernels/gradients/sums.ts';
import type { Program } from '../../kernels/kernels.ts';
import { tensorOf } from '../../kernels/kernels.ts';
import type { DerivativeSubject, Probe } from '../case.ts';
import { call, tensorsOf } from './operation.ts';
import { input, type Means, type Recipe } from './recipe.ts';

/** The gradient of each tensor of a probe is a tap, `<probe>/grad.<i>`. */
export function derivativeRecipe({ operation, probes }: DerivativeSubject): Recipe {
  return (means) => {
    for (const probe of probes) {
      const names = Array.from({ length: probe.tensors }, (_, i) => `${probe.name}/grad.${i}`);
      if (names.some(means.watches)) wayBack(means, operation, probe);
    }
  };
}

/** Of L = Σ gradient · result, whose gradient for the result is the one that is given. */
function wayBack(means: Means, operation: string, probe: Probe): void {
  const tensors = tensorsOf(means, operation, probe);
  const given = Object.fromEntries(tensors.flatMap((value, i) => (value ? [[String(i), value] as const] : [])));
  const upstream = input(means, `${probe.name}/gradient`);
  const forward: Program = (kernels, inputs) => {
    const result = call(
      kernels,
      operation,
      tensors.map((value, i) => value && tensorOf(inputs, String(i))),
      probe,
    );
    return { loss: sumOverAll(kernels, kernels.multiply(result, tensorOf(inputs, 'gradient'))) };
  };
  const names = Object.keys(given);
  const results = gradient(forward, 'loss', names)(means.implementation.kernels, { ...given, gradient: upstream });
  for (const name of names) means.show(`${probe.name}/grad.${name}`, tensorOf(results, gradientName(name)));
}
