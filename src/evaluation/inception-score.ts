/** The Inception Score (Salimans et al. 2016, arXiv 1606.03498): sharp decisions, evenly spread over the classes. */
import { exp, log } from '../tensor/math.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** exp(mean over x of KL(p(y|x) ‖ p(y))): from 1 to the number of classes. @param probabilities [N, classes] */
export function inceptionScore(probabilities: Tensor): number {
  const [count, classes] = probabilities.shape as [number, number];
  const p = probabilities.data;
  const marginal = new Float64Array(classes);
  for (let i = 0; i < p.length; i++) marginal[i % classes] += p[i] / count;
  let divergence = 0;
  for (let i = 0; i < p.length; i++) {
    if (p[i] > 0) divergence += (p[i] * (log(p[i]) - log(marginal[i % classes]))) / count;
  }
  return exp(divergence);
}
