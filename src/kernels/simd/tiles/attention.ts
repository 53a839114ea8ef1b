/**
 * Attention without its map. Repeats definition/attention, per head and query n:
 *
 *     score[m] = fround(dot(q[n], k[m]) · scale)    p[m] = exp(score[m] − max)
 *     A[m] = p[m] / sumInLanes(p)                   out[n] = Σ_m A[m] · v[m]
 *
 * Queries, keys and values are planes [D, N], as a convolution over the picture leaves them. A unit of work is eight
 * queries of one head (or 16: a panel), one query in each lane of two vectors. So the maximum and the sums of the
 * softmax run down the scratch array [M][8] and never across lanes, and both products are the register tile of the
 * convolution.
 */
import { keyOf } from '../../key.ts';
import { call, f32, forRange, i32, set, v128, when } from '../assembler/index.ts';
import type { Body, Code, Func, I32, Local } from '../assembler/index.ts';
import { at, kernel, type Library } from '../library.ts';
import { parallel } from '../threads/parallel.ts';
import { shares } from './attention-powers.ts';
import { attentionScratch, LANES, packedKeysBytes, type AttentionSpec } from './attention-scratch.ts';
import { mixTile, powersOfPanel, scoresOfPanel } from './attention-tiles.ts';
import { loadTotals } from './tile.ts';
import { transposed } from './vectors.ts';

/** What a kernel does with the map of eight queries, which it has in scratch memory as [M][8]. */
interface MapParts {
  /**
   * Fills the scratch with the map, or the scores without their softmax; or reads it from the map's eight rows, or
   * from eight columns of its transpose.
   */
  readonly source: 'products' | 'scores' | 'map' | 'columns';
  /** Mixes the values with it, or writes its eight rows. */
  readonly result: 'values' | 'map';
}

/** The kernel of (thread, counters, q, packed keys, v, out, scratch); scratch is that of all threads. */
export function attentionKernel(lib: Library, spec: AttentionSpec): Func {
  return kernelOf(lib, spec, { source: 'products', result: 'values' }, 5, ([q, k, v, out, scratch]) => ({
    q,
    k,
    v,
    out,
    scratch,
  }));
}

/** `attentionMapKernel` without the softmax. */
export function attentionScoresKernel(lib: Library, spec: AttentionSpec): Func {
  return kernelOf(lib, spec, { source: 'scores', result: 'map' }, 4, ([q, k, out, scratch]) => ({
    q,
    k,
    out,
    scratch,
  }));
}

/**
 * The kernel of (thread, counters, q, packed keys, map, scratch). The map is [B,h,N,M], its rows one after another
 * within a sample. `outStride` is the map's.
 */
export function attentionMapKernel(lib: Library, spec: AttentionSpec): Func {
  return kernelOf(lib, spec, { source: 'products', result: 'map' }, 4, ([q, k, out, scratch]) => ({
    q,
    k,
    out,
    scratch,
  }));
}

/** The kernel of (thread, counters, map, v, out, scratch). `qStride` is the map's. */
export function applyMapKernel(lib: Library, spec: AttentionSpec): Func {
  return kernelOf(lib, spec, { source: 'map', result: 'values' }, 4, ([q, v, out, scratch]) => ({
    q,
    v,
    out,
    scratch,
  }));
}

/** The same of a map that lies transposed: [B,h,M,N]. */
export function applyTransposedMapKernel(lib: Library, spec: AttentionSpec): Func {
  return kernelOf(lib, spec, { source: 'columns', result: 'values' }, 4, ([q, v, out, scratch]) => ({
    q,
    v,
    out,
    scratch,
  }));
}

/** The addresses that a kernel is called with. A map is `q` where it is read, `out` where it is made. */
interface Addresses {
  readonly q: I32;
  readonly k?: I32;
  readonly v?: I32;
  readonly out: I32;
  readonly scratch: I32;
}

