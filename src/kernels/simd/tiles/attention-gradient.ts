/**
 * The way back through attention. Repeats what gradients/attention.ts puts together of other operations, per head:
 *
 *     P = softmax(scale · Q Kᵀ)     dP = dO Vᵀ     dS = P · (dP − Σ dP · P)
 *     dQ = scale · dS K             dK = scale · dSᵀ Q             dV = Pᵀ dO
 *
 * Queries, keys, values and gradients are planes. A unit of work is a head. Eight queries (or 16: a panel) at a time
 * have their columns of P and dP in the nearest cache, as in attention.ts, and are done with dQ. What keys and values
 * get is added up over the queries, in runs: the rows of P and dS of a run wait side by side, and then the keys are the
 * lanes. So no map is ever whole in memory.
 */
import { runLength } from '../../definition/sums.ts';
import { keyOf } from '../../key.ts';
import { atMost, call, f32x4, forRange, i32, set, v128, when } from '../assembler/index.ts';
import type { Body, Code, Func, I32, Local } from '../assembler/index.ts';
import { at, kernel, type KernelBody, type Library, type Panel } from '../library.ts';
import { apart } from '../memory/planes.ts';
import { parallel } from '../threads/parallel.ts';
import { LANES, packedKeysBytes, vectorsOf, type AttentionExtents } from './attention-scratch.ts';
import { byFours, mixTile, powersOfPanel, scoresOfPanel } from './attention-tiles.ts';
import { addRun, evenSteps, loadTotals, stepsPerTurn } from './tile.ts';
import { storeLanes, transposed } from './vectors.ts';

/** The way back. */
export interface AttentionGradientSpec extends AttentionExtents {
  readonly gradientStride: number;
  readonly ofQueriesStride: number;
  readonly ofKeysStride: number;
  readonly ofValuesStride: number;
}

/** Where in its scratch a thread has what, in bytes. */
interface Scratch {
  /** The sums of powers in lanes, and what they come to. */
  readonly lanes: number;
  readonly totals: number;
  /** Columns [M][8] of P and of dP, which becomes dS, of a panel of queries; behind each the queries, [d][8]. */
  readonly map: number;
  readonly slopes: number;
  /** Rows of P and of dS of a run of queries. */
  readonly mapRows: number;
  readonly slopeRows: number;
  /** What values and keys have got so far, tile by tile. */
  readonly ofValues: number;
  readonly ofKeys: number;
  readonly bytes: number;
}

/** From a row of P to the next, so that the same key of many queries does not compete for places of the cache. */
const rowBytes = (panel: Panel, { keys }: Pick<AttentionGradientSpec, 'keys'>): number =>
  apart(4 * panel * Math.ceil(keys / panel));

function scratchOf(panel: Panel, spec: AttentionGradientSpec): Scratch {
  const [row, { keys, size }] = [4 * panel, spec];
  const columns = row * (keys + size);
  const rows = runLength * rowBytes(panel, spec);
  const tiles = row * 4 * Math.ceil(size / 4) * Math.ceil(keys / panel);
  const sizes = [row * LANES, row, columns, columns, rows, rows, tiles, tiles];
  const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((sum, bytes) => sum + bytes, 0));
  const [lanes, totals, map, slopes, mapRows, slopeRows, ofValues, ofKeys] = starts;
  const bytes = ofKeys + tiles;
  return { lanes, totals, map, slopes, mapRows, slopeRows, ofValues, ofKeys, bytes };
}

/** Bytes of scratch that each thread needs. */
export function attentionGradientScratch(panel: Panel, spec: AttentionGradientSpec): number {
  return scratchOf(panel, spec).bytes;
}

/** A head that is being computed. */
interface Head {
  readonly lib: Library;
  readonly body: Body;
  readonly spec: AttentionGradientSpec;
  readonly scratch: Scratch;
  /** Where the thread's scratch begins. */
  readonly base: Local<'i32'>;
  readonly q: Local<'i32'>;
  readonly k: Local<'i32'>;
  readonly packedKeys: Local<'i32'>;
  readonly packedValues: Local<'i32'>;
  readonly gradient: Local<'i32'>;
  readonly ofQueries: Local<'i32'>;
  /** Counts queries, and keys or channels. */
  readonly n: Local<'i32'>;
  readonly m: Local<'i32'>;
}

