/**
 * The heart of every product here: a tile of `rows` × `vectors`·4 sums held in registers.
 *
 * It repeats the definition's inner loop  `for k: acc = fround(acc + fround(a·b))`  for all sums of the tile at once. Lanes
 * are different outputs, never parts of one sum, so each sum is added in the definition's order and has its bits.
 *
 * Per step k: `rows` numbers of A, each spread over four lanes, times `vectors` vectors of B. All addresses within the
 * loop are two pointers plus constants, so that an x86 engine needs no address arithmetic: two thirds of the issue
 * slots are left to the multiplications and additions, which the three floating-point ports can just keep up with.
 */
import { block, breakIf, doWhile, f32x4, i32, increase, set, tee, v128 } from './assembler.ts';
import type { Body, Code, Expr, Local, V128 } from './assembler.ts';

/** Constant byte offsets of one step: A's number for each row, B's vector for each column of the tile. */
export interface TileStep {
  readonly a: readonly number[];
  readonly b: readonly number[];
}

export type Accumulators = readonly (readonly Local<'v128'>[])[];

/** Accumulators [rows][vectors]. */
export function accumulators(body: Body, rows: number, vectors: number): Accumulators {
  return Array.from({ length: rows }, () => Array.from({ length: vectors }, () => body.local('v128')));
}

export interface TileLoop {
  readonly sums: Accumulators;
  /** The steps of one turn of the loop. */
  readonly steps: readonly TileStep[];
  readonly a: Local<'i32'>;
  readonly b: Local<'i32'>;
  /** Bytes by which the pointers move after every turn. */
  readonly aAdvance: number;
  readonly bAdvance: number;
  /** Turns; at least one. Counts down to zero. */
  readonly turns: Local<'i32'>;
  /** One rounding per step instead of two: other bits. */
  readonly fma: boolean;
}

/** a · b + sum as the definition rounds it, or fused. */
export function multiplyAdd(sum: Expr<'v128'>, a: V128, b: V128, fma: boolean): V128 {
  return fma ? f32x4.relaxedMadd(a, b, sum) : f32x4.add(sum, f32x4.mul(a, b));
}

/** The loop over k. Leaves the sums in the accumulators, the pointers after the last turn. */
export function tileLoop(body: Body, loop: TileLoop): Code {
  const { sums, a, b, turns } = loop;
  const columns = sums[0]!.map(() => body.local('v128'));
  const number = body.local('v128');
  const steps = loop.steps.map((step, k) => [
    columns.map((column, j) => set(column, v128.load(b, step.b[j]!))),
    sums.map((row, i) => [
      set(number, v128.load32Splat(a, step.a[i]!)),
      row.map((sum, j) => set(sum, multiplyAdd(sum, number, columns[j]!, loop.fma))),
    ]),
    increase(a, loop.aAdvance),
    k === loop.steps.length - 1 ? [] : breakIf(i32.eq(turns, i32.const(-1 - k)), 1),
  ]);
  return block(doWhile([steps, increase(b, loop.bAdvance)], tee(turns, i32.sub(turns, i32.const(1)))));
}