/** The unit of work at hand: which queries, and where they and what belongs to them begin. */
interface Group {
  /** The sample, the head in it, and the group of queries in that. */
  readonly b: Local<'i32'>;
  readonly head: Local<'i32'>;
  readonly group: Local<'i32'>;
  readonly q: Local<'i32'>;
  readonly k: Local<'i32'>;
  readonly v: Local<'i32'>;
  readonly out: Local<'i32'>;
  /** In scratch: the lane sums; the tops, then totals; and the scores [M][8], then powers. */
  readonly lanes: Local<'i32'>;
  readonly totals: Local<'i32'>;
  readonly scores: Local<'i32'>;
  /** Counts keys or channels. */
  readonly m: Local<'i32'>;
}

function kernelOf(
  lib: Library,
  spec: AttentionSpec,
  { source, result }: MapParts,
  pointers: number,
  named: (pointers: readonly I32[]) => Addresses,
): Func {
  const { batch, heads, queries, keys, size } = spec;
  const groups = Math.ceil(queries / lib.panel);
  const lastLanes = queries - lib.panel * (groups - 1);
  const row = 4 * lib.panel;
  const rowBytes = 4 * keys;

  return kernel(lib, `attention${source}${result}${keyOf(spec)}`, pointers, (body) => {
    const start = named(body.pointers);
    const [b, head, group, q, k, v, out, lanes, totals, scores, m] = body.locals('i32');
    const panel = { queries: q, packedKeys: k, scores, tops: totals };
    const unit: Group = { b, head, group, q, k, v, out, lanes, totals, scores, m };

    /** What depends on how many queries there are: eight, or in the last group perhaps fewer. */
    const forQueries = (code: (count: number) => Code): Code =>
      lastLanes === lib.panel
        ? code(lib.panel)
        : when(i32.eq(group, i32.const(groups - 1)), code(lastLanes), code(lib.panel));
    const mapRow = (from: I32, stride: number): I32 =>
      at(at(at(from, b, stride), head, queries * rowBytes), group, lib.panel * rowBytes);
    const planes = (from: I32, stride: number, plane: number): I32 =>
      at(at(at(from, b, stride), head, size * plane), group, row);

    const fromQueries = (): I32 => {
      if (source === 'map') return mapRow(start.q, spec.qStride);
      const rows = source === 'columns' ? keys : size;
      return at(at(at(start.q, b, spec.qStride), head, rows * 4 * queries), group, row);
    };

    return parallel(lib, body, batch * heads * groups, (number) => [
      set(group, i32.remU(number, i32.const(groups))),
      set(head, i32.remU(i32.divU(number, i32.const(groups)), i32.const(heads))),
      set(b, i32.divU(number, i32.const(groups * heads))),
      set(q, fromQueries()),
      start.k ? set(k, at(start.k, i32.divU(number, i32.const(groups)), packedKeysBytes(spec))) : [],
      start.v ? set(v, at(at(start.v, b, spec.vStride), head, 4 * size * keys)) : [],
      set(
        out,
        result === 'values' ? planes(start.out, spec.outStride, spec.outPlane) : mapRow(start.out, spec.outStride),
      ),
      set(lanes, at(start.scratch, body.thread, attentionScratch(lib.panel, spec))),
      set(totals, i32.add(lanes, i32.const(row * LANES))),
      set(scores, i32.add(totals, i32.const(row))),
      source === 'map' || source === 'columns'
        ? forQueries((count) => (source === 'map' ? readMap : readColumns)(lib, body, spec, unit, count))
        : scoresOfPanel(lib, spec, panel, m),
      source === 'products' ? powersOfPanel(lib, spec, panel, lanes) : [],
      forQueries((count) => giveResult(lib, body, spec, unit, { source, result }, count)),
    ]);
  });
}

/** Mixes the values by the map of `count` queries, or writes it; powers are shared out on the way. */
function giveResult(
  lib: Library,
  body: Body,
  spec: AttentionSpec,
  unit: Group,
  { source, result }: MapParts,
  count: number,
): Code {
  const powers = source === 'products';
  if (result === 'values') return mixValues(lib, spec, unit, count, powers);
  return [powers ? sharesOfColumns(lib, body, spec, unit) : [], writeMap(lib, body, spec, unit, count)];
}

