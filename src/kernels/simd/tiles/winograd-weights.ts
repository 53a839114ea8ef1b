/** The weights of a Winograd convolution, transformed in double precision and rounded once. */
import { turned, winogradTransforms } from '../../definition/winograd.ts';
import { keyOf } from '../../key.ts';
import type { WinogradWidth } from '../../kernels.ts';
import { f32, f64, i32, set } from '../assembler/index.ts';
import type { Code, F64, Func } from '../assembler/index.ts';
import { at, kernel, type Library } from '../library.ts';
import { parallel } from '../threads/parallel.ts';

/** A weight [O,C,3,3], or one that is a part of the channels of another. */
export interface WinogradWeights {
  readonly outputs: number;
  readonly channels: number;
  readonly width: WinogradWidth;
  /** The first of the channels, of so many. */
  readonly first: number;
  readonly of: number;
}

/** Bytes of a kernel of 3 × 3. */
const KERNEL = 36;

/** The kernel of (thread, counters, weight, transformed [4 · (width + 2)][O · C]). */
export function winogradWeightsKernel(lib: Library, spec: WinogradWeights): Func {
  const { outputs, channels, width, first, of } = spec;
  const [down, across] = [winogradTransforms[2].weight, winogradTransforms[width].weight];
  const placeBytes = 4 * outputs * channels;
  return kernel(lib, `winogradWeights${keyOf(spec)}`, 2, (body) => {
    const [weight, out] = body.pointers;
    const [from, to] = body.locals('i32');
    const column = Array.from({ length: 3 }, () => body.local('f64'));
    const row = Array.from({ length: 3 }, () => body.local('f64'));
    const rowOf = (factors: readonly number[], i: number): Code => [
      row.map((sum, j) => [
        column.map((number, k) => set(number, f64.promote(f32.load(from, 4 * (3 * k + j))))),
        set(sum, combined(factors, column)),
      ]),
      across.map((more, j) => f32.store(to, f32.demote(combined(more, row)), (i * (width + 2) + j) * placeBytes)),
    ];
    return parallel(lib, body, outputs * channels, (unit) => [
      set(from, at(weight, i32.divU(unit, i32.const(channels)), KERNEL * of)),
      set(from, i32.add(at(from, i32.remU(unit, i32.const(channels)), KERNEL), i32.const(KERNEL * first))),
      set(to, at(out, unit, 4)),
      down.map(rowOf),
    ]);
  });
}

/** The kernel of (thread, counters, sums [4 · (width + 2)][kernels], weights [kernels][3][3]): back from there. */
export function winogradWeightsBackKernel(lib: Library, kernels: number, width: WinogradWidth): Func {
  const [down, across] = [winogradTransforms[2].weight, winogradTransforms[width].weight].map(turned);
  return kernel(lib, `winogradWeightsBack${keyOf([kernels, width])}`, 2, (body) => {
    const [sums, out] = body.pointers;
    const [from, to] = body.locals('i32');
    const column = down[0].map(() => body.local('f64'));
    const row = across[0].map(() => body.local('f64'));
    return parallel(lib, body, kernels, (unit) => [
      set(from, at(sums, unit, 4)),
      set(to, at(out, unit, KERNEL)),
      down.map((factors, i) => [
        row.map((sum, j) => [
          column.map((number, k) => set(number, f64.promote(f32.load(from, 4 * kernels * (k * row.length + j))))),
          set(sum, combined(factors, column)),
        ]),
        across.map((more, j) => f32.store(to, f32.demote(combined(more, row)), 4 * (3 * i + j))),
      ]),
    ]);
  });
}

/** A row of a matrix times numbers: the terms from the left, those of a factor 0 left out. */
function combined(factors: readonly number[], terms: readonly F64[]): F64 {
  return factors
    .flatMap((factor, k) => (factor === 0 ? [] : [f64.mul(f64.const(factor), terms[k])]))
    .reduce((sum, term) => f64.add(sum, term));
}
