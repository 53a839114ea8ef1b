/** Linear maps of pictures that treat rows and columns one after the other: blurs, halving, doubling. */
import { gaussianBlurMatrix } from '../nn/gaussian.ts';
import { cast } from '../tensor/rounding.ts';
import { sizeOf, tensor, type Tensor } from '../tensor/tensor.ts';

/** A matrix, row-major. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly entries: Float64Array;
}

/**
 * down · picture · acrossᵀ for every picture, in double precision, rounded once at the end.
 * @param x [B,C,H,W]
 * @param down [H′,H]
 * @param across [W′,W]
 * @returns [B,C,H′,W′]
 */
export function separable(x: Tensor, down: Matrix, across: Matrix): Tensor {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const shape = [batch, channels, down.rows, across.rows];
  const out = new Float64Array(sizeOf(shape));
  const half = new Float64Array(height * across.rows);
  for (let picture = 0; picture < batch * channels; picture++) {
    const pixels = x.data.subarray(picture * height * width, (picture + 1) * height * width);
    for (let y = 0; y < height; y++) {
      for (let target = 0; target < across.rows; target++) {
        let sum = 0;
        for (let source = 0; source < width; source++)
          sum += across.entries[target * width + source] * pixels[y * width + source];
        half[y * across.rows + target] = sum;
      }
    }
    for (let target = 0; target < down.rows; target++) {
      for (let column = 0; column < across.rows; column++) {
        let sum = 0;
        for (let source = 0; source < height; source++)
          sum += down.entries[target * height + source] * half[source * across.rows + column];
        out[(picture * down.rows + target) * across.rows + column] = sum;
      }
    }
  }
  return cast(tensor('f64', shape, out), x.dtype);
}

/** x [B,C,H,W], blurred by a Gaussian of σ pixels that sees `window` pixels, an odd number. */
export function blurred(x: Tensor, sigma: number, window: number): Tensor {
  const [, , height, width] = x.shape as [number, number, number, number];
  const blur = (size: number): Matrix => ({
    rows: size,
    columns: size,
    entries: gaussianBlurMatrix(size, sigma, window),
  });
  return separable(x, blur(height), blur(width));
}

/** a · b. */
export function product(a: Matrix, b: Matrix): Matrix {
  const entries = new Float64Array(a.rows * b.columns);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < b.columns; j++) {
      for (let k = 0; k < a.columns; k++)
        entries[i * b.columns + j] += a.entries[i * a.columns + k] * b.entries[k * b.columns + j];
    }
  }
  return { rows: a.rows, columns: b.columns, entries };
}

/** The matrix whose row `i` is made of the given [column, weight] pairs; pairs of one column add up. */
export function matrixOf(
  rows: number,
  columns: number,
  pairsOf: (row: number) => readonly (readonly [number, number])[],
): Matrix {
  const entries = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (const [column, weight] of pairsOf(row)) entries[row * columns + column] += weight;
  }
  return { rows, columns, entries };
}
