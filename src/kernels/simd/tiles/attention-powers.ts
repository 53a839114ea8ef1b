/** The softmax of attention, down the columns of eight queries: powers, their sums, and each power's share. */
import { f32x4, forRange, i32, set, v128 } from '../assembler/index.ts';
import type { Body, Code, Func, I32 } from '../assembler/index.ts';
import type { Library, Panel } from '../library.ts';
import { LANES, vectorsOf } from './attention-scratch.ts';
import { expfAtMostOne } from './elementary.ts';

/** Keys whose powers are taken at once: four vectors, or as many joined ones. */
const KEYS_AT_ONCE = 2;

/**
 * The function (lane sums, scores, tops): the power of each score less its column's top, in its place, and in place of
 * the tops the sums of the powers.
 */
export function powersOfColumns(lib: Library, keys: number): Func {
  return lib.func(`powersOfColumns${keys}`, { params: ['i32', 'i32', 'i32'], results: [] }, (body) => {
    const [lanes, scores, known] = body.params;
    const [offset, score, lane] = body.locals('i32');
    const row = 4 * lib.panel;
    const tops = vectorsOf(lib.panel).map(() => body.local('v128'));
    const values = Array.from({ length: KEYS_AT_ONCE * tops.length }, () => body.local('v128'));
    const inTurns = row * (keys - (keys % KEYS_AT_ONCE));
    const exponentials = (rows: number): Code => {
      const powers = values.slice(0, rows * tops.length);
      return [
        set(score, i32.add(scores, offset)),
        // The lanes of neighbouring keys lie side by side.
        set(lane, i32.add(lanes, i32.and(offset, i32.const(row * LANES - 1)))),
        powers.map((power, i) => set(power, f32x4.sub(v128.load(score, 16 * i), tops[i % tops.length]))),
        expfAtMostOne(body, powers),
        powers.map((power, i) => v128.store(score, power, 16 * i)),
        powers.map((power, i) => set(power, f32x4.add(v128.load(lane, 16 * i), power))),
        powers.map((power, i) => v128.store(lane, power, 16 * i)),
      ];
    };
    return [
      tops.map((top, j) => set(top, v128.load(known, 16 * j))),
      Array.from({ length: tops.length * LANES }, (_, i) => v128.store(lanes, f32x4.const(0), 16 * i)),
      forRange(offset, i32.const(0), i32.const(inTurns), row * KEYS_AT_ONCE, exponentials(KEYS_AT_ONCE)),
      forRange(offset, i32.const(inTurns), i32.const(row * keys), row, exponentials(1)),
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

/** Code that divides the numbers of eight queries for `keys` keys by the queries' totals. */
export function shares(body: Body, map: I32, totals: I32, panel: Panel, keys: number): Code {
  const vectors = vectorsOf(panel);
  const sums = vectors.map(() => body.local('v128'));
  const values = vectors.map(() => body.local('v128'));
  return [
    sums.map((sum, j) => set(sum, v128.load(totals, vectors[j]))),
    Array.from({ length: keys }, (_, m) => [
      values.map((value, j) => set(value, f32x4.div(v128.load(map, 4 * panel * m + vectors[j]), sums[j]))),
      values.map((value, j) => v128.store(map, value, 4 * panel * m + vectors[j])),
    ]),
  ];
}
