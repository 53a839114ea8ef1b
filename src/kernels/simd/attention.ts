/**
 * Attention without its map. Repeats plain/attention, per head and query n:
 *
 *     score[m] = fround(dot(q[n], k[m]) · scale);  p[m] = exp(score[m] − max);  A[m] = p[m] / laneSum(p);  out[n] = Σ_m A[m] · v[m]
 *
 * Queries, keys and values are planes [D, N], as a convolution over the picture leaves them. A unit of work is eight
 * queries of one head (or 16: a panel), one query in each lane of two vectors. So the maximum and the sums of the
 * softmax run down the scratch array [M][8] and never across lanes, and both products are the register tile of the
 * convolution.
 */
import { call, f32, f32x4, forRange, i32, set, v128, when } from './assembler.ts';
import type { Body, Code, Func, I32, Local } from './assembler.ts';
import { AT_ONCE, expf } from './elementary.ts';
import { at, kernel, type Library, type Panel } from './library.ts';
import { keyOf } from '../key.ts';
import { parallel } from './parallel.ts';
import { evenSteps, RUN, stepsPerTurn, storeLanes, tileSum } from './tile.ts';

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

/** Lanes of the definition's laneSum. */
const LANES = 16;

/** Bytes of scratch that each thread needs: the lane sums, the scores [M][8], and eight queries [d][8]. */
export function attentionScratch(panel: Panel, spec: AttentionSpec): number {
  return 4 * panel * (LANES + spec.keys + spec.size);
}

