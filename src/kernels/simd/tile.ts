/**
 * The heart of every product here: a tile of `rows` × `vectors`·4 sums held in registers.
 *
 * It repeats the definition's inner loop  `for k: acc = fround(acc + fround(a·b))`  for all sums of the tile at once. Lanes
 * are different outputs, never parts of one sum, so each sum is added in the definition's order and has its bits.
 *
 * Per step k: `rows` numbers of A, each spread over four lanes, times `vectors` vectors of B. A 4 × 2 tile needs 8 sums,
 * 2 vectors, 4 spread numbers and 1 product: the 15 registers that V8 has to give. It issues 25 instructions for 16
 * multiplications and additions, of which the processor does three a cycle: the floating-point units never wait.
 *
 * Two habits of V8 (11 to 13) shape the loop, and are why it is not just unrolled:
 * - Within a basic block it moves loads to the front, which overflows the registers. So a branch that is never taken ends
 *   each step. Its target uses the sums, so that their additions cannot sink below it either.
 * - A spreading load has no constant offset: each distinct one costs a register. So A's pointer moves at every step.
 */
import { block, breakIf, doWhile, f32x4, i32, increase, set, tee, v128 } from './assembler.ts';
import type { Body, Code, I32, Local, V128 } from './assembler.ts';

/** The sums of a tile: [row][vector]. */
export type Accumulators = readonly (readonly Local<'v128'>[])[];

export function accumulators(body: Body, rows: number, vectors: number): Accumulators {
  return Array.from({ length: rows }, () => Array.from({ length: vectors }, () => body.local('v128')));
}

export interface TileLoop {
  readonly sums: Accumulators;
  readonly a: Local<'i32'>;
  readonly b: Local<'i32'>;
  /** Byte offset of A's number for each row. */
  readonly aRows: readonly number[];
  /** Bytes from a step's A to the next one's. */
  readonly aStep: number;
  /** Byte offset of B's vector for each column of the tile. */
  readonly bVectors: readonly number[];
  /** Byte offset of B at each step of one turn of the loop. */
  readonly bSteps: readonly number[];
  /** Bytes from a turn's B to the next one's. */
  readonly bTurn: number;
  /** Turns, at least one. It is counted down to zero. */
  readonly turns: Local<'i32'>;
  /** One rounding per step instead of two: other bits. */
  readonly fma: boolean;
}

/** sum + a · b as the definition rounds it, or fused. */
export function multiplyAdd(sum: V128, a: V128, b: V128, fma: boolean): V128 {
  return fma ? f32x4.relaxedMadd(a, b, sum) : f32x4.add(sum, f32x4.mul(a, b));
}

/** The loop over k: adds to the sums. The pointers are left after the last turn. */
export function tileLoop(body: Body, loop: TileLoop): Code {
  const { sums, a, b, turns } = loop;
  const columns = loop.bVectors.map(() => body.local('v128'));
  const number = body.local('v128');
  const steps = loop.bSteps.map((stepOffset, k) => [
    columns.map((column, j) => set(column, v128.load(b, stepOffset + loop.bVectors[j]!))),
    sums.map((row, i) => [
      set(number, v128.load32Splat(a, loop.aRows[i]!)),
      row.map((sum, j) => set(sum, multiplyAdd(sum, number, columns[j]!, loop.fma))),
    ]),
    increase(a, loop.aStep),
    // Never taken. Each compares with another number, or V8 would see that one check is enough.
    k === loop.bSteps.length - 1 ? [] : breakIf(i32.eq(turns, i32.const(-1 - k)), 1),
  ]);
  return block(doWhile([steps, increase(b, loop.bTurn)], tee(turns, i32.sub(turns, i32.const(1)))));
}

/** How many vectors wide a tile of so many rows is: enough sums in flight to hide the latency of an addition. */
export function tileWidth(rows: number): number {
  return rows >= 3 ? 2 : rows === 2 ? 4 : 8;
}

/** Stores the first `lanes` of a vector's four lanes. */
export function storeLanes(address: I32, value: Local<'v128'>, lanes: number, offset = 0): Code {
  if (lanes === 4) return v128.store(address, value, offset);
  const pair = lanes >= 2 ? v128.store64Lane(address, value, 0, offset) : [];
  const single = lanes === 1 ? v128.store32Lane(address, value, 0, offset) : lanes === 3 ? v128.store32Lane(address, value, 2, offset + 8) : [];
  return [pair, single];
}
