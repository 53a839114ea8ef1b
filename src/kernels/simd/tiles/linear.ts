/**
 * Linear layers on rows. Repeats definition/linear:
 *
 *     out[r,o] = Σ_c x[r,c] · w[o,c]  + bias[o]
 *
 * A tile holds 4 rows × 8 outputs. The weights are packed in panels of eight outputs, a step's eight numbers side by
 * side (or 16); a panel stays in the first-level cache while rows pass by. Few rows take several panels at once
 * instead.
 */
import { keyOf } from '../../key.ts';
import { runLength } from '../../definition/sums.ts';
import { atMost, call, i32, increase, set, when, whileLoop } from '../assembler/index.ts';
import type { Code, Func } from '../assembler/index.ts';
import { pieceSize } from '../division.ts';
import { at, kernel, type Library } from '../library.ts';
import { parallel, wantedUnits } from '../threads/parallel.ts';
import { applyEpilogue, epilogueKinds, hasOperand, operandCount, type Epilogue } from './epilogue.ts';
import { evenSteps, stepsPerTurn, tileSum, tileWidth } from './tile.ts';
import { storeLanes } from './vectors.ts';

/** Rows whose input fits the second-level cache, to pass by each panel. */
const ROWS_PER_UNIT = 64;

/** A linear layer on `rows` rows of `channels` numbers. */
export interface LinearSpec {
  readonly rows: number;
  readonly channels: number;
  readonly outChannels: number;
  readonly epilogue: Epilogue;
}

/** The function (x, weights, out, …operands): `rows` rows × the given vectors, the first of which starts a panel. */
function linearTile(lib: Library, spec: LinearSpec, rows: number, lanes: readonly number[]): Func {
  const { channels, outChannels, epilogue } = spec;
  const perTurn = stepsPerTurn(channels, runLength, 8);
  const stepBytes = 4 * lib.panel;
  const element = (row: number, vector: number): number => 4 * outChannels * row + 16 * vector;
  const key = keyOf(['linearTile', rows, lanes, channels, outChannels, epilogueKinds(epilogue)]);
  const operandTypes = Array.from({ length: operandCount(epilogue) }, () => 'i32' as const);
  return lib.func(key, { params: ['i32', 'i32', 'i32', ...operandTypes], results: [] }, (body) => {
    const [a, b, out, ...operands] = body.params;
    const { code, sums } = tileSum(body, {
      a,
      b,
      aSteps: evenSteps(
        perTurn,
        Array.from({ length: rows }, (_, i) => 4 * channels * i),
        4,
      ),
      bVectors: lanes.map((_, j) => Math.floor((16 * j) / stepBytes) * channels * stepBytes + ((16 * j) % stepBytes)),
      bSteps: Array.from({ length: perTurn }, (_, k) => stepBytes * k),
      bTurn: stepBytes * perTurn,
      turns: channels / perTurn,
      turnsPerRun: runLength / perTurn,
      fma: lib.fma,
    });
    return [
      code,
      sums.map((row, i) =>
        row.map((sum, j) => applyEpilogue(epilogue, sum, operands, { channels: 16 * j, element: element(i, j) })),
      ),
      sums.map((row, i) => row.map((sum, j) => storeLanes(out, sum, lanes[j], element(i, j)))),
    ];
  });
}

/** The kernel of (thread, counters, x, weights, out, …epilogue operands), all dense. */
export function linearKernel(lib: Library, spec: LinearSpec): Func {
  const { rows, channels, outChannels, epilogue } = spec;
  const rowsPerTile = Math.min(rows, 4);
  const width = tileWidth(rowsPerTile, lib.panel);
  const vectors = Math.ceil(outChannels / 4);
  const columns = Math.ceil(vectors / width);
  const rowsPerUnit =
    4 * pieceSize(Math.ceil(rows / 4), ROWS_PER_UNIT / 4, wantedUnits(lib, rows * channels * outChannels) / columns);
  const rowBlocks = Math.ceil(rows / rowsPerUnit);
  const operandOps = epilogue.filter(hasOperand);

  return kernel(lib, `linear${keyOf(spec)}`, 3 + operandOps.length, (body) => {
    const [x, weights, out, ...operands] = body.pointers;
    const [row, end, column] = body.locals('i32');

    const tile = (tileRows: number, lanes: readonly number[]): Code =>
      call(
        linearTile(lib, spec, tileRows, lanes),
        at(x, row, 4 * channels),
        at(weights, column, 4 * channels * 4 * width),
        at(at(out, row, 4 * outChannels), column, 16 * width),
        ...operandOps.map((op, i) =>
          op.kind === 'residual'
            ? at(at(operands[i], row, 4 * outChannels), column, 16 * width)
            : at(operands[i], column, 16 * width),
        ),
      );
    const rowsOf = (lanes: readonly number[]): Code => [
      whileLoop(i32.geS(i32.sub(end, row), i32.const(rowsPerTile)), [
        tile(rowsPerTile, lanes),
        increase(row, rowsPerTile),
      ]),
      rows < 4 || rows % 4 === 0 ? [] : when(i32.ltS(row, end), tile(rows % 4, lanes)),
    ];

    const lanesOf = (first: number): number[] =>
      Array.from({ length: Math.min(width, vectors - first) }, (_, j) => Math.min(4, outChannels - 4 * (first + j)));
    const whole = Array.from({ length: width }, () => 4);
    const last = lanesOf((columns - 1) * width);

    return parallel(lib, body, columns * rowBlocks, (unit) => [
      set(column, i32.remU(unit, i32.const(columns))),
      set(row, i32.mul(i32.divU(unit, i32.const(columns)), i32.const(rowsPerUnit))),
      set(end, i32.add(row, i32.const(rowsPerUnit))),
      atMost(end, i32.const(rows)),
      when(i32.eq(column, i32.const(columns - 1)), rowsOf(last), rowsOf(whole)),
    ]);
  });
}