/** Where a row of scratch has its vectors, in bytes. */
function vectorsOf(panel: Panel): readonly number[] {
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
    const [k0, packed0] = body.pointers as [Local<'i32'>, Local<'i32'>];
    const [head, tile, k, packed, d] = [0, 1, 2, 3, 4].map(() => body.local('i32')) as [...Four, Local<'i32'>];
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
function scoreTile(lib: Library, spec: AttentionSpec, rows: number): Func {
  const perTurn = stepsPerTurn(spec.size, RUN, 16);
  const row = 4 * lib.panel;
  const key = keyOf(['scores', rows, spec.size, spec.scale]);
  return lib.func(key, { params: ['i32', 'i32', 'i32'], results: [] }, (body) => {
    const [a, b, out] = body.params as Three;
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
      turnsPerRun: RUN / perTurn,
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
function mixTile(lib: Library, spec: AttentionSpec, rows: number, lanes: number): Func {
  const perTurn = stepsPerTurn(spec.keys, RUN, 8);
  const row = 4 * lib.panel;
  const key = keyOf(['mix', rows, lanes, spec.keys, spec.outPlane]);
  return lib.func(key, { params: ['i32', 'i32', 'i32'], results: [] }, (body) => {
    const [a, b, out] = body.params as Three;
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
      turnsPerRun: RUN / perTurn,
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
function softmaxColumns(lib: Library, keys: number): Func {
  return lib.func(`softmaxColumns${keys}`, { params: ['i32', 'i32'], results: [] }, (body) => {
    const [lanes, scores] = body.params as [Local<'i32'>, Local<'i32'>];
    const offset = body.local('i32');
    const lane = body.local('i32');
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
        all.map((value, i) => set(value, f32x4.sub(v128.load(score, places[i]!), tops[i % vectors.length]!))),
        expf(body, all),
        all.map((value, i) => v128.store(score, value, places[i]!)),
        all.map((value, i) => set(value, f32x4.add(v128.load(lane, places[i]!), value))),
        all.map((value, i) => v128.store(lane, value, places[i]!)),
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
        tops.map((top, j) => set(top, f32x4.pmax(top, v128.load(score, vectors[j]!)))),
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
      values.map((value, j) => halveLanes(body, lanes, row, vectors[j]!, value)),
      forRange(offset, i32.const(0), end, row, [
        tops.map((share, j) => set(share, f32x4.div(v128.load(score, vectors[j]!), values[j]!))),
        tops.map((share, j) => v128.store(score, share, vectors[j]!)),
      ]),
    ];
  });
}

/** lane[i] += lane[i + 8], + 4, + 2, + 1: the sum into `total`. */
function halveLanes(body: Body, lanes: I32, row: number, offset: number, total: Local<'v128'>): Code {
  const values = Array.from({ length: LANES }, () => body.local('v128'));
  const code: Code[] = values.map((value, i) => set(value, v128.load(lanes, row * i + offset)));
  for (let half = LANES / 2; half >= 1; half /= 2) {
    for (let i = 0; i < half; i++) code.push(set(values[i]!, f32x4.add(values[i]!, values[i + half]!)));
  }
  return [code, set(total, values[0]!)];
}

/** What a kernel does with the map of eight queries, which it has in scratch memory as [M][8]. */
interface MapParts {
  /** Fills the scratch with the map: computed, or read from the map's eight rows. */
  readonly source: 'products' | 'map';
  /** Mixes the values with it, or writes its eight rows. */
  readonly result: 'values' | 'map';
}

/** The kernel of (thread, counters, q, packed keys, v, out, scratch); scratch is that of all threads. */
export const attentionKernel = (lib: Library, spec: AttentionSpec): Func =>
  kernelOf(lib, spec, { source: 'products', result: 'values' });
/**
 * The kernel of (thread, counters, q, packed keys, map, scratch). The map is [B,h,N,M], its rows one after another
 * within a sample.
 */
export const attentionMapKernel = (lib: Library, spec: AttentionSpec): Func =>
  kernelOf(lib, spec, { source: 'products', result: 'map' });
/** The kernel of (thread, counters, map, v, out, scratch). */
export const applyMapKernel = (lib: Library, spec: AttentionSpec): Func =>
  kernelOf(lib, spec, { source: 'map', result: 'values' });

/** `qStride` and `outStride` are the map's where the map takes their place. */
function kernelOf(lib: Library, spec: AttentionSpec, { source, result }: MapParts): Func {
  const { batch, heads, queries, keys, size } = spec;
  const width = lib.panel;
  const row = 4 * width;
  const groups = Math.ceil(queries / width);
  const lastLanes = queries - width * (groups - 1);
  const byProducts = source === 'products';
  const byValues = result === 'values';
  const rowBytes = 4 * keys;

  return kernel(lib, `attention${source}${result}${keyOf(spec)}`, byProducts && byValues ? 5 : 4, (body) => {
    const pointers = [...body.pointers];
    const next = (): Local<'i32'> => pointers.shift()!;
    const q0 = next();
    const k0 = byProducts ? next() : q0;
    const v0 = byValues ? next() : q0;
    const [out0, scratch0] = [next(), next()];
    const [b, head, group, q, k, v, out, lanes, scores, m] = Array.from({ length: 10 }, () => body.local('i32')) as Ten;
    const eightQueries = body.local('i32');
    const wholeKeys = keys - (keys % 4);
    const wholeSize = size - (size % 4);
    const score = (rows: number): Code =>
      call(scoreTile(lib, spec, rows), at(k, m, 4 * size), eightQueries, at(scores, m, row));
    const copyQueries = forRange(
      m,
      i32.const(0),
      i32.const(size),
      1,
      vectorsOf(width).map((vector) =>
        v128.store(at(eightQueries, m, row), v128.load(at(q, m, 4 * queries), vector), vector),
      ),
    );
    const mixAll = (stored: number): Code => {
      const mix = (rows: number): Code =>
        call(mixTile(lib, spec, rows, stored), at(v, m, 4 * keys), scores, at(out, m, spec.outPlane));
      return [forRange(m, i32.const(0), i32.const(wholeSize), 4, mix(4)), size % 4 === 0 ? [] : mix(size % 4)];
    };
    const eight = Array.from({ length: width }, (_, query) => query);
    const readRows = (count: number): Code =>
      forRange(
        m,
        i32.const(0),
        i32.const(keys),
        1,
        eight
          .slice(0, count)
          .map((query) => f32.store(at(scores, m, row), f32.load(at(q, m, 4), query * rowBytes), 4 * query)),
      );
    const writeRows = (count: number): Code =>
      forRange(
        m,
        i32.const(0),
        i32.const(keys),
        1,
        eight
          .slice(0, count)
          .map((query) => f32.store(at(out, m, 4), f32.load(at(scores, m, row), 4 * query), query * rowBytes)),
      );
    /** What depends on how many queries there are: eight, or in the last group perhaps fewer. */
    const forQueries = (code: (count: number) => Code): Code =>
      lastLanes === width ? code(width) : when(i32.eq(group, i32.const(groups - 1)), code(lastLanes), code(width));
    const mapRow = (start: I32, stride: number): I32 =>
      at(at(at(start, b, stride), head, queries * rowBytes), group, width * rowBytes);
    const planes = (start: I32, stride: number, plane: number): I32 =>
      at(at(at(start, b, stride), head, size * plane), group, row);

    return parallel(lib, body, batch * heads * groups, (unit) => [
      set(group, i32.remU(unit, i32.const(groups))),
      set(head, i32.remU(i32.divU(unit, i32.const(groups)), i32.const(heads))),
      set(b, i32.divU(unit, i32.const(groups * heads))),
      set(q, byProducts ? planes(q0, spec.qStride, 4 * queries) : mapRow(q0, spec.qStride)),
      byProducts ? set(k, at(k0, i32.divU(unit, i32.const(groups)), 4 * size * keys)) : [],
      byValues ? set(v, at(at(v0, b, spec.vStride), head, 4 * size * keys)) : [],
      set(out, byValues ? planes(out0, spec.outStride, spec.outPlane) : mapRow(out0, spec.outStride)),
      set(lanes, at(scratch0, body.thread, attentionScratch(width, spec))),
      set(scores, i32.add(lanes, i32.const(row * LANES))),
      byProducts
        ? [
            set(eightQueries, i32.add(scores, i32.const(row * keys))),
            copyQueries,
            forRange(m, i32.const(0), i32.const(wholeKeys), 4, score(4)),
            keys % 4 === 0 ? [] : score(keys % 4),
            call(softmaxColumns(lib, keys), lanes, scores),
          ]
        : forQueries(readRows),
      forQueries(byValues ? mixAll : writeRows),
    ]);
  });
}

type Three = [Local<'i32'>, Local<'i32'>, Local<'i32'>];
type Four = [Local<'i32'>, Local<'i32'>, Local<'i32'>, Local<'i32'>];
type Ten = [...Four, ...Four, Local<'i32'>, Local<'i32'>];
