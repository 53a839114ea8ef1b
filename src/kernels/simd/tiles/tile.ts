/**
 * The heart of every product here: a tile of `rows` × `vectors`·4 sums held in registers.
 *
 * It repeats definition/sums for all sums of the tile at once: `for k of a run: sum = fround(sum + fround(a·b))`, then
 * `total = fround(total + sum)`. Lanes are different outputs, never parts of one sum, so each sum is added in the
 * definition's order and has its bits.
 *
 * Per step k: one number of A per row, spread over four lanes, times `vectors` vectors of B. A 4 × 2 tile needs 8 sums,
 * 2 vectors, 4 spread numbers and 1 product: the 15 registers that V8 has to give.
 *
 * Two habits of V8 shape the loop, and are why it is not just unrolled:
 * - Within a basic block it (11, in Node 20) moves loads to the front, which overflows the registers. So a branch that
 *   is never taken ends each step. Its target uses the sums, so that their additions cannot sink below it either.
 * - A spreading load has no constant offset: each distinct one costs a register. So A's pointer moves, where it can.
 */
import { block, breakIf, doWhile, f32x4, i32, increase, set, tee, v128, when } from '../assembler/index.ts';
import type { Body, Code, I32, Local, V128 } from '../assembler/index.ts';
import { divisorUpTo, greatestCommonDivisor } from '../division.ts';
import type { Panel } from '../library.ts';

/** The sums of a tile, four in each vector: [row][vector]. */
export type Accumulators = readonly (readonly Local<'v128'>[])[];

/** Sums of a tile, of so many rows and vectors. */
export function accumulators(body: Body, rows: number, vectors: number): Accumulators {
  return Array.from({ length: rows }, () => Array.from({ length: vectors }, () => body.local('v128')));
}

/** A step of k, in A. */
export interface AStep {
  /** Byte offset of the number for each row, from where A's pointer stands. */
  readonly numbers: readonly number[];
  /** Bytes that the pointer moves on after the step. */
  readonly move: number;
}

/** `count` steps that find their numbers at the same offsets, each `move` bytes after the one before. */
export function evenSteps(count: number, numbers: readonly number[], move: number): readonly AStep[] {
  return Array.from({ length: count }, () => ({ numbers, move }));
}

/** A run of a tile's sums. */
export interface TileRun {
  readonly a: Local<'i32'>;
  readonly b: Local<'i32'>;
  /** The numbers of A at each step of one turn of the loop. */
  readonly aSteps: readonly AStep[];
  /** Byte offset of B's vector for each column of the tile. */
  readonly bVectors: readonly number[];
  /** Byte offset of B at each step of one turn of the loop. */
  readonly bSteps: readonly number[];
  /** Bytes from a turn's B to the next one's. */
  readonly bTurn: number;
  /** One rounding per step instead of two: other bits. */
  readonly fma: boolean;
  /** Other work, some of it behind each step of a turn. */
  readonly beside?: (step: number) => Code;
}

/** All runs of a tile's sums. */
export interface TileSum extends TileRun {
  /** Turns in all, and of one run. */
  readonly turns: number;
  readonly turnsPerRun: number;
}

/** sum + a · b as the definition rounds it, or fused. */
function multiplyAdd(sum: V128, a: V128, b: V128, fma: boolean): V128 {
  return fma ? f32x4.relaxedMadd(a, b, sum) : f32x4.add(sum, f32x4.mul(a, b));
}

