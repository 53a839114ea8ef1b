/** Softmax of rows. Repeats definition/softmax; a unit of work is one row. */
import { keyOf } from '../../key.ts';
import { f32x4, forRange, i32, set, shuffle32, v128 } from '../assembler/index.ts';
import type { Body, Code, Func, Local, V128 } from '../assembler/index.ts';
import { at, kernel, type Library } from '../library.ts';
import { parallel } from '../threads/parallel.ts';
import { expf } from './elementary.ts';
import { storeLanes } from './vectors.ts';

/** `rows` rows of `size` numbers, one after another. */
export interface RowsSpec {
  readonly rows: number;
  readonly size: number;
}

/** Vectors of the 16 lanes in which a row is summed. */
const LANE_VECTORS = 4;

/** A mask of the first `count` of four lanes. */
function firstLanes(count: number): V128 {
  const [a, b, c, d] = [0, 1, 2, 3].map((lane) => (lane < count ? -1 : 0));
  return v128.const(a, b, c, d);
}

/** A row that is being computed. */
interface Row {
  readonly size: number;
  /** Addresses, and how far from them the vector at hand is, in bytes. */
  readonly x: Local<'i32'>;
  readonly out: Local<'i32'>;
  readonly offset: Local<'i32'>;
  /** The maximum and the sum of the powers, at last in all four lanes. */
  readonly top: Local<'v128'>;
  readonly total: Local<'v128'>;
  readonly value: Local<'v128'>;
}

/**
 * The kernel of (thread, counters, x, out): y[i] = p[i] / sumInLanes(p), p[i] = exp(x[i] − max).
 * A NaN is passed over by the maximum, but makes its p, hence the sum, hence the whole row NaN, as in the definition.
 */
export function softmaxKernel(lib: Library, { rows, size }: RowsSpec): Func {
  return kernel(lib, `softmax${keyOf([rows, size])}`, 2, (body) => {
    const [x0, out0] = body.pointers;
    const [x, out, offset] = body.locals('i32');
    const [top, value, total] = body.locals('v128');
    const row = { size, x, out, offset, top, value, total };
    const lanes = Array.from({ length: LANE_VECTORS }, () => body.local('v128'));
    return parallel(lib, body, rows, (number) => [
      set(x, at(x0, number, 4 * size)),
      set(out, at(out0, number, 4 * size)),
      maximum(row),
      powers(body, row, lanes),
      shares(row),
    ]);
  });
}

/** Sets `top`, and leaves `offset` at what does not fill a vector. */
function maximum({ size, x, offset, top }: Row): Code {
  const here = v128.load(i32.add(x, offset));
  const rest = size % 4;
  return [
    set(top, f32x4.const(-Infinity)),
    forRange(offset, i32.const(0), i32.const(4 * (size - rest)), 16, set(top, f32x4.pmax(top, here))),
    rest === 0 ? [] : set(top, f32x4.pmax(top, v128.select(here, f32x4.const(-Infinity), firstLanes(rest)))),
    set(top, f32x4.pmax(top, shuffle32(top, top, [2, 3, 2, 3]))),
    set(top, f32x4.pmax(top, shuffle32(top, top, [1, 1, 1, 1]))),
    set(top, shuffle32(top, top, [0, 0, 0, 0])),
  ];
}

/** Stores the powers and sets `total` to their sum, which `lanes` take in turns: number i goes to lane i mod 16. */
function powers(body: Body, row: Row, lanes: readonly Local<'v128'>[]): Code {
  const { size, x, out, offset, top, value, total } = row;
  const inTurns = size - (size % (4 * LANE_VECTORS));
  /** The vector for a lane, of which `stored` numbers belong to the row; the others count as 0. */
  const addPower = (lane: Local<'v128'>, bytes: number, stored: number): Code => [
    set(value, f32x4.sub(v128.load(i32.add(x, offset), bytes), top)),
    expf(body, [value]),
    stored < 4 ? set(value, v128.and(value, firstLanes(stored))) : [],
    storeLanes(i32.add(out, offset), value, stored, bytes),
    set(lane, f32x4.add(lane, value)),
  ];
  const folded = (from: readonly [number, number, number, number]): Code =>
    set(total, f32x4.add(total, shuffle32(total, total, from)));
  return [
    lanes.map((lane) => set(lane, f32x4.const(0))),
    forRange(
      offset,
      i32.const(0),
      i32.const(4 * inTurns),
      16 * LANE_VECTORS,
      lanes.map((lane, i) => addPower(lane, 16 * i, 4)),
    ),
    lanes
      .slice(0, Math.ceil((size - inTurns) / 4))
      .map((lane, i) => addPower(lane, 16 * i, Math.min(4, size - inTurns - 4 * i))),
    set(total, f32x4.add(f32x4.add(lanes[0], lanes[2]), f32x4.add(lanes[1], lanes[3]))),
    folded([2, 3, 2, 3]),
    folded([1, 1, 1, 1]),
    set(total, shuffle32(total, total, [0, 0, 0, 0])),
  ];
}

/** Divides the powers by their sum. */
function shares({ size, out, offset, value, total }: Row): Code {
  const here = i32.add(out, offset);
  const share = f32x4.div(v128.load(here), total);
  const rest = size % 4;
  return [
    forRange(offset, i32.const(0), i32.const(4 * (size - rest)), 16, v128.store(here, share)),
    rest === 0 ? [] : [set(value, share), storeLanes(here, value, rest)],
  ];
}
