/** What attention is made of (see attention.ts): keys in the order of tiles, the two products, the softmax between. */
import { keyOf } from '../../key.ts';
import { runLength } from '../../definition/sums.ts';
import { f32x4, forRange, i32, set, v128, when } from '../assembler/index.ts';
import type { Body, Code, Func, I32, Local } from '../assembler/index.ts';
import { at, kernel, type Library, type Panel } from '../library.ts';
import { parallel } from '../threads/parallel.ts';
import { AT_ONCE, expf } from './elementary.ts';
import { evenSteps, stepsPerTurn, tileSum } from './tile.ts';
import { storeLanes } from './vectors.ts';

/** Attention of `queries` tokens to `keys` tokens. Strides are in bytes, from a sample to the next. */
export interface AttentionSpec {
  readonly batch: number;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  /** Channels of a head. */
  readonly size: number;
  readonly scale: number;
  readonly qStride: number;
  readonly kStride: number;
  readonly vStride: number;
  readonly outStride: number;
  /** Bytes from a plane of the result to the next. */
  readonly outPlane: number;
}

/** Lanes in which definition/attention sums the powers of a query. */
export const LANES = 16;

/** Bytes of scratch that each thread needs: the lane sums, the scores [M][8], and eight queries [d][8]. */
export function attentionScratch(panel: Panel, spec: AttentionSpec): number {
  return 4 * panel * (LANES + spec.keys + spec.size);
}

/** Where a row of scratch has its vectors, in bytes. */
export function vectorsOf(panel: Panel): readonly number[] {
  return Array.from({ length: panel / 4 }, (_, j) => 16 * j);
}

/**
 * The kernel of (thread, counters, k, packed): the keys in the order in which tiles read them, for every four keys of a
 * head d groups of four numbers; the last M mod 4 in smaller groups. (Where they lie as planes, the numbers of a key
 * are 4·M bytes apart, which for many M is the distance at which they displace one another from the cache.)
 */
export function packKeysKernel(lib: Library, { batch, heads, keys, size, kStride }: AttentionSpec): Func {
  const tiles = Math.ceil(keys / 4);
  return kernel(lib, `packKeys${keyOf([batch, heads, keys, size, kStride])}`, 2, (body) => {
    const [k0, packed0] = body.pointers;
    const [head, tile, k, packed, d] = body.locals('i32');
    const value = body.local('v128');
    const copy = (rows: number): Code =>
      forRange(d, i32.const(0), i32.const(size), 1, [
        set(value, v128.load(at(k, d, 4 * keys))),
        storeLanes(at(packed, d, 4 * rows), value, rows),
      ]);
    return parallel(lib, body, batch * heads * tiles, (unit) => [
      set(tile, i32.remU(unit, i32.const(tiles))),
      set(head, i32.divU(unit, i32.const(tiles))),
      set(
        k,
        at(
          at(at(k0, i32.divU(head, i32.const(heads)), kStride), i32.remU(head, i32.const(heads)), 4 * size * keys),
          tile,
          16,
        ),
      ),
      set(packed, at(at(packed0, head, 4 * size * keys), tile, 16 * size)),
      keys % 4 === 0 ? copy(4) : when(i32.eq(tile, i32.const(tiles - 1)), copy(keys % 4), copy(4)),
    ]);
  });
}

/** The function (packed keys, q [d][8], scores): the scaled scores of `rows` keys with eight queries. */
export function scoreTile(lib: Library, spec: AttentionSpec, rows: number): Func {
  const perTurn = stepsPerTurn(spec.size, runLength, 16);
  const row = 4 * lib.panel;
  const key = keyOf(['scores', rows, spec.size, spec.scale]);
  return lib.func(key, { params: ['i32', 'i32', 'i32'], results: [] }, (body) => {
    const [a, b, out] = body.params;
    const { code, sums } = tileSum(body, {
      a,
      b,
      aSteps: evenSteps(
        perTurn,
        Array.from({ length: rows }, (_, i) => 4 * i),
        4 * rows,
      ),
      bVectors: vectorsOf(lib.panel),
      bSteps: Array.from({ length: perTurn }, (_, d) => row * d),
      bTurn: row * perTurn,
      turns: spec.size / perTurn,
      turnsPerRun: runLength / perTurn,
      fma: lib.fma,
    });
    return [
      code,
      sums.map((ofKey, i) =>
        ofKey.map((sum, j) => v128.store(out, f32x4.mul(sum, f32x4.const(spec.scale)), row * i + 16 * j)),
      ),
    ];
  });
}

