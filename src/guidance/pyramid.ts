/** The Laplacian pyramid (Burt & Adelson 1983): a picture as details of ever coarser scale, and the coarse rest. */
import { add, subtract } from '../tensor/arithmetic.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { reflect } from '../nn/gaussian.ts';
import { matrixOf, product, separable, type Matrix } from './separable.ts';

/**
 * The levels of x [B,C,H,W], the finest details first: each is the picture less its blurred half, doubled again; the
 * last is what remains, [B,C,H/2ⁿ⁻¹,W/2ⁿ⁻¹].
 * @throws InputError when height or width cannot be halved so often
 */
export function laplacianPyramid(x: Tensor, levels: number): readonly Tensor[] {
  const pyramid: Tensor[] = [];
  let rest = x;
  while (pyramid.length < levels - 1) {
    const coarser = halved(rest);
    pyramid.push(subtract(rest, doubled(coarser)));
    rest = coarser;
  }
  return [...pyramid, rest];
}

/** The picture that a pyramid was made of, [B,C,H,W], up to rounding. */
export function fromPyramid(pyramid: readonly Tensor[]): Tensor {
  return pyramid.reduceRight((coarser, details) => add(doubled(coarser), details));
}

/** Blurred, then the mean of every 2 × 2 pixels (`kornia.geometry.pyrdown`). */
function halved(x: Tensor): Tensor {
  const [, , height, width] = x.shape as [number, number, number, number];
  if (height % 2 !== 0 || width % 2 !== 0) {
    throw new InputError(`a picture of ${height} × ${width} cannot be halved; use fewer frequency levels`);
  }
  const halving = (size: number): Matrix => {
    const pairs = matrixOf(size / 2, size, (row) => [
      [2 * row, 0.5],
      [2 * row + 1, 0.5],
    ]);
    return product(pairs, binomialBlur(size));
  };
  return separable(x, halving(height), halving(width));
}

/** Bilinearly enlarged, then blurred (`kornia.geometry.pyrup`). */
function doubled(x: Tensor): Tensor {
  const [, , height, width] = x.shape as [number, number, number, number];
  const doubling = (size: number): Matrix => {
    const inside = (index: number): number => Math.max(0, Math.min(size - 1, index));
    const bilinear = matrixOf(2 * size, size, (row) => {
      const nearest = Math.floor(row / 2);
      const neighbour = row % 2 === 0 ? nearest - 1 : nearest + 1;
      return [
        [nearest, 0.75],
        [inside(neighbour), 0.25],
      ];
    });
    return product(binomialBlur(2 * size), bilinear);
  };
  return separable(x, doubling(height), doubling(width));
}

/** (1, 4, 6, 4, 1)/16, continued by reflection. */
function binomialBlur(size: number): Matrix {
  return matrixOf(size, size, (row) => [1, 4, 6, 4, 1].map((weight, i) => [reflect(row + i - 2, size), weight / 16]));
}
