/** The products of attention (see attention.ts): keys in the order of tiles, scores, and values mixed by a map. */
import { keyOf } from '../../key.ts';
import { runLength } from '../../definition/sums.ts';
import { call, callI32, f32x4, forRange, i32, set, v128, when } from '../assembler/index.ts';
import type { Code, Func, I32, Local, V128 } from '../assembler/index.ts';
import { at, kernel, type Library } from '../library.ts';
import { parallel } from '../threads/parallel.ts';
import { powersAreNormal, powersOfColumns, shares } from './attention-powers.ts';
import {
  packedKeysBytes,
  SHARED_AHEAD,
  vectorsOf,
  type AttentionExtents,
  type AttentionSpec,
} from './attention-scratch.ts';
import { evenSteps, loadTotals, stepsPerTurn, tileSum } from './tile.ts';
import { storeLanes } from './vectors.ts';

/**
 * The kernel of (thread, counters, k, packed): the keys in the order in which tiles read them, for every four keys of a
 * head d groups of four numbers; the last M mod 4 in smaller groups; and behind all keys of a head the squares of their
 * lengths. (Where they lie as planes, the numbers of a key are 4·M bytes apart, which for many M is the distance at
 * which they displace one another from the cache.)
 */
export function packKeysKernel(
  lib: Library,
  { batch, heads, keys, size, kStride }: Pick<AttentionSpec, 'batch' | 'heads' | 'keys' | 'size' | 'kStride'>,
): Func {
  const tiles = Math.ceil(keys / 4);
  return kernel(lib, `packKeys${keyOf([batch, heads, keys, size, kStride])}`, 2, (body) => {
    const [k0, packed0] = body.pointers;
    const [head, tile, k, packed, lengths, d] = body.locals('i32');
    const [value, squares] = body.locals('v128');
    const isKey = (rows: number): V128 => v128.const(-1, rows > 1 ? -1 : 0, rows > 2 ? -1 : 0, rows > 3 ? -1 : 0);
    const copy = (rows: number): Code => [
      set(squares, f32x4.const(0)),
      forRange(d, i32.const(0), i32.const(size), 1, [
        set(value, v128.load(at(k, d, 4 * keys))),
        storeLanes(at(packed, d, 4 * rows), value, rows),
        set(squares, f32x4.add(squares, f32x4.mul(value, value))),
      ]),
      v128.store(at(lengths, tile, 16), v128.and(squares, isKey(rows))),
    ];
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
      set(packed, at(at(packed0, head, packedKeysBytes({ keys, size })), tile, 16 * size)),
      set(lengths, i32.add(at(packed0, head, packedKeysBytes({ keys, size })), i32.const(4 * size * keys))),
      keys % 4 === 0 ? copy(4) : when(i32.eq(tile, i32.const(tiles - 1)), copy(keys % 4), copy(4)),
    ]);
  });
}

/** Where the scores of a panel of queries come from, and go. */
export interface PanelOfScores {
  /** The first of the queries, which lie as planes; and all keys of the head. */
  readonly queries: I32;
  readonly packedKeys: I32;
  /** In scratch: the scores [M][8], and behind them room for the queries [d][8]. */
  readonly scores: I32;
  /** There, too: the greatest of each query, if anybody asks for it. */
  readonly tops?: I32;
}

/** Code for the scaled scores of a panel of queries with all keys. @param m counts channels, then keys */
export function scoresOfPanel(
  lib: Library,
  spec: Pick<AttentionExtents, 'queries' | 'keys' | 'size' | 'scale'>,
  { queries, packedKeys, scores, tops }: PanelOfScores,
  m: Local<'i32'>,
): Code {
  const { keys, size } = spec;
  const row = 4 * lib.panel;
  const columns = i32.add(scores, i32.const(row * keys));
  const some = (rows: number): Code =>
    call(
      scoreTile(lib, spec, rows, tops !== undefined),
      at(packedKeys, m, 4 * size),
      columns,
      at(scores, m, row),
      ...(tops ? [tops] : []),
    );
  const copyVectors = vectorsOf(lib.panel).map((vector) =>
    v128.store(at(columns, m, row), v128.load(at(queries, m, 4 * spec.queries), vector), vector),
  );
  return [
    forRange(m, i32.const(0), i32.const(size), 1, copyVectors),
    tops ? vectorsOf(lib.panel).map((vector) => v128.store(tops, f32x4.const(-Infinity), vector)) : [],
    byFours(m, keys, some),
  ];
}