/** The function (v, map, out): `rows` channels of the result for eight queries, of which `lanes` are stored. */
export function mixTile(lib: Library, spec: AttentionSpec, rows: number, lanes: number): Func {
  const perTurn = stepsPerTurn(spec.keys, runLength, 8);
  const row = 4 * lib.panel;
  const key = keyOf(['mix', rows, lanes, spec.keys, spec.outPlane]);
  return lib.func(key, { params: ['i32', 'i32', 'i32'], results: [] }, (body) => {
    const [a, b, out] = body.params;
    const { code, sums } = tileSum(body, {
      a,
      b,
      aSteps: evenSteps(
        perTurn,
        Array.from({ length: rows }, (_, i) => 4 * spec.keys * i),
        4,
      ),
      bVectors: vectorsOf(lib.panel),
      bSteps: Array.from({ length: perTurn }, (_, m) => row * m),
      bTurn: row * perTurn,
      turns: spec.keys / perTurn,
      turnsPerRun: runLength / perTurn,
      fma: lib.fma,
    });
    return [
      code,
      sums.map((ofChannel, i) =>
        ofChannel.map((sum, j) => {
          const stored = Math.min(4, lanes - 4 * j);
          return stored <= 0 ? [] : storeLanes(out, sum, stored, spec.outPlane * i + 16 * j);
        }),
      ),
    ];
  });
}

/** The function (lane sums, scores): softmax down each of the eight columns. */
export function softmaxColumns(lib: Library, keys: number): Func {
  return lib.func(`softmaxColumns${keys}`, { params: ['i32', 'i32'], results: [] }, (body) => {
    const [lanes, scores] = body.params;
    const [offset, lane] = body.locals('i32');
    const row = 4 * lib.panel;
    const end = i32.const(row * keys);
    const vectors = vectorsOf(lib.panel);
    const tops = vectors.map(() => body.local('v128'));
    const values = vectors.map(() => body.local('v128'));
    const score = i32.add(scores, offset);
    /** Keys whose exponentials are taken at once. */
    const together = Math.max(1, AT_ONCE / vectors.length);
    const exponentials = (rows: number): Code => {
      const places = Array.from({ length: rows * vectors.length }, (_, i) => 16 * i);
      const all = places.map((_, i) => values[i] ?? body.local('v128'));
      return [
        // The lanes of neighbouring keys lie side by side.
        set(lane, i32.add(lanes, i32.and(offset, i32.const(row * LANES - 1)))),
        all.map((value, i) => set(value, f32x4.sub(v128.load(score, places[i]), tops[i % vectors.length]))),
        expf(body, all),
        all.map((value, i) => v128.store(score, value, places[i])),
        all.map((value, i) => set(value, f32x4.add(v128.load(lane, places[i]), value))),
        all.map((value, i) => v128.store(lane, value, places[i])),
      ];
    };
    return [
      // A NaN is passed over here, but makes its p, hence the sum, hence the whole row NaN, as in the definition.
      tops.map((top) => set(top, f32x4.const(-Infinity))),
      forRange(
        offset,
        i32.const(0),
        end,
        row,
        tops.map((top, j) => set(top, f32x4.pmax(top, v128.load(score, vectors[j])))),
      ),
      Array.from({ length: vectors.length * LANES }, (_, i) => v128.store(lanes, f32x4.const(0), 16 * i)),
      forRange(
        offset,
        i32.const(0),
        i32.const(row * (keys - (keys % together))),
        row * together,
        exponentials(together),
      ),
      forRange(offset, i32.const(row * (keys - (keys % together))), end, row, exponentials(1)),
      values.map((value, j) => halveLanes(body, lanes, row, vectors[j], value)),
      forRange(offset, i32.const(0), end, row, [
        tops.map((share, j) => set(share, f32x4.div(v128.load(score, vectors[j]), values[j]))),
        tops.map((share, j) => v128.store(score, share, vectors[j])),
      ]),
    ];
  });
}

/** lane[i] += lane[i + 8], + 4, + 2, + 1: the sum into `total`. */
function halveLanes(body: Body, lanes: I32, row: number, offset: number, total: Local<'v128'>): Code {
  const values = Array.from({ length: LANES }, () => body.local('v128'));
  const code: Code[] = values.map((value, i) => set(value, v128.load(lanes, row * i + offset)));
  for (let half = LANES / 2; half >= 1; half /= 2) {
    for (let i = 0; i < half; i++) code.push(set(values[i], f32x4.add(values[i], values[i + half])));
  }
  return [code, set(total, values[0])];
}
