/** The weights of a Winograd convolution, transformed in double precision and rounded once. */
import { turned, winogradTransforms, type Matrix } from '../../definition/winograd.ts';
import { keyOf } from '../../key.ts';
import type { WinogradWidth } from '../../kernels.ts';
import { f32, f64, i32, set } from '../assembler/index.ts';
import type { Body, Code, F64, Func, I32 } from '../assembler/index.ts';
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
  const matrices = [winogradTransforms[2].weight, winogradTransforms[width].weight] as const;
  return kernel(lib, `winogradWeights${keyOf(spec)}`, 2, (body) => {
    const [weight, out] = body.pointers;
    const [from, to] = body.locals('i32');
    return parallel(lib, body, outputs * channels, (unit) => [
      set(from, at(weight, i32.divU(unit, i32.const(channels)), KERNEL * of)),
      set(from, i32.add(at(from, i32.remU(unit, i32.const(channels)), KERNEL), i32.const(KERNEL * first))),
      set(to, at(out, unit, 4)),
      transform(body, matrices, { start: from, apart: 4 }, { start: to, apart: 4 * outputs * channels }),
    ]);
  });
}

/** The kernel of (thread, counters, sums [4 · (width + 2)][kernels], weights [kernels][3][3]): back from there. */
export function winogradWeightsBackKernel(lib: Library, kernels: number, width: WinogradWidth): Func {
  const matrices = [turned(winogradTransforms[2].weight), turned(winogradTransforms[width].weight)] as const;
  return kernel(lib, `winogradWeightsBack${keyOf([kernels, width])}`, 2, (body) => {
    const [sums, out] = body.pointers;
    const [from, to] = body.locals('i32');
    return parallel(lib, body, kernels, (unit) => [
      set(from, at(sums, unit, 4)),
      set(to, at(out, unit, KERNEL)),
      transform(body, matrices, { start: from, apart: 4 * kernels }, { start: to, apart: 4 }),
    ]);
  });
}

/** A small picture in memory, whose numbers lie so many bytes apart. */
interface Numbers {
  readonly start: I32;
  readonly apart: number;
}

/** Code that transforms the columns of a small picture, then its rows. */
function transform(body: Body, [down, across]: readonly [Matrix, Matrix], from: Numbers, to: Numbers): Code {
  const column = down[0].map(() => body.local('f64'));
  const row = across[0].map(() => body.local('f64'));
  return down.map((factors, i) => [
    row.map((sum, j) => [
      column.map((number, k) => set(number, f64.promote(f32.load(from.start, from.apart * (k * row.length + j))))),
      set(sum, combined(factors, column)),
    ]),
    across.map((more, j) => f32.store(to.start, f32.demote(combined(more, row)), to.apart * (i * across.length + j))),
  ]);
}

/** A row of a matrix times numbers: the terms from the left, those of a factor 0 left out. */
function combined(factors: readonly number[], terms: readonly F64[]): F64 {
  return factors
    .flatMap((factor, k) => (factor === 0 ? [] : [f64.mul(f64.const(factor), terms[k])]))
    .reduce((sum, term) => f64.add(sum, term));
}