/** The kernel of (thread, counters, q, k, packed keys, packed values, gradient, dQ, dK, dV, scratch of all threads). */
export function attentionGradientKernel(lib: Library, spec: AttentionGradientSpec): Func {
  const { batch, heads, queries, keys, size, scale } = spec;
  const scratch = scratchOf(lib.panel, spec);
  return kernel(lib, `attentionGradient${keyOf(spec)}`, 9, (body) => {
    const [q0, k0, packedKeys0, packedValues0, gradient0, ofQueries0, ofKeys0, ofValues0, scratch0] = body.pointers;
    const [b, h, base, q, k, packedKeys, packedValues, gradient, ofQueries] = body.locals('i32');
    const [out, first, end, n, m] = body.locals('i32');
    const head: Head = { lib, body, spec, scratch, base, q, k, packedKeys, packedValues, gradient, ofQueries, n, m };
    const ofHead = (start: I32, stride: number, tokens: number): I32 => at(at(start, b, stride), h, 4 * size * tokens);
    return parallel(lib, body, batch * heads, (unit) => [
      set(b, i32.divU(unit, i32.const(heads))),
      set(h, i32.remU(unit, i32.const(heads))),
      set(base, at(scratch0, body.thread, scratch.bytes)),
      set(q, ofHead(q0, spec.qStride, queries)),
      set(k, ofHead(k0, spec.kStride, keys)),
      set(packedKeys, at(packedKeys0, unit, packedKeysBytes(spec))),
      set(packedValues, at(packedValues0, unit, packedKeysBytes(spec))),
      set(gradient, ofHead(gradient0, spec.gradientStride, queries)),
      set(ofQueries, ofHead(ofQueries0, spec.ofQueriesStride, queries)),
      forRange(first, i32.const(0), i32.const(queries), runLength, [
        set(end, i32.add(first, i32.const(runLength))),
        atMost(end, i32.const(queries)),
        forRange(n, first, end, lib.panel, panelOfQueries(head, i32.sub(n, first))),
        addRunOfQueries(head, first),
      ]),
      set(out, ofHead(ofValues0, spec.ofValuesStride, keys)),
      writeTotals(head, scratch.ofValues, out, 1),
      set(out, ofHead(ofKeys0, spec.ofKeysStride, keys)),
      writeTotals(head, scratch.ofKeys, out, scale),
      scaled(body, ofQueries, size * queries, scale),
    ]);
  });
}

/** Code for the queries from `n` on, the last of them perhaps fewer than a panel. */
function panelOfQueries(head: Head, inRun: I32): Code {
  const { lib, spec, scratch, base, q, packedKeys, packedValues, gradient, n, m } = head;
  const [map, slopes, totals] = [scratch.map, scratch.slopes, scratch.totals].map((of) => i32.add(base, i32.const(of)));
  const last = spec.queries % lib.panel;
  const done = (count: number): Code => doneWithQueries(head, inRun, count);
  const from = (start: I32): I32 => i32.add(start, i32.mul(n, i32.const(4)));
  const ofMap = { queries: from(q), packedKeys, scores: map, tops: totals };
  const ofSlopes = { queries: from(gradient), packedKeys: packedValues, scores: slopes };
  return [
    scoresOfPanel(lib, spec, ofMap, m),
    scoresOfPanel(lib, { ...spec, scale: 1 }, ofSlopes, m),
    powersOfPanel(lib, spec, ofMap, i32.add(base, i32.const(scratch.lanes))),
    call(backThroughColumns(lib, spec.keys), map, slopes, totals),
    last === 0 ? done(lib.panel) : when(i32.eq(n, i32.const(spec.queries - last)), done(last), done(lib.panel)),
  ];
}

/**
 * The function (powers, dP, totals) that makes of the powers of a panel of queries their shares P, and of dP dS: down
 * the columns, the sums in runs.
 */
