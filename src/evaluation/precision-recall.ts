/**
 * Improved precision and recall (Kynkäänniemi et al. 2019, arXiv 1904.06991). A set of features stands for the union of
 * balls around its points, each as large as the distance to the point's k-th neighbour.
 */
import { InputError } from '../tensor/errors.ts';
import { shapeText, type FloatArray, type Tensor } from '../tensor/tensor.ts';
import { rowsOf, tableSize } from './rows.ts';

/** Both from 0 to 1. */
export interface PrecisionRecall {
  /** The share of generated pictures that lie within the real ones: quality. */
  readonly precision: number;
  /** The share of real pictures that lie within the generated ones: coverage. */
  readonly recall: number;
}

/**
 * Precision and recall of generated pictures.
 * @param real features [N, n]
 * @param generated features [M, n]
 * @param k which neighbour sets a ball's radius
 * @throws InputError when N or M is not more than k, k is no whole number from 1 on, or the features are not as many
 */
export function precisionRecall(real: Tensor, generated: Tensor, k = 3): PrecisionRecall {
  if (!Number.isInteger(k) || k < 1) throw new InputError(`k is ${k}; it must be a whole number from 1 on`);
  if (tableSize(real)[1] !== tableSize(generated)[1]) {
    throw new InputError(
      `the real features are ${shapeText(real.shape)}, the generated ${shapeText(generated.shape)}; ` +
        'they must have as many columns',
    );
  }
  return { precision: share(insideSupport(generated, real, k)), recall: share(insideSupport(real, generated, k)) };
}

/**
 * Which points lie within the balls around the points of `support`.
 * @param points [N, n]
 * @param support [M, n]
 * @param k which neighbour sets a ball's radius
 * @throws InputError when there are not more than k points of support
 */
export function insideSupport(points: Tensor, support: Tensor, k = 3): readonly boolean[] {
  const centres = rowsOf(support);
  if (centres.length <= k)
    throw new InputError(`the ${k}-th neighbour needs more than ${k} points, but there are ${centres.length}`);
  const balls = centres.map((centre) => ({ centre, radius: neighbourDistance(centre, centres, k) }));
  return rowsOf(points).map((point) => balls.some(({ centre, radius }) => squaredDistance(point, centre) <= radius));
}

/** The share of what is true, from 0 to 1; NaN where there is nothing. */
export function share(values: readonly boolean[]): number {
  return values.filter(Boolean).length / values.length;
}

/** The squared distance of a point to its k-th nearest neighbour, itself not counted. */
function neighbourDistance(point: FloatArray, points: readonly FloatArray[], k: number): number {
  const nearest: number[] = [];
  for (const other of points) {
    if (other === point) continue;
    const distance = squaredDistance(point, other);
    if (distance >= (nearest[k - 1] ?? Infinity)) continue;
    const place = nearest.findIndex((nearer) => distance < nearer);
    nearest.splice(place < 0 ? nearest.length : place, 0, distance);
    nearest.splice(k);
  }
  return nearest[k - 1] ?? Infinity;
}

function squaredDistance(a: FloatArray, b: FloatArray): number {
  let sum = 0;
  for (let c = 0; c < a.length; c++) {
    const gap = a[c] - b[c];
    sum += gap * gap;
  }
  return sum;
}
