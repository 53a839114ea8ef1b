/** Gradients that are no longer than a limit: one length for all of them together, so that their direction stays. */
import { mapElements } from '../tensor/arithmetic.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** √Σ g² over all numbers of all gradients, summed in double precision. */
export function globalNorm(gradients: Iterable<Tensor>): number {
  let squares = 0;
  for (const { data } of gradients) for (const value of data) squares += value * value;
  return Math.sqrt(squares);
}

/**
 * Gradients times min(1, most/(norm + 1e-6)), as `torch.nn.utils.clip_grad_norm_`.
 * @param norm of all gradients together, from `globalNorm`
 * @param most the limit, above 0
 */
export function clipped(
  gradients: ReadonlyMap<string, Tensor>,
  norm: number,
  most: number,
): ReadonlyMap<string, Tensor> {
  const factor = Math.min(1, most / (norm + 1e-6));
  if (factor === 1) return gradients;
  return new Map(
    [...gradients].map(([name, gradient]) => {
      const rounded = gradient.dtype === 'f64' ? factor : Math.fround(factor);
      return [name, mapElements(gradient, (value) => value * rounded)];
    }),
  );
}
