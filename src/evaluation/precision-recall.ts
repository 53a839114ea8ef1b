/**
 * Improved precision and recall (Kynkäänniemi et al. 2019, arXiv 1904.06991). A set of features stands for the union of
 * balls around its points, each as large as the distance to the point's k-th neighbour.
 */
import type { Tensor } from '../tensor/tensor.ts';

export interface PrecisionRecall {
  /** The share of generated pictures that lie within the real ones: quality. */
  readonly precision: number;
  /** The share of real pictures that lie within the generated ones: coverage. */
  readonly recall: number;
}

/** @param real [N, n] @param generated [M, n] @param k which neighbour sets a ball's radius */
export function precisionRecall(real: Tensor, generated: Tensor, k = 3): PrecisionRecall {
  return { precision: share(insideSupport(generated, real, k)), recall: share(insideSupport(real, generated, k)) };
}

/**
 * Which points lie within the balls around the points of `support`.
 * @throws RangeError when there are not more than k points of support
 */
export function insideSupport(points: Tensor, support: Tensor, k = 3): readonly boolean[] {
  const radii = neighbourDistances(support, k);
  const [count, n] = points.shape as [number, number];
  return Array.from({ length: count }, (_, i) =>
    radii.some((radius, j) => squaredDistance(points.data, i, support.data, j, n) <= radius),
  );
}

/** The share of what is true. */
export function share(values: readonly boolean[]): number {
  return values.filter(Boolean).length / values.length;
}

/** For each point the squared distance to its k-th nearest neighbour, itself not counted. */
function neighbourDistances(points: Tensor, k: number): readonly number[] {
  const [count, n] = points.shape as [number, number];
  if (count <= k) throw new RangeError(`the ${k}-th neighbour needs more than ${k} points, but there are ${count}`);
  return Array.from({ length: count }, (_, i) => {
    const nearest: number[] = [];
    for (let j = 0; j < count; j++) {
      if (j === i) continue;
      const distance = squaredDistance(points.data, i, points.data, j, n);
      if (nearest.length === k && distance >= nearest[k - 1]) continue;
      const place = nearest.findIndex((other) => distance < other);
      nearest.splice(place < 0 ? nearest.length : place, 0, distance);
      if (nearest.length > k) nearest.pop();
    }
    return nearest[k - 1];
  });
}

function squaredDistance(a: Tensor['data'], i: number, b: Tensor['data'], j: number, n: number): number {
  let sum = 0;
  for (let c = 0; c < n; c++) {
    const gap = a[i * n + c] - b[j * n + c];
    sum += gap * gap;
  }
  return sum;
}
