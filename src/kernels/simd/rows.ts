/** Operations on rows: plain/softmax and layerNorm. A unit of work is one row. */
import { f32x4, f64, f64x2, forRange, i32, promoteHigh, set, shuffle32, shuffle64, v128 } from './assembler.ts';
import type { Code, Func, Local, V128 } from './assembler.ts';
import { expf } from './elementary.ts';
import { laneSum64, square } from './lanes.ts';
import { at, kernel, type Library } from './library.ts';
import { keyOf } from '../key.ts';
import { parallel } from './parallel.ts';
import { storeLanes } from './tile.ts';

export interface RowsSpec {
  readonly rows: number;
  readonly size: number;
}

/** Vectors of the 16 lanes in which a row is summed. */
const LANE_VECTORS = 4;

/** A mask of the first `count` of four lanes. */
const firstLanes = (count: number): V128 =>
  v128.const(...([0, 1, 2, 3].map((lane) => (lane < count ? -1 : 0)) as [number, number, number, number]));

/**
 * The kernel of (thread, counters, x, out): y[i] = p[i] / laneSum(p), p[i] = exp(x[i] − max).
 * A NaN is passed over by the maximum, but makes its p, hence the sum, hence the whole row NaN, as in the definition.
 */
export function softmaxKernel(lib: Library, { rows, size }: RowsSpec): Func {
  return kernel(lib, `softmax${keyOf([rows, size])}`, 2, (body) => {
    const [x0, out0] = body.pointers as [Local<'i32'>, Local<'i32'>];
    const [x, out, offset] = [body.local('i32'), body.local('i32'), body.local('i32')];
    const [top, value, total] = [body.local('v128'), body.local('v128'), body.local('v128')];
    const lanes = Array.from({ length: LANE_VECTORS }, () => body.local('v128'));
    const whole = size - (size % 4);
    const inTurns = size - (size % (4 * LANE_VECTORS));
    const rest = firstLanes(size % 4);

    /** p of the vector at `offset` + `bytes`; beyond the end of the row 0. */
    const power = (bytes: number, last: boolean): Code => [
      set(value, f32x4.sub(v128.load(i32.add(x, offset), bytes), top)),
      expf(body, [value]),
      last ? set(value, v128.and(value, rest)) : [],
    ];
    const addPower = (lane: number, bytes: number, stored: number): Code => [
      power(bytes, stored < 4),
      storeLanes(i32.add(out, offset), value, stored, bytes),
      set(lanes[lane]!, f32x4.add(lanes[lane]!, value)),
    ];
    const folded = (from: readonly [number, number, number, number]): Code =>
      set(total, f32x4.add(total, shuffle32(total, total, from)));
    return parallel(lib, body, rows, (row) => [
      set(x, at(x0, row, 4 * size)),
      set(out, at(out0, row, 4 * size)),
      set(top, f32x4.const(-Infinity)),
      forRange(
        offset,
        i32.const(0),
        i32.const(4 * whole),
        16,
        set(top, f32x4.pmax(top, v128.load(i32.add(x, offset)))),
      ),
      size % 4 === 0
        ? []
        : set(top, f32x4.pmax(top, v128.select(v128.load(i32.add(x, offset)), f32x4.const(-Infinity), rest))),
      set(top, f32x4.pmax(top, shuffle32(top, top, [2, 3, 2, 3]))),
      set(top, f32x4.pmax(top, shuffle32(top, top, [1, 1, 1, 1]))),
      set(top, shuffle32(top, top, [0, 0, 0, 0])),

      lanes.map((lane) => set(lane, f32x4.const(0))),
      forRange(
        offset,
        i32.const(0),
        i32.const(4 * inTurns),
        16 * LANE_VECTORS,
        lanes.map((_, lane) => addPower(lane, 16 * lane, 4)),
      ),
      Array.from({ length: Math.ceil((size - inTurns) / 4) }, (_, lane) =>
        addPower(lane, 16 * lane, Math.min(4, size - inTurns - 4 * lane)),
      ),
      set(total, f32x4.add(f32x4.add(lanes[0]!, lanes[2]!), f32x4.add(lanes[1]!, lanes[3]!))),
      folded([2, 3, 2, 3]),
      folded([1, 1, 1, 1]),
      set(total, shuffle32(total, total, [0, 0, 0, 0])),

      forRange(
        offset,
        i32.const(0),
        i32.const(4 * whole),
        16,
        v128.store(i32.add(out, offset), f32x4.div(v128.load(i32.add(out, offset)), total)),
      ),
      size % 4 === 0
        ? []
        : [
            set(value, f32x4.div(v128.load(i32.add(out, offset)), total)),
            storeLanes(i32.add(out, offset), value, size % 4),
          ],
    ]);
  });
}

/**
 * The kernel of (thread, counters, x, weight, bias, out): y = fround(fround((x − mean) · rstd) · weight) + bias, mean
 * and rstd in double.
 */
export function layerNormKernel(lib: Library, { rows, size, eps }: RowsSpec & { readonly eps: number }): Func {
  return kernel(lib, `layerNorm${keyOf([rows, size, eps])}`, 4, (body) => {
    const [x0, weight, bias, out0] = body.pointers as [Local<'i32'>, Local<'i32'>, Local<'i32'>, Local<'i32'>];
    const [x, out, offset] = [body.local('i32'), body.local('i32'), body.local('i32')];
    const [mean, rstd] = [body.local('f64'), body.local('f64')];
    const [means, rstds, value, deviation] = [0, 1, 2, 3].map(() => body.local('v128')) as [
      Local<'v128'>,
      Local<'v128'>,
      Local<'v128'>,
      Local<'v128'>,
    ];
    const sum = laneSum64(body, size);
    const whole = size - (size % 4);
    const normed = (pair: V128): V128 => f32x4.demoteZero(f64x2.mul(f64x2.sub(pair, means), rstds));
    const compute: Code = [
      set(value, v128.load(i32.add(x, offset))),
      set(value, shuffle64(normed(f64x2.promoteLow(value)), normed(promoteHigh(value)), [0, 2])),
      set(value, f32x4.add(f32x4.mul(value, v128.load(i32.add(weight, offset))), v128.load(i32.add(bias, offset)))),
    ];
    return parallel(lib, body, rows, (row) => [
      set(x, at(x0, row, 4 * size)),
      set(out, at(out0, row, 4 * size)),
      sum(x, (v) => v, mean),
      set(mean, f64.div(mean, f64.const(size))),
      set(means, f64x2.splat(mean)),
      sum(x, (v) => square(deviation, f64x2.sub(v, means)), rstd),
      set(rstd, f64.div(f64.const(1), f64.sqrt(f64.add(f64.div(rstd, f64.const(size)), f64.const(eps))))),
      set(rstds, f64x2.splat(rstd)),
      forRange(offset, i32.const(0), i32.const(4 * whole), 16, [compute, v128.store(i32.add(out, offset), value)]),
      size % 4 === 0 ? [] : [compute, storeLanes(i32.add(out, offset), value, size % 4)],
    ]);
  });
}
