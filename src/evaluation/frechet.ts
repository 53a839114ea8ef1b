/** The Fréchet distance between two sets of features (Heusel et al. 2017, arXiv 1706.08500): FID, for any features. */
import { mustBe } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { multiplyMatrices, squareRoot, symmetricEigenvalues } from './linear-algebra.ts';
import { tableSize } from './rows.ts';

/** Mean [n] and unbiased covariance [n × n]. */
export interface Gaussian {
  readonly mean: Float64Array;
  readonly covariance: Float64Array;
}

/**
 * Mean and covariance of features.
 * @param features [N, n]
 * @throws InputError when N < 2
 */
export function fitGaussian(features: Tensor): Gaussian {
  const [count, n] = tableSize(features);
  if (count < 2) throw new InputError(`a covariance needs at least 2 samples, but there is ${count}`);
  const mean = new Float64Array(n);
  for (let s = 0; s < count; s++) for (let i = 0; i < n; i++) mean[i] += features.data[s * n + i] / count;
  const covariance = new Float64Array(n * n);
  const deviation = new Float64Array(n);
  for (let s = 0; s < count; s++) {
    for (let i = 0; i < n; i++) deviation[i] = features.data[s * n + i] - mean[i];
    for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) covariance[i * n + j] += deviation[i] * deviation[j];
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) covariance[j * n + i] = covariance[i * n + j] /= count - 1;
  }
  return { mean, covariance };
}

const aGaussian = mustBe('one, as fitGaussian(features)', (value) => {
  const { mean, covariance } = Object(value) as Partial<Gaussian>;
  return mean instanceof Float64Array && covariance instanceof Float64Array && covariance.length === mean.length ** 2;
});

/** |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁^½ Σ₂ Σ₁^½)^½). Throws an InputError when the features differ in number. */
export function frechetDistance(a: Gaussian, b: Gaussian): number {
  return frechetDistanceTo(a)(b);
}

/**
 * `frechetDistance` to one Gaussian, prepared once for many others. What it returns throws an InputError for a
 * Gaussian of another number of features.
 */
export function frechetDistanceTo(reference: Gaussian): (other: Gaussian) => number {
  aGaussian('the first Gaussian', reference);
  const n = reference.mean.length;
  const root = squareRoot(reference.covariance, n);
  return (other) => {
    aGaussian('the second Gaussian', other);
    if (other.mean.length !== n)
      throw new InputError(`Gaussians of ${n} and of ${other.mean.length} features have no distance`);
    const product = multiplyMatrices(multiplyMatrices(root, other.covariance, n), root, n);
    let distance = 0;
    for (let i = 0; i < n; i++) {
      const gap = reference.mean[i] - other.mean[i];
      distance += gap * gap + reference.covariance[i * n + i] + other.covariance[i * n + i];
    }
    for (const value of symmetricEigenvalues(product, n)) distance -= 2 * Math.sqrt(Math.max(0, value));
    return distance;
  };
}
