/** The softmax of attention, down the columns of eight queries: powers, their sums, and each power's share. */
import { keyOf } from '../../key.ts';
import { f32x4, forRange, i32, i32x4, set, shuffle32, v128, when } from '../assembler/index.ts';
import type { Body, Code, Func, I32, Local, V128 } from '../assembler/index.ts';
import type { Library } from '../library.ts';
import { LANES, vectorsOf, type AttentionExtents } from './attention-scratch.ts';
import { expfAtMostOne, expfOfNormal, LEAST_NORMAL } from './elementary.ts';

/** Keys whose powers are taken at once. Eight vectors, or joined ones, keep the processor busier than four. */
const KEYS_AT_ONCE = 4;

/**
 * The function (queries [d][8], squared lengths of keys) that tells whether no power can be too small to be a normal
 * number. A score is at most scale · |q| · |k| from zero (Cauchy and Schwarz), hence at most twice that below the top.
 * NaN is larger than all.
 */
export function powersAreNormal(
  lib: Library,
  { keys, size, scale }: Pick<AttentionExtents, 'keys' | 'size' | 'scale'>,
): Func {
  const row = 4 * lib.panel;
  const signature = { params: ['i32', 'i32'], results: ['i32'] } as const;
  return lib.func(keyOf(['powersAreNormal', keys, size, scale]), signature, (body) => {
    const [queries, lengths] = body.params;
    const offset = body.local('i32');
    const [longest, value] = body.locals('v128');
    const squares = vectorsOf(lib.panel).map(() => body.local('v128'));
    const most = Math.min((LEAST_NORMAL / 2 / scale) ** 2, 1e38);
    const isTooFar = (square: V128): V128 => v128.not(f32x4.le(f32x4.mul(square, longest), f32x4.const(most)));
    const greaterWith = (lanes: readonly [number, number, number, number]): Code =>
      set(longest, i32x4.maxU(longest, shuffle32(longest, longest, lanes)));
    return [
      forRange(offset, i32.const(0), i32.const(16 * Math.ceil(keys / 4)), 16, [
        set(longest, i32x4.maxU(longest, v128.load(i32.add(lengths, offset)))),
      ]),
      greaterWith([2, 3, 0, 1]),
      greaterWith([1, 0, 3, 2]),
      forRange(offset, i32.const(0), i32.const(row * size), row, [
        squares.map((square, j) => [
          set(value, v128.load(i32.add(queries, offset), 16 * j)),
          set(square, f32x4.add(square, f32x4.mul(value, value))),
        ]),
      ]),
      i32.eqz(v128.anyTrue(squares.map(isTooFar).reduce((a, b) => v128.or(a, b)))).code,
    ];
  });
}

/**
 * The function (lane sums, scores, tops, whether all powers are normal): the power of each score less its column's top,
 * in its place, and in place of the tops the sums of the powers.
 */
export function powersOfColumns(lib: Library, keys: number): Func {
  const signature = { params: ['i32', 'i32', 'i32', 'i32'], results: [] } as const;
  return lib.func(`powersOfColumns${keys}`, signature, (body) => {
    const [lanes, scores, known, areNormal] = body.params;
    const [offset, score, lane] = body.locals('i32');
    const row = 4 * lib.panel;
    const tops = vectorsOf(lib.panel).map(() => body.local('v128'));
    const values = Array.from({ length: KEYS_AT_ONCE * tops.length }, () => body.local('v128'));
    const inTurns = row * (keys - (keys % KEYS_AT_ONCE));
    const some = (rows: number, exponential: typeof expfAtMostOne): Code => {
      const powers = values.slice(0, rows * tops.length);
      return [
        set(score, i32.add(scores, offset)),
        // The lanes of neighbouring keys lie side by side.
        set(lane, i32.add(lanes, i32.and(offset, i32.const(row * LANES - 1)))),
        powers.map((power, i) => set(power, f32x4.sub(v128.load(score, 16 * i), tops[i % tops.length]))),
        exponential(body, powers, lib.panel / 8),
        powers.map((power, i) => v128.store(score, power, 16 * i)),
        powers.map((power, i) => set(power, f32x4.add(v128.load(lane, 16 * i), power))),
        powers.map((power, i) => v128.store(lane, power, 16 * i)),
      ];
    };
    const all = (exponential: typeof expfAtMostOne): Code => [
      forRange(offset, i32.const(0), i32.const(inTurns), row * KEYS_AT_ONCE, some(KEYS_AT_ONCE, exponential)),
      forRange(offset, i32.const(inTurns), i32.const(row * keys), row, some(1, exponential)),
    ];
    return [
      tops.map((top, j) => set(top, v128.load(known, 16 * j))),
      Array.from({ length: tops.length * LANES }, (_, i) => v128.store(lanes, f32x4.const(0), 16 * i)),
      when(areNormal, all(expfOfNormal), all(expfAtMostOne)),
      vectorsOf(lib.panel).map((place) => halveLanes(body, lanes, row, known, place)),
    ];
  });
}

/** lane[i] += lane[i + 8], + 4, + 2, + 1: the sums of four columns. */
function halveLanes(body: Body, lanes: I32, row: number, sums: I32, place: number): Code {
  const values = Array.from({ length: LANES }, () => body.local('v128'));
  const code: Code[] = values.map((value, i) => set(value, v128.load(lanes, row * i + place)));
  for (let half = LANES / 2; half >= 1; half /= 2) {
    for (let i = 0; i < half; i++) code.push(set(values[i], f32x4.add(values[i], values[i + half])));
  }
  return [code, v128.store(sums, values[0], place)];
}

/** Code that divides the powers of a key, `offset` bytes from `map` on, by the queries' totals. */
export function shares(body: Body, map: I32, offset: number, totals: readonly Local<'v128'>[]): Code {
  const values = totals.map(() => body.local('v128'));
  return [
    values.map((value, j) => set(value, f32x4.div(v128.load(map, offset + 16 * j), totals[j]))),
    values.map((value, j) => v128.store(map, value, offset + 16 * j)),
  ];
}
