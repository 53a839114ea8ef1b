/** Random weights for models of any family. */
import type { Weights } from '../../src/models/model.ts';
import type { Parameter } from '../../src/nn/parameters.ts';
import { manualSeed, uniform } from '../../src/tensor/random.ts';

/** They make attention far from uniform, so that perturbing it is seen. */
export function randomWeightsOf(parameters: readonly Parameter[], seed: number): Weights {
  const generator = manualSeed(seed);
  return new Map(
    parameters.map(({ name, shape, module }) => {
      const fanIn = shape.slice(1).reduce((size, extent) => size * extent, 1);
      const size = (/to_[qk]/.test(name) ? 4 : 1.5) / Math.sqrt(fanIn);
      const around = module === 'norm' && name.endsWith('weight') ? 1 : 0;
      return [name, uniform(generator, shape, around - size / 2, around + size)];
    }),
  );
}