/** One run: adds its products to the sums. `turns` is counted down to zero, the pointers move on. */
export function tileRun(body: Body, tile: TileRun, sums: Accumulators, turns: Local<'i32'>): Code {
  const { a, b, aSteps, bSteps, bVectors } = tile;
  const columns = bVectors.map(() => body.local('v128'));
  // What the step before has spread stays in its register: neighbouring taps of a convolution see almost the same
  // pixels.
  let before = new Map<number, Local<'v128'>>();
  // Never taken. Each compares with another number, or V8 would see that one check is enough.
  let checks = 0;
  const neverTaken = (): Code => breakIf(i32.eq(turns, i32.const(--checks)), 1);
  const steps = aSteps.map(({ numbers, move }, k) => {
    const known = before;
    const spread = numbers.map((offset) => known.get(offset) ?? body.local('v128'));
    const products = sums.map((row, i) => [
      known.has(numbers[i]) ? [] : set(spread[i], v128.load32Splat(a, numbers[i])),
      row.map((sum, j) => set(sum, multiplyAdd(sum, spread[i], columns[j], tile.fma))),
    ]);
    before = new Map(numbers.map((offset, i) => [offset - move, spread[i]]));
    return [
      columns.map((column, j) => set(column, v128.load(b, bSteps[k] + bVectors[j]))),
      products,
      tile.beside ? [neverTaken(), tile.beside(k)] : [],
      move === 0 ? [] : increase(a, move),
      k === aSteps.length - 1 ? [] : neverTaken(),
    ];
  });
  return block(doWhile([steps, increase(b, tile.bTurn)], tee(turns, i32.sub(turns, i32.const(1)))));
}

/**
 * The whole sum over k, run by run: `code` computes `sums`. The totals wait in memory while a run has the registers.
 * (A run is never −0, so the first can be taken for +0 plus itself.)
 */
export function tileSum(body: Body, tile: TileSum): { readonly code: Code; readonly sums: Accumulators } {
  const rows = tile.aSteps[0].numbers.length;
  const sums = accumulators(body, rows, tile.bVectors.length);
  const turns = body.local('i32');
  if (tile.turns <= tile.turnsPerRun) {
    return { code: [set(turns, i32.const(tile.turns)), tileRun(body, tile, sums, turns)], sums };
  }
  const totals = accumulators(body, rows, tile.bVectors.length);
  const left = body.local('i32');
  const code = [
    totals.flat().map((total) => set(total, f32x4.const(0))),
    set(left, i32.const(tile.turns)),
    doWhile(
      [
        set(turns, i32.const(tile.turnsPerRun)),
        when(i32.ltS(left, turns), set(turns, left)),
        sums.flat().map((sum) => set(sum, f32x4.const(0))),
        set(left, i32.sub(left, turns)),
        tileRun(body, tile, sums, turns),
        totals.map((row, i) => row.map((total, j) => set(total, f32x4.add(total, sums[i][j])))),
      ],
      left,
    ),
  ];
  return { code, sums: totals };
}

/**
 * One more run, of `turns` turns, of a sum whose totals are in memory at `totals`, row by row and vector by vector; or
 * the first one. (A run is never −0, so the first can be taken for +0 plus itself.)
 */
export function addRun(body: Body, tile: TileRun, turns: number, totals: I32, first: boolean): Code {
  const sums = accumulators(body, tile.aSteps[0].numbers.length, tile.bVectors.length);
  const left = body.local('i32');
  return [
    set(left, i32.const(turns)),
    sums.flat().map((sum) => set(sum, f32x4.const(0))),
    tileRun(body, tile, sums, left),
    // All stores come last: an engine that joins neighbouring vectors begins with stores side by side, and carries no
    // load over one.
    first ? [] : sums.flat().map((sum, i) => set(sum, f32x4.add(v128.load(totals, 16 * i), sum))),
    sums.flat().map((sum, i) => v128.store(totals, sum, 16 * i)),
  ];
}

/** The sums whose totals are in memory. */
export function loadTotals(
  body: Body,
  rows: number,
  vectors: number,
  totals: I32,
): { readonly code: Code; readonly sums: Accumulators } {
  const sums = accumulators(body, rows, vectors);
  return { code: sums.flat().map((sum, i) => set(sum, v128.load(totals, 16 * i))), sums };
}

/**
 * Steps of k of one turn of the loop: at most `most`, and such that turns make up runs of `run` steps and the whole of
 * `k`.
 */
export function stepsPerTurn(k: number, run: number, most: number): number {
  const unit = k <= run ? k : greatestCommonDivisor(k, run);
  return divisorUpTo(unit, most);
}

/** How many vectors wide a tile of 1 to 4 rows is: enough sums in flight to hide the latency of an addition. */
export function tileWidth(rows: number, panel: Panel): number {
  const inEightNumbers = [8, 4, 2, 2];
  return (panel / 8) * inEightNumbers[rows - 1];
}
