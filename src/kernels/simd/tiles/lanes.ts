/** Sums over long runs of numbers, in the lanes that the definitions name. */
import { f64, f64x2, forRange, i32, set, tee, v128 } from '../assembler/index.ts';
import type { Body, Code, I32, Local, V128 } from '../assembler/index.ts';

/** Masks that keep 0 to 2 doubles of a vector. */
const keep = (count: number): V128 =>
  v128.const(count > 0 ? -1 : 0, count > 0 ? -1 : 0, count > 1 ? -1 : 0, count > 1 ? -1 : 0);

/**
 * Code that sums f(x[i], …) of `size` floats at each of the addresses in double precision into `result`: eight lanes,
 * lane = i mod 8, then lane[i] += lane[i + 4], + 2, + 1. `f` gets two doubles of each. A missing element adds +0, which
 * changes no sum.
 */
export function laneSum64(
  body: Body,
  size: number,
): (xs: readonly Local<'i32'>[], f: (vs: readonly V128[]) => V128, result: Local<'f64'>) => Code {
  const sums = laneSums64(body, size, 1);
  return (xs, f, result) => sums(xs, (vs) => [f(vs)], [result]);
}

/** Code for `count` such sums of the same floats, each with an `f` of its own; these are computed in their order. */
export function laneSums64(
  body: Body,
  size: number,
  count: number,
): (
  xs: readonly Local<'i32'>[],
  f: (vs: readonly V128[]) => readonly V128[],
  results: readonly Local<'f64'>[],
) => Code {
  const lanes = [0, 1, 2, 3].map(() => Array.from({ length: count }, () => body.local('v128')));
  const offset = body.local('i32');
  const whole = size - (size % 8);
  return (xs, f, results) => {
    const addresses = xs.map(() => body.local('i32'));
    const move = (by: I32): Code => addresses.map((address, i) => set(address, i32.add(xs[i], by)));
    const pairs = (j: number): readonly V128[] =>
      f(addresses.map((address) => f64x2.promoteLow(v128.load64Zero(address, 8 * j))));
    const add = (j: number, of: (pair: V128) => V128): Code =>
      pairs(j).map((pair, k) => set(lanes[j][k], f64x2.add(lanes[j][k], of(pair))));
    const folded = ([to, from]: readonly (readonly Local<'v128'>[])[]): Code =>
      to.map((lane, k) => set(lane, f64x2.add(lane, from[k])));
    return [
      lanes.flat().map((lane) => set(lane, f64x2.const(0))),
      forRange(offset, i32.const(0), i32.const(4 * whole), 32, [
        move(offset),
        lanes.map((_, j) => add(j, (pair) => pair)),
      ]),
      whole === size
        ? []
        : [
            move(i32.const(4 * whole)),
            lanes.map((_, j) => (size % 8 > 2 * j ? add(j, (pair) => v128.and(pair, keep((size % 8) - 2 * j))) : [])),
          ],
      folded([lanes[0], lanes[2]]),
      folded([lanes[1], lanes[3]]),
      folded([lanes[0], lanes[1]]),
      results.map((result, k) =>
        set(result, f64.add(f64x2.extractLane(lanes[0][k], 0), f64x2.extractLane(lanes[0][k], 1))),
      ),
    ];
  };
}

/** v · v. */
export function square(temporary: Local<'v128'>, v: V128): V128 {
  return f64x2.mul(tee(temporary, v), temporary);
}