function backThroughColumns(lib: Library, keys: number): Func {
  return lib.func(`backThroughColumns${keys}`, { params: ['i32', 'i32', 'i32'], results: [] }, (body) => {
    const [map, slopes, totals] = body.params;
    const [start, end, offset, share, slope] = body.locals('i32');
    const vectors = vectorsOf(lib.panel);
    const row = 4 * lib.panel;
    const locals = (): readonly Local<'v128'>[] => vectors.map(() => body.local('v128'));
    const [sums, runs, means, values] = [locals(), locals(), locals(), locals()];
    const here = [set(share, i32.add(map, offset)), set(slope, i32.add(slopes, offset))];
    return [
      sums.map((sum, j) => set(sum, v128.load(totals, vectors[j]))),
      means.map((mean) => set(mean, f32x4.const(0))),
      forRange(start, i32.const(0), i32.const(row * keys), row * runLength, [
        runs.map((run) => set(run, f32x4.const(0))),
        set(end, i32.add(start, i32.const(row * runLength))),
        atMost(end, i32.const(row * keys)),
        forRange(offset, start, end, row, [
          here,
          values.map((value, j) => set(value, f32x4.div(v128.load(share, vectors[j]), sums[j]))),
          values.map((value, j) => v128.store(share, value, vectors[j])),
          runs.map((run, j) => set(run, f32x4.add(run, f32x4.mul(v128.load(slope, vectors[j]), values[j])))),
        ]),
        means.map((mean, j) => set(mean, f32x4.add(mean, runs[j]))),
      ]),
      means.map((mean) => set(mean, f32x4.add(f32x4.neg(mean), f32x4.const(0)))),
      forRange(offset, i32.const(0), i32.const(row * keys), row, [
        here,
        values.map((value, j) => set(value, f32x4.add(v128.load(slope, vectors[j]), means[j]))),
        values.map((value, j) => set(value, f32x4.mul(v128.load(share, vectors[j]), value))),
        values.map((value, j) => v128.store(slope, value, vectors[j])),
      ]),
    ];
  });
}

/** What `count` queries get, before it is scaled; and their rows of P and dS. */
function doneWithQueries({ lib, spec, scratch, base, k, ofQueries, n, m }: Head, inRun: I32, count: number): Code {
  const { keys, size, queries } = spec;
  const mix = (rows: number): Code =>
    call(
      mixTile(lib, { keys, outPlane: 4 * queries }, rows, count, false),
      at(k, m, 4 * keys),
      i32.add(base, i32.const(scratch.slopes)),
      i32.add(at(ofQueries, m, 4 * queries), i32.mul(n, i32.const(4))),
      base,
    );
  const bytes = rowBytes(lib.panel, spec);
  const rows = (from: number, to: number): Code =>
    call(
      rowsOfColumns(lib, keys, bytes, count),
      i32.add(base, i32.const(from)),
      i32.add(base, i32.add(i32.const(to), i32.mul(inRun, i32.const(bytes)))),
    );
  return [byFours(m, size, mix), rows(scratch.map, scratch.mapRows), rows(scratch.slopes, scratch.slopeRows)];
}

/** The function (columns [M][8], rows) that copies `count` columns into rows. */
function rowsOfColumns(lib: Library, keys: number, bytes: number, count: number): Func {
  const row = 4 * lib.panel;
  return lib.func(keyOf(['rowsOfColumns', keys, bytes, count]), { params: ['i32', 'i32'], results: [] }, (body) => {
    const [columns, rows] = body.params;
    const [m, from, to] = body.locals('i32');
    const four = vectorsOf(lib.panel).map((vector, j) => {
      const taken = Math.max(0, Math.min(4, count - 4 * j));
      const { code, columns: made } = transposed(
        body,
        [0, 1, 2, 3].map((i) => v128.load(from, i * row + vector)),
      );
      return [
        taken === 0 ? [] : code,
        made.slice(0, taken).map((each, i) => v128.store(to, each, (4 * j + i) * bytes)),
      ];
    });
    return forRange(m, i32.const(0), i32.const(keys), 4, [
      set(from, at(columns, m, row)),
      set(to, at(rows, m, 4)),
      four,
    ]);
  });
}

/** Adds what the queries from `first` on, as many as a run has, give to all keys and values. */
function addRunOfQueries(head: Head, first: I32): Code {
  const { spec } = head;
  const [whole, rest] = [spec.queries - (spec.queries % runLength), spec.queries % runLength];
  const run = (count: number, isFirst: boolean): Code => runOfQueries(head, first, count, isFirst);
  const later = (count: number): Code =>
    spec.queries <= runLength ? run(count, true) : when(i32.eqz(first), run(count, true), run(count, false));
  if (rest === 0) return later(runLength);
  if (whole === 0) return run(rest, true);
  return when(i32.eq(first, i32.const(whole)), run(rest, false), later(runLength));
}

