/**
 * Convolution by one pixel, and every linear layer whose input has its channels as planes. Repeats definition/conv2d:
 *
 *     out[b,o,p] = Σ_c w[o,c] · x[b,c,p]  + bias[o]
 *
 * A tile holds 4 output channels × 8 neighbouring pixels (two vectors; or 16). Nothing lies between a pixel and its
 * neighbour here, so pixels are the lanes, read and stored as they lie; a weight is spread over them. What is done to
 * the sums before they are stored reads vectors, too.
 *
 * Order of work: a picture is cut into blocks of pixels. Under a block all output channels go through the sum run by
 * run, so that the block's pixels in a run of channels (16 KB) stay in the nearest cache. Between runs the totals wait
 * where the results will be.
 */
import { keyOf } from '../../key.ts';
import { runLength } from '../../definition/sums.ts';
import { atMost, call, f32x4, forRange, i32, increase, set, v128, when } from '../assembler/index.ts';
import type { Code, Func, I32, Local } from '../assembler/index.ts';
import { pieceSize } from '../division.ts';
import { at, kernel, type Library } from '../library.ts';
import { parallel, wantedUnits } from '../threads/parallel.ts';
import { productsIn, type ConvSpec } from './area.ts';
import { applyEpilogue, epilogueKinds, hasOperand, operandStart, type OperandOp } from './epilogue.ts';
import { accumulators, evenSteps, stepsPerTurn, tileRun } from './tile.ts';
import { storeLanes } from './vectors.ts';

/** Output channels of a tile. */
const ROWS = 4;
/** Pixels of a block at most. */
const MOST_PIXELS = 64;

/** Whether a convolution sees single pixels, and rows of them follow one another without a gap. */
export function seesSinglePixels(spec: Omit<ConvSpec, 'outBatchStride' | 'epilogue'>): boolean {
  const { kernelHeight, kernelWidth, stride, phases, input, outWidth } = spec;
  return kernelHeight * kernelWidth * stride * phases === 1 && input.rowStride === 4 * outWidth;
}

/** How the work is cut into units: a chunk of the panels under one block of a picture. */
interface Cut {
  readonly pixels: number;
  /** Tiles of a block; the picture's last one may have fewer pixels. */
  readonly tiles: number;
  readonly blocks: number;
  readonly panels: number;
  readonly panelsPerUnit: number;
  readonly chunks: number;
}

function cutOf(lib: Library, spec: ConvSpec): Cut {
  const { batch, outHeight, outWidth, outChannels } = spec;
  const pixels = outHeight * outWidth;
  const all = Math.ceil(pixels / lib.panel);
  const tiles = pieceSize(all, MOST_PIXELS / lib.panel, 1);
  const blocks = Math.ceil(all / tiles);
  const panels = Math.ceil(outChannels / lib.panel);
  const panelsPerUnit = pieceSize(panels, panels, wantedUnits(lib, productsIn(spec)) / (blocks * batch));
  return { pixels, tiles, blocks, panels, panelsPerUnit, chunks: Math.ceil(panels / panelsPerUnit) };
}

/** A run of the sum: its channels, whether it begins the sum, and whether it ends it. */
interface Run {
  readonly channels: number;
  readonly first: boolean;
  readonly last: boolean;
}

/** The block and the panel at hand, in a run: addresses, and what they count from. */
interface Block {
  /** Where the block begins in the run's first channel, in the output, and in each of the operands. */
  readonly input: Local<'i32'>;
  readonly out: Local<'i32'>;
  readonly operands: readonly { readonly op: OperandOp; readonly start: Local<'i32'> }[];
  /** Of the run, in the first panel. */
  readonly weights: Local<'i32'>;
  readonly panel: Local<'i32'>;
  /** Tiles with all their pixels. */
  readonly whole: Local<'i32'>;
  /** 1 if after them comes one with fewer. */
  readonly more: Local<'i32'>;
}

/** The kernel of (thread, counters, input, weights, out, …epilogue operands). The weights are in panels. */
export function pointwiseKernel(lib: Library, spec: ConvSpec): Func {
  const { channels, outChannels } = spec;
  const ops = spec.epilogue.filter(hasOperand);
  const { pixels, tiles, blocks, panels, panelsPerUnit, chunks } = cutOf(lib, spec);
  const runs = Math.ceil(channels / runLength);
  const restOutputs = outChannels % lib.panel;

  return kernel(lib, `pointwise${keyOf(spec)}`, 3 + ops.length, (body) => {
    const [inputStart, weightStart, outStart, ...operandStarts] = body.pointers;
    const [b, number, panel, begin, end, input, weights, out, whole, more] = body.locals('i32');
    const index = body.local('i32');
    const operands = ops.map((op) => ({ op, start: body.local('i32') }));
    const block: Block = { input, out, operands, weights, panel, whole, more };
    const blockBytes = 4 * lib.panel * tiles;

    /** All panels of the unit, then on to the next run. */
    const allPanels = (run: Run): Code => [
      forRange(
        panel,
        begin,
        end,
        1,
        restOutputs === 0
          ? panelRun(lib, spec, block, lib.panel, run)
          : when(
              i32.eq(panel, i32.const(panels - 1)),
              panelRun(lib, spec, block, restOutputs, run),
              panelRun(lib, spec, block, lib.panel, run),
            ),
      ),
      increase(input, runLength * spec.input.planeStride),
      increase(weights, 4 * lib.panel * runLength),
    ];
    return parallel(lib, body, spec.batch * blocks * chunks, (unit) => [
      set(begin, i32.mul(i32.remU(unit, i32.const(chunks)), i32.const(panelsPerUnit))),
      set(end, i32.add(begin, i32.const(panelsPerUnit))),
      panels % panelsPerUnit === 0 ? [] : atMost(end, i32.const(panels)),
      set(number, i32.remU(i32.divU(unit, i32.const(chunks)), i32.const(blocks))),
      set(b, i32.divU(unit, i32.const(chunks * blocks))),
      set(whole, i32.sub(i32.const(Math.floor(pixels / lib.panel)), i32.mul(number, i32.const(tiles)))),
      set(more, i32.ltS(whole, i32.const(tiles))),
      when(i32.gtS(whole, i32.const(tiles)), set(whole, i32.const(tiles))),
      set(input, at(at(inputStart, b, spec.input.batchStride), number, blockBytes)),
      set(out, at(at(outStart, b, spec.outBatchStride), number, blockBytes)),
      set(weights, weightStart),
      operands.map(({ op, start }, i) => set(start, operandStart(op, operandStarts[i], b, number, blockBytes))),
      runs === 1 ? [] : allPanels({ channels: runLength, first: true, last: false }),
      forRange(
        index,
        i32.const(2),
        i32.const(runs),
        1,
        runs <= 2 ? [] : allPanels({ channels: runLength, first: false, last: false }),
      ),
      allPanels({ channels: channels - runLength * (runs - 1), first: runs === 1, last: true }),
    ]);
  });
}

