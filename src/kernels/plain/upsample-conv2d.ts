/**
 * The convolution that follows doubling the picture, as four convolutions of the picture itself.
 *
 * Against definition/upsample-conv2d: outputs are taken apart by whether their row and column are even or odd. Those of
 * one such phase (p, q) have the same kernel of 2 × 2 sums of weights, and are a convolution:
 *
 *     out[2h + p, 2w + q] = conv2d(x, w_pq)[h, w]
 *     rows of w_0q: w₀, w₁ + w₂;   rows of w_1q: w₀ + w₁, w₂;   columns likewise
 *
 * Rows are added before columns.
 */
import { allocate, tensor, type FloatArray, type Tensor } from '../../tensor/tensor.ts';
import type { Padding } from '../kernels.ts';
import { conv2d } from './conv2d.ts';

/** The outputs whose rows are all even or all odd, and their columns as well. */
export interface Phase {
  /** 0 for the even rows of the output, 1 for the odd ones. */
  readonly row: number;
  readonly column: number;
}

/** Even rows first, and in them even columns first. */
export const phases: readonly Phase[] = [
  { row: 0, column: 0 },
  { row: 0, column: 1 },
  { row: 1, column: 0 },
  { row: 1, column: 1 },
];

/** As in definition/upsample-conv2d. */
export function upsampleConv2d(x: Tensor, weight: Tensor, bias: Tensor | undefined): Tensor {
  const { dtype } = x;
  const [batch, , height, width] = x.shape;
  const [outChannels] = weight.shape;
  const out = allocate(dtype, 4 * batch * outChannels * height * width);
  for (const phase of phases) {
    const part = conv2d(x, phaseWeight(weight, phase), bias, 1, phasePadding(phase));
    for (let row = 0; row < batch * outChannels * height; row++) {
      const to = (2 * row + phase.row) * 2 * width + phase.column;
      for (let column = 0; column < width; column++) out[to + 2 * column] = part.data[row * width + column];
    }
  }
  return tensor(dtype, [batch, outChannels, 2 * height, 2 * width], out);
}

/** Even outputs see the pixel before their own, odd ones the pixel behind it. */
function phasePadding({ row, column }: Phase): Padding {
  return { top: 1 - row, bottom: row, left: 1 - column, right: column };
}

/**
 * The kernel [O,C,2,2] of a phase. Its sums are not rounded to f16 or bf16: they are no values of the model, but part
 * of one convolution.
 */
export function phaseWeight({ dtype, shape, data }: Tensor, { row, column }: Phase): Tensor {
  const rows = folded(data, allocate(dtype, (data.length / 3) * 2), 3, row);
  return tensor(dtype, [shape[0], shape[1], 2, 2], folded(rows, allocate(dtype, (rows.length / 3) * 2), 1, column));
}

/**
 * [… , 3, inner] → [… , 2, inner]: of each three the middle one is added to the last in phase 0, to the first in phase
 * 1.
 */
function folded(threes: FloatArray, twos: FloatArray, inner: number, phase: number): FloatArray {
  for (let at = 0; at < twos.length; at += 2 * inner) {
    for (let i = at; i < at + inner; i++) {
      const from = i + at / 2;
      const [first, middle, last] = [threes[from], threes[from + inner], threes[from + 2 * inner]];
      twos[i] = phase === 0 ? first : first + middle;
      twos[i + inner] = phase === 0 ? middle + last : last;
    }
  }
  return twos;
}