/** Copies `count` rows of the map into the columns of the scores, four keys at a time. */
function readMap(lib: Library, body: Body, { keys }: AttentionSpec, { q, scores, m }: Group, count: number): Code {
  const row = 4 * lib.panel;
  const whole = keys - (keys % 4);
  const four = inFours(count, (first, rows) => {
    const { code, columns } = transposed(
      body,
      Array.from({ length: rows }, (_, i) => v128.load(at(q, m, 4), (first + i) * 4 * keys)),
    );
    return [code, columns.map((column, i) => v128.store(at(scores, m, row), column, i * row + 4 * first))];
  });
  const one = Array.from({ length: count }, (_, query) =>
    f32.store(at(scores, m, row), f32.load(at(q, m, 4), query * 4 * keys), 4 * query),
  );
  return [forRange(m, i32.const(0), i32.const(whole), 4, four), forRange(m, i32.const(whole), i32.const(keys), 1, one)];
}

/** Copies `count` neighbouring columns of a map, of rows of `queries` numbers, into the columns of the scores. */
function readColumns(lib: Library, _body: Body, spec: AttentionSpec, { q, scores, m }: Group, count: number): Code {
  const row = 4 * lib.panel;
  const vectors = inFours(count, (first) =>
    v128.store(at(scores, m, row), v128.load(at(q, m, 4 * spec.queries), 4 * first), 4 * first),
  );
  return forRange(m, i32.const(0), i32.const(spec.keys), 1, vectors);
}

/** Copies `count` columns of the scores into rows of the map, four keys at a time. */
function writeMap(lib: Library, body: Body, { keys }: AttentionSpec, { out, scores, m }: Group, count: number): Code {
  const row = 4 * lib.panel;
  const whole = keys - (keys % 4);
  const four = inFours(count, (first, rows) => {
    const { code, columns } = transposed(
      body,
      [0, 1, 2, 3].map((i) => v128.load(at(scores, m, row), i * row + 4 * first)),
    );
    return [code, columns.slice(0, rows).map((column, i) => v128.store(at(out, m, 4), column, (first + i) * 4 * keys))];
  });
  const one = Array.from({ length: count }, (_, query) =>
    f32.store(at(out, m, 4), f32.load(at(scores, m, row), 4 * query), query * 4 * keys),
  );
  return [forRange(m, i32.const(0), i32.const(whole), 4, four), forRange(m, i32.const(whole), i32.const(keys), 1, one)];
}

/** Code for each four of `count` queries; the last may be fewer. */
function inFours(count: number, code: (first: number, queries: number) => Code): Code {
  return Array.from({ length: Math.ceil(count / 4) }, (_, i) => code(4 * i, Math.min(4, count - 4 * i)));
}

/** Makes powers shares of their totals. */
function sharesOfColumns(lib: Library, body: Body, { keys }: AttentionSpec, { totals, scores, m }: Group): Code {
  const { code, sums } = loadTotals(body, 1, lib.panel / 4, totals);
  return [code, forRange(m, i32.const(0), i32.const(keys), 1, shares(body, at(scores, m, 4 * lib.panel), 0, sums[0]))];
}

/** Mixes the values of all keys for `count` queries, four channels at a time; the first four share powers out. */
function mixValues(lib: Library, spec: AttentionSpec, unit: Group, count: number, powers: boolean): Code {
  const { v, totals, scores, out, m } = unit;
  const { keys, size, outPlane } = spec;
  const mix = (rows: number, share: boolean): Code =>
    call(mixTile(lib, spec, rows, count, share), at(v, m, 4 * keys), scores, at(out, m, outPlane), totals);
  const first = Math.min(4, size);
  return [
    set(m, i32.const(0)),
    mix(first, powers),
    forRange(m, i32.const(first), i32.const(size - (size % 4)), 4, mix(4, false)),
    size % 4 === 0 || size < 4 ? [] : mix(size % 4, false),
  ];
}