/** A run of the first `outputs` channels of a panel. */
function panelRun(lib: Library, spec: ConvSpec, block: Block, outputs: number, run: Run): Code {
  const { input, out, operands, weights, panel, whole, more } = block;
  const pixels = spec.outHeight * spec.outWidth;
  const rest = pixels % lib.panel;
  return Array.from({ length: Math.ceil(outputs / ROWS) }, (_, i) => {
    const rows = Math.min(ROWS, outputs - ROWS * i);
    const inPlanes = (start: I32, plane: number): I32 =>
      i32.add(at(start, panel, lib.panel * plane), i32.const(ROWS * i * plane));
    const tilesOf = (lanes: number, count: I32, from: I32): Code =>
      call(
        tilesRun(lib, spec, rows, lanes, run),
        at(input, from, 4 * lib.panel),
        i32.add(at(weights, panel, 4 * lib.panel * spec.channels), i32.const(4 * ROWS * i)),
        at(inPlanes(out, 4 * pixels), from, 4 * lib.panel),
        count,
        ...operands.map(({ op, start }) =>
          op.kind === 'residual' ? at(inPlanes(start, 4 * pixels), from, 4 * lib.panel) : inPlanes(start, 4),
        ),
      );
    return [tilesOf(lib.panel, whole, i32.const(0)), rest === 0 ? [] : when(more, tilesOf(rest, i32.const(1), whole))];
  });
}

/**
 * The function (input, weights, out, tiles, …operands): a run for so many tiles of `rows` output channels × `lanes`
 * pixels. The first run puts its sums in place of the totals; the last one does the rest.
 */
function tilesRun(lib: Library, spec: ConvSpec, rows: number, lanes: number, run: Run): Func {
  const { input, epilogue } = spec;
  const ops = epilogue.filter(hasOperand);
  const plane = 4 * spec.outHeight * spec.outWidth;
  const perTurn = stepsPerTurn(run.channels, runLength, 8);
  const key = keyOf(['pointwiseRun', rows, lanes, run, input.planeStride, plane, epilogueKinds(epilogue)]);
  const params = Array.from({ length: 4 + ops.length }, () => 'i32' as const);
  return lib.func(key, { params, results: [] }, (body) => {
    const [x, weights, out, tiles, ...operands] = body.params;
    const [number, a, b, turns] = body.locals('i32');
    const vectors = Array.from({ length: Math.ceil(lanes / 4) }, (_, j) => 16 * j);
    const sums = accumulators(body, rows, vectors.length);
    /** Does something with each sum: `vector` is its number in the row, `element` where it lies in the output. */
    const each = (code: (sum: Local<'v128'>, row: number, vector: number, element: number) => Code): Code =>
      sums.map((ofRow, i) => ofRow.map((sum, j) => code(sum, i, j, plane * i + 16 * j)));
    const tile = {
      ...{ a, b, bVectors: vectors, fma: lib.fma },
      aSteps: evenSteps(
        perTurn,
        Array.from({ length: rows }, (_, i) => 4 * i),
        4 * lib.panel,
      ),
      bSteps: Array.from({ length: perTurn }, (_, k) => input.planeStride * k),
      bTurn: input.planeStride * perTurn,
    };
    const moving = [x, out, ...operands.filter((_, i) => run.last && ops[i].kind === 'residual')];
    return forRange(number, i32.const(0), tiles, 1, [
      [set(a, weights), set(b, x), set(turns, i32.const(run.channels / perTurn))],
      each((sum) => set(sum, f32x4.const(0))),
      tileRun(body, tile, sums, turns),
      run.first ? [] : each((sum, _row, _vector, element) => set(sum, f32x4.add(v128.load(out, element), sum))),
      run.last
        ? each((sum, row, _vector, element) => applyEpilogue(epilogue, sum, operands, { channel: 4 * row, element }))
        : [],
      each((sum, _row, vector, element) => storeLanes(out, sum, Math.min(4, lanes - 4 * vector), element)),
      moving.map((pointer) => increase(pointer, 4 * lib.panel)),
    ]);
  });
}
