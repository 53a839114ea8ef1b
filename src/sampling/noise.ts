/** Where the noise of a run comes from: seeds. */
import { withMethods } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import type { Generator } from '../tensor/random.ts';
import { cast } from '../tensor/rounding.ts';
import { allocate, shapeText, sizeOf, type DType } from '../tensor/tensor.ts';
import type { NoiseSource } from '../schedulers/scheduler.ts';

/**
 * Standard normal noise as the `randn_tensor` of diffusers draws it: from one generator for all samples, or from one
 * for each, and then a sample is the same whatever it is drawn beside. Ask it for a run's first noise, [B,C,H,W], and
 * give it to the run as its `noiseSource`.
 * @param dtype of the run
 * @param drawnIn the precision of the draw, where it is another; it is then cast. f64 draws other numbers than f32
 * @throws InputError for what is no generator; the source, when it is drawn from, when there are not as many generators
 *   as samples
 */
export function noiseFrom(
  generators: Generator | readonly Generator[],
  dtype: DType,
  drawnIn: DType = dtype,
): NoiseSource {
  for (const generator of isList(generators) ? generators : [generators]) aGenerator('a generator', generator);
  if (!isList(generators)) return (shape) => cast(generators.randn(shape, drawnIn), dtype);
  return (shape) => {
    const [count = 0, ...one] = shape;
    if (generators.length !== count)
      throw new InputError(
        `noise of ${shapeText(shape)} needs ${count} generators, but ${generators.length} were given`,
      );
    const size = sizeOf(one);
    const data = allocate(dtype, sizeOf(shape));
    for (const [i, generator] of generators.entries())
      data.set(cast(generator.randn([1, ...one], drawnIn), dtype).data, i * size);
    return { dtype, shape, data };
  };
}

const aGenerator = withMethods<Generator>('one, as manualSeed(0)', 'randn');

function isList(generators: Generator | readonly Generator[]): generators is readonly Generator[] {
  return Array.isArray(generators);
}