/** The tiles of a run of `count` queries. */
function runOfQueries(head: Head, first: I32, count: number, isFirst: boolean): Code {
  const { lib, body, spec, scratch, base, q, gradient, m } = head;
  const { keys, size, queries } = spec;
  const [channel] = body.locals('i32');
  const tileBytes = 16 * lib.panel;
  const ofGroup = tileBytes * Math.ceil(size / 4);
  const add = (rows: number, planes: I32, from: number, to: number): Code =>
    call(
      tileOfRun(lib, { queries, bytes: rowBytes(lib.panel, spec), rows, count, isFirst }),
      i32.add(at(planes, channel, 4 * queries), i32.mul(first, i32.const(4))),
      i32.add(base, i32.add(i32.const(from), i32.mul(m, i32.const(4)))),
      i32.add(base, at(at(i32.const(to), m, ofGroup / lib.panel), channel, tileBytes / 4)),
    );
  const both = (rows: number): Code => [
    add(rows, gradient, scratch.mapRows, scratch.ofValues),
    add(rows, q, scratch.slopeRows, scratch.ofKeys),
  ];
  return forRange(m, i32.const(0), i32.const(keys), lib.panel, [byFours(channel, size, both)]);
}

/** A run of a tile: of so many channels, over so many queries, whose rows lie `bytes` apart. */
interface RunTile {
  readonly queries: number;
  readonly bytes: number;
  readonly rows: number;
  readonly count: number;
  readonly isFirst: boolean;
}

/** The function (planes, rows of a map, totals) that adds a run of `count` queries to the totals of a panel of keys. */
function tileOfRun(lib: Library, spec: RunTile): Func {
  const { queries, bytes, rows, count, isFirst } = spec;
  return lib.func(keyOf(['keysOfRun', spec]), { params: ['i32', 'i32', 'i32'], results: [] }, (body) => {
    const [a, b, totals] = body.params;
    const perTurn = stepsPerTurn(count, runLength, 8);
    const numbers = Array.from({ length: rows }, (_, i) => 4 * queries * i);
    const tile = {
      ...{ a, b, bVectors: vectorsOf(lib.panel), fma: lib.fma },
      aSteps: evenSteps(perTurn, numbers, 4),
      bSteps: Array.from({ length: perTurn }, (_, n) => bytes * n),
      bTurn: bytes * perTurn,
    };
    return addRun(body, tile, count / perTurn, totals, isFirst);
  });
}

/** Writes totals, times `scale`, to the planes of all keys. */
function writeTotals({ lib, body, spec, base, m }: Head, from: number, out: I32, scale: number): Code {
  const { keys, size } = spec;
  const vectors = lib.panel / 4;
  const [channel, totals, to] = body.locals('i32');
  const last = keys % lib.panel;
  const tile = (rows: number, lanes: number): Code => {
    const { code, sums } = loadTotals(body, rows, vectors, totals);
    return [
      set(totals, i32.add(base, at(at(i32.const(from), m, 16 * Math.ceil(size / 4)), channel, 4 * lib.panel))),
      set(to, i32.add(at(out, channel, 4 * keys), i32.mul(m, i32.const(4)))),
      code,
      scale === 1 ? [] : sums.flat().map((sum) => set(sum, times(sum, scale))),
      sums.map((row, i) =>
        row.map((sum, j) => {
          const stored = Math.min(4, lanes - 4 * j);
          return stored <= 0 ? [] : storeLanes(to, sum, stored, 4 * keys * i + 16 * j);
        }),
      ),
    ];
  };
  const tiles = (lanes: number): Code => byFours(channel, size, (rows) => tile(rows, lanes));
  return forRange(m, i32.const(0), i32.const(keys), lib.panel, [
    last === 0 ? tiles(lib.panel) : when(i32.eq(m, i32.const(keys - last)), tiles(last), tiles(lib.panel)),
  ]);
}

/** x · scale + 0, as `affine` has it. */
function times(x: Local<'v128'>, scale: number) {
  return f32x4.add(f32x4.mul(x, f32x4.const(scale)), f32x4.const(0));
}

/** Code that scales `count` numbers where they lie. */
function scaled(body: KernelBody, start: I32, count: number, scale: number): Code {
  const [offset] = body.locals('i32');
  const value = body.local('v128');
  const here = i32.add(start, offset);
  const some = (lanes: number): Code => [
    set(value, v128.load(here)),
    set(value, times(value, scale)),
    storeLanes(here, value, lanes),
  ];
  const rest = count % 4;
  return [forRange(offset, i32.const(0), i32.const(4 * (count - rest)), 16, some(4)), rest === 0 ? [] : some(rest)];
}
