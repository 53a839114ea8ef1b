/**
 * How large the errors of a Winograd convolution are. Its tiles mix pixels that lie side by side, so a small output
 * errs by what large pixels near it leave behind, be they under its kernel or not.
 */
import { winogradTransforms, type Matrix } from '../../kernels/definition/winograd.ts';
import { runLength } from '../../kernels/definition/sums.ts';
import type { Padding } from '../../kernels/kernels.ts';
import { winogradSums, winogradWeights, type TransformedWeights } from '../../kernels/plain/winograd-conv2d.ts';
import type { FloatArray, Tensor } from '../../tensor/tensor.ts';
import { productInRuns } from '../matrix/products.ts';

/** |U|, U the transformed weights of F(2×4, 3×3): of weights [O,C,3,3] of f64. */
export function winogradSizes(weight: Tensor): TransformedWeights {
  const { outChannels, places } = winogradWeights(weight, 4);
  return { outChannels, places: places.map((place) => place.map(Math.abs)) };
}

/**
 * For each output of F(2×4, 3×3) what its sums add up, from place to place as errors add up: √ Σ A² (Σ_c |U| |V|)². By
 * it and the terms of a sum, the channels, it errs as a direct one does by its own magnitude.
 * @param x [B,C,H,W] of f64
 * @param sizes those of its weights, by `winogradSizes`
 */
export function winogradMagnitude(x: Tensor, sizes: TransformedWeights, padding: Padding): FloatArray {
  const product = productInRuns(runLength);
  const squares = winogradSums(
    x,
    sizes,
    4,
    padding,
    (a, b, ...extents) => product(a, b.map(Math.abs), ...extents).map((sum) => sum * sum),
    [squared(winogradTransforms[2].output), squared(winogradTransforms[4].output)],
  );
  return squares.data.map(Math.sqrt);
}

function squared(matrix: Matrix): Matrix {
  return matrix.map((row) => row.map((factor) => factor * factor));
}