/**
 * Code that makes of the scores of a panel of queries their powers, and of the tops the sums of powers.
 * @param lanes scratch: of each query as many sums as the definition has lanes
 */
export function powersOfPanel(
  lib: Library,
  spec: Pick<AttentionExtents, 'keys' | 'size' | 'scale'>,
  { packedKeys, scores, tops }: Required<PanelOfScores>,
  lanes: I32,
): Code {
  const { keys, size } = spec;
  const columns = i32.add(scores, i32.const(4 * lib.panel * keys));
  const lengths = i32.add(packedKeys, i32.const(4 * size * keys));
  const areNormal = callI32(powersAreNormal(lib, spec), columns, lengths);
  return call(powersOfColumns(lib, keys), lanes, scores, tops, areNormal);
}

/** Code for four of `count` at a time, and then for the rest of them: keys or channels, which `counter` counts. */
export function byFours(counter: Local<'i32'>, count: number, code: (some: number) => Code): Code {
  const rest = count % 4;
  return [forRange(counter, i32.const(0), i32.const(count - rest), 4, code(4)), rest === 0 ? [] : code(rest)];
}

/**
 * The function (packed keys, q [d][8], scores, tops): the scaled scores of `rows` keys with eight queries, and, if they
 * are to be `ranked`, of each query the greatest so far. (A NaN is passed over there, but makes its power NaN, hence
 * the sum of the powers, hence the whole row of the map, as in the definition.)
 */
function scoreTile(lib: Library, spec: Pick<AttentionExtents, 'size' | 'scale'>, rows: number, ranked: boolean): Func {
  const perTurn = stepsPerTurn(spec.size, runLength, 16);
  const row = 4 * lib.panel;
  const key = keyOf(['scores', rows, spec.size, spec.scale, ranked]);
  const params = Array.from({ length: ranked ? 4 : 3 }, () => 'i32' as const);
  return lib.func(key, { params, results: [] }, (body) => {
    const [a, b, out, tops] = body.params;
    const vectors = vectorsOf(lib.panel);
    const { code, sums } = tileSum(body, {
      a,
      b,
      aSteps: evenSteps(
        perTurn,
        Array.from({ length: rows }, (_, i) => 4 * i),
        4 * rows,
      ),
      bVectors: vectors,
      bSteps: Array.from({ length: perTurn }, (_, d) => row * d),
      bTurn: row * perTurn,
      turns: spec.size / perTurn,
      turnsPerRun: runLength / perTurn,
      fma: lib.fma,
    });
    const scale = body.local('v128');
    const greatest = ranked ? vectors.map(() => body.local('v128')) : [];
    return [
      code,
      spec.scale === 1
        ? []
        : [set(scale, f32x4.const(spec.scale)), sums.flat().map((sum) => set(sum, f32x4.mul(sum, scale)))],
      sums.map((ofKey, i) => ofKey.map((sum, j) => v128.store(out, sum, row * i + vectors[j]))),
      greatest.map((top, j) => set(top, v128.load(tops, vectors[j]))),
      sums.map((ofKey) => greatest.map((top, j) => set(top, f32x4.pmax(top, ofKey[j])))),
      greatest.map((top, j) => v128.store(tops, top, vectors[j])),
    ];
  });
}

/**
 * The function (v, map, out, sums): `rows` channels of the result for eight queries, of which `lanes` are stored. With
 * `share` the map has powers yet, and gets in their place their shares of these sums. A division keeps the processor
 * from two multiplications, and from nothing else, so it is done beside the products of other keys.
 */
export function mixTile(
  lib: Library,
  spec: Pick<AttentionSpec, 'keys' | 'outPlane'>,
  rows: number,
  lanes: number,
  share: boolean,
): Func {
  const perTurn = stepsPerTurn(spec.keys, runLength, 8);
  const row = 4 * lib.panel;
  const key = keyOf(['mix', rows, lanes, share, spec.keys, spec.outPlane]);
  return lib.func(key, { params: ['i32', 'i32', 'i32', 'i32'], results: [] }, (body) => {
    const [a, b, out, totals] = body.params;
    const known = loadTotals(body, 1, lib.panel / 4, totals);
    const shared = (m: number): Code => shares(body, b, row * m, known.sums[0]);
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
      ...(share ? { beside: (m: number) => shared(m + SHARED_AHEAD) } : {}),
    });
    return [
      share ? [known.code, Array.from({ length: SHARED_AHEAD }, (_, m) => shared(m))] : [],
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
