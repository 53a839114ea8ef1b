/**
 * The second kernel of a Winograd convolution: the products of all places, and the way back from them to outputs.
 *
 * The picture is cut into strips of rows of tiles; a strip may also be several small pictures. Of a strip and a panel
 * of output channels, place after place is summed, so that pixels and weights are read in the order in which they lie:
 * what comes from far caches, or from memory, is then fetched ahead, and the weights of a place and a panel in one go.
 * All groups of the strip are summed at once, so that the weights of a run come from the nearest cache. The sums wait
 * in scratch. Then each four neighbouring outputs are transformed back, their channels in lanes, turned over, and
 * stored.
 */
import { keyOf } from '../../key.ts';
import { runLength } from '../../definition/sums.ts';
import { winogradTransforms } from '../../definition/winograd.ts';
import { atMost, call, forRange, i32, increase, set, v128, when } from '../assembler/index.ts';
import type { Code, Func, I32, Local } from '../assembler/index.ts';
import { pieceSize } from '../division.ts';
import { at, kernel, type Library, type Panel } from '../library.ts';
import { apart } from '../memory/planes.ts';
import { parallel, wantedUnits } from '../threads/parallel.ts';
import { applyEpilogue, epilogueKinds, hasOperand, operandCount, operandStart, type OperandOp } from './epilogue.ts';
import { fetchLines } from './fetch-lines.ts';
import { addRun, evenSteps, stepsPerTurn } from './tile.ts';
import { storeLanes, transposed } from './vectors.ts';
import type { WinogradWeights } from './winograd-weights.ts';
import { combined, GROUP, groupsOf, VECTOR, type SizeSpec, type WinogradSpec } from './winograd.ts';

/** Bytes of a place's weights in a chunk: with the strip's pixels of the place they fit the nearest cache. */
const CHUNK_BYTES = 20_480;

/** Bytes from a place's sums to the next one's. */
function placeTotals(spec: SizeSpec, outputs: number): number {
  const { perRow, stripRows } = groupsOf(spec);
  return apart(stripRows * perRow * groupTotals(outputs));
}

/** Bytes of a group's sums of one place. */
function groupTotals(outputs: number): number {
  return GROUP * VECTOR * vectorsOf(outputs);
}

const vectorsOf = (outputs: number): number => Math.ceil(outputs / 4);

/** Bytes of a strip's sums, for one panel. */
function panelTotals(panel: Panel, spec: SizeSpec): number {
  return groupsOf(spec).places * placeTotals(spec, panel);
}

/** Panels whose sums are made together, place by place: their weights lie so, too. */
export function chunkPanels(
  panel: Panel,
  { outputs, channels }: Pick<WinogradWeights, 'outputs' | 'channels'>,
): number {
  return pieceSize(Math.ceil(outputs / panel), CHUNK_BYTES / (4 * panel * channels), 1);
}

/** Bytes of scratch that each thread needs: the sums of a strip, for a chunk of panels. */
export function winogradScratch(panel: Panel, spec: SizeSpec & Pick<WinogradSpec, 'outChannels'>): number {
  return chunkPanels(panel, { ...spec, outputs: spec.outChannels }) * panelTotals(panel, spec);
}

/** The strip, the chunk of panels, and the panel at hand. */
interface Strip {
  /** Where the strip's pixels begin; of a picture its output, and each of the operands. */
  readonly input: Local<'i32'>;
  readonly out: Local<'i32'>;
  readonly operands: readonly { readonly op: OperandOp; readonly start: Local<'i32'> }[];
  /** Of a place, of the first panel. */
  readonly weights: Local<'i32'>;
  readonly scratch: I32;
  /** The first of its pictures, and the one at hand. */
  readonly b: Local<'i32'>;
  readonly picture: Local<'i32'>;
  /** Its number in the picture. */
  readonly number: Local<'i32'>;
  readonly panel: Local<'i32'>;
  readonly begin: Local<'i32'>;
  readonly end: Local<'i32'>;
}

/** How the work is cut into units: a part of a chunk of panels goes over one strip. */
interface Cut {
  readonly strips: number;
  /** Rows of a strip in a picture, and pictures. */
  readonly height: number;
  readonly pictures: number;
  readonly panels: number;
  readonly perChunk: number;
  readonly chunks: number;
  readonly perPart: number;
  readonly parts: number;
}

function cutOf(lib: Library, spec: WinogradSpec): Cut {
  const { batch, channels, outChannels } = spec;
  const { places, rows, perRow, stripRows } = groupsOf(spec);
  const strips = (batch * rows) / stripRows;
  const height = Math.min(rows, stripRows);
  const panels = Math.ceil(outChannels / lib.panel);
  const perChunk = chunkPanels(lib.panel, { channels, outputs: outChannels });
  const chunks = Math.ceil(panels / perChunk);
  const products = batch * rows * perRow * GROUP * places * channels * outChannels;
  const perPart = pieceSize(perChunk, perChunk, wantedUnits(lib, products) / (strips * chunks));
  const parts = Math.ceil(perChunk / perPart);
  return { strips, height, pictures: stripRows / height, panels, perChunk, chunks, perPart, parts };
}

/**
 * The kernel of (thread, counters, transformed, weights, out, scratch, …epilogue operands). The weights are in chunks
 * of panels, place after place; scratch is that of all threads.
 */
export function winogradKernel(lib: Library, spec: WinogradSpec): Func {
  const { channels, outWidth } = spec;
  const ops = spec.epilogue.filter(hasOperand);
  const { places, rows, stripRows, stripStride } = groupsOf(spec);
  const { strips, height, pictures, panels, perChunk, chunks, perPart, parts } = cutOf(lib, spec);
  const panelBytes = 4 * lib.panel * channels;
  const stripBytes = 4 * 2 * height * outWidth;

  return kernel(lib, `winograd${keyOf(spec)}`, 4 + ops.length, (body) => {
    const [inputStart, weightStart, outStart, scratchStart, ...operandStarts] = body.pointers;
    const [b, picture, number, place, panel, first, part, begin, end, row] = body.locals('i32');
    const [input, weights, placeBytes, out] = body.locals('i32');
    const counters = [body.local('i32'), body.local('i32')] as const;
    const operands = ops.map((op) => ({ op, start: body.local('i32') }));
    const scratch = at(scratchStart, body.thread, winogradScratch(lib.panel, spec));
    const strip: Strip = { input, out, operands, weights, scratch, b, picture, number, panel, begin, end };
    const toPanels = (unit: I32): Code => [
      set(first, i32.mul(i32.remU(i32.divU(unit, i32.const(parts)), i32.const(chunks)), i32.const(perChunk))),
      set(part, i32.mul(i32.remU(unit, i32.const(parts)), i32.const(perPart))),
      set(end, i32.add(first, i32.const(perChunk))),
      atMost(end, i32.const(panels)),
      set(placeBytes, i32.mul(i32.sub(end, first), i32.const(panelBytes))),
      set(weights, at(at(weightStart, first, places * panelBytes), part, panelBytes)),
      set(begin, i32.add(first, part)),
      atMost(end, i32.add(begin, i32.const(perPart))),
    ];
    const toStrip = (index: I32): Code => [
      set(row, i32.mul(index, i32.const(stripRows))),
      set(b, i32.divU(row, i32.const(rows))),
      set(number, i32.divU(i32.remU(row, i32.const(rows)), i32.const(height))),
      set(input, at(inputStart, index, stripStride)),
    ];
    return parallel(lib, body, strips * chunks * parts, (unit) => [
      toPanels(unit),
      toStrip(i32.divU(unit, i32.const(chunks * parts))),
      forRange(place, i32.const(0), i32.const(places), 1, [
        eachPanel(lib, spec, strip, (outputs) => placeSums(lib, spec, strip, place, outputs)),
        increase(weights, placeBytes),
      ]),
      forRange(picture, b, i32.add(b, i32.const(pictures)), 1, [
        set(out, at(at(outStart, picture, spec.outBatchStride), number, stripBytes)),
        operands.map(({ op, start }, i) => set(start, operandStart(op, operandStarts[i], picture, number, stripBytes))),
        eachPanel(lib, spec, strip, (outputs) => stripOutputs(lib, spec, strip, counters, outputs)),
      ]),
    ]);
  });
}

/** Does something for each panel of a unit: `code` is given how many channels the panel has. */
function eachPanel(
  lib: Library,
  { outChannels }: WinogradSpec,
  { panel, begin, end }: Strip,
  code: (outputs: number) => Code,
): Code {
  const whole = Math.floor(outChannels / lib.panel);
  const rest = outChannels % lib.panel;
  const isWhole = i32.ltS(panel, i32.const(whole));
  return forRange(panel, begin, end, 1, rest === 0 ? code(lib.panel) : when(isWhole, code(lib.panel), code(rest)));
}

/** Where the sums of a strip's panel lie. */
function panelSums(lib: Library, spec: WinogradSpec, { scratch, panel, begin }: Strip): I32 {
  return at(scratch, i32.sub(panel, begin), panelTotals(lib.panel, spec));
}

/** The sums of a place of a strip, for `outputs` channels of the panel. */
function placeSums(lib: Library, spec: WinogradSpec, strip: Strip, place: Local<'i32'>, outputs: number): Code {
  const { channels } = spec;
  const { places, placeStride } = groupsOf(spec);
  const panelBytes = 4 * lib.panel * channels;
  const weights = at(strip.weights, i32.sub(strip.panel, strip.begin), panelBytes);
  const runs = Array.from({ length: Math.ceil(channels / runLength) }, (_, run) => {
    const skipped = run * runLength;
    const taken = Math.min(runLength, channels - skipped);
    return call(
      stripRun(lib, spec, outputs, taken, run === 0),
      i32.add(at(strip.input, place, placeStride), i32.const(VECTOR * skipped)),
      i32.add(weights, i32.const(4 * lib.panel * skipped)),
      at(panelSums(lib, spec, strip), place, placeTotals(spec, outputs)),
    );
  });
  const all = Math.ceil(spec.outChannels / lib.panel) * places * panelBytes;
  return [fetchLines(lib, weights, panelBytes, all), runs];
}

/** The function (pixels, weights, totals) that adds a run of `channels` channels to the sums of a strip's place. */
function stripRun(lib: Library, spec: WinogradSpec, outputs: number, channels: number, first: boolean): Func {
  const { perRow, stripRows, groupStride } = groupsOf(spec);
  const groups = stripRows * perRow;
  const perTurn = stepsPerTurn(channels, runLength, 8);
  const key = keyOf(['winogradRun', outputs, groups, groupStride, channels, first]);
  return lib.func(key, { params: ['i32', 'i32', 'i32'], results: [] }, (body) => {
    const [pixels, weights, total] = body.params;
    const [group, a, b] = body.locals('i32');
    const run = {
      a,
      b,
      aSteps: evenSteps(perTurn, [0, 4, 8, 12], VECTOR),
      bVectors: Array.from({ length: vectorsOf(outputs) }, (_, j) => VECTOR * j),
      bSteps: Array.from({ length: perTurn }, (_, k) => 4 * lib.panel * k),
      bTurn: 4 * lib.panel * perTurn,
      fma: lib.fma,
    };
    return forRange(group, i32.const(0), i32.const(groups), 1, [
      set(a, pixels),
      set(b, weights),
      addRun(body, run, channels / perTurn, total, first),
      increase(pixels, groupStride),
      increase(total, groupTotals(outputs)),
    ]);
  });
}

/** All outputs of a strip in a picture, of `outputs` channels of the panel. */
function stripOutputs(
  lib: Library,
  spec: WinogradSpec,
  strip: Strip,
  [row, column]: readonly [Local<'i32'>, Local<'i32'>],
  outputs: number,
): Code {
  const { outHeight, outWidth, width } = spec;
  const { rows, perRow, stripRows } = groupsOf(spec);
  const height = Math.min(rows, stripRows);
  const plane = 4 * outHeight * outWidth;
  const whole = outWidth - (outWidth % 4);
  const element = at(at(i32.const(0), row, 4 * 2 * outWidth), column, 4);
  const inPlanes = (start: I32): I32 => i32.add(at(start, strip.panel, lib.panel * plane), element);
  const tileBytes = VECTOR * vectorsOf(outputs);
  const pictureSums = at(
    panelSums(lib, spec, strip),
    i32.sub(strip.picture, strip.b),
    height * perRow * groupTotals(outputs),
  );
  const quad = (lanes: number, ofRows: number): Code =>
    call(
      quadOutputs(lib, spec, outputs, lanes, ofRows),
      inPlanes(strip.out),
      at(at(pictureSums, row, perRow * GROUP * tileBytes), column, tileBytes / width),
      ...strip.operands.map(({ op, start }) =>
        op.kind === 'residual' ? inPlanes(start) : at(start, strip.panel, 4 * lib.panel),
      ),
    );
  const rowOf = (ofRows: number): Code => [
    forRange(column, i32.const(0), i32.const(whole), 4, quad(4, ofRows)),
    whole === outWidth ? [] : quad(outWidth - whole, ofRows),
  ];
  const isLast = i32.eq(at(row, strip.number, height), i32.const(rows - 1));
  return forRange(
    row,
    i32.const(0),
    i32.const(height),
    1,
    outHeight % 2 === 0 ? rowOf(2) : when(isLast, rowOf(1), rowOf(2)),
  );
}

/** The function (out, totals, …operands) that makes `lanes` neighbouring outputs of the sums of their tiles. */
function quadOutputs(lib: Library, spec: WinogradSpec, outputs: number, lanes: number, ofRows: number): Func {
  const { outHeight, outWidth, width, epilogue } = spec;
  const stride = placeTotals(spec, outputs);
  const vectors = vectorsOf(outputs);
  const plane = 4 * outHeight * outWidth;
  const key = keyOf([
    'winogradQuad',
    width,
    outputs,
    lanes,
    ofRows,
    stride,
    outHeight,
    outWidth,
    epilogueKinds(epilogue),
  ]);
  const operandTypes = Array.from({ length: operandCount(epilogue) }, () => 'i32' as const);
  const down = winogradTransforms[2].output.slice(0, ofRows);
  const across = winogradTransforms[width].output;
  return lib.func(key, { params: ['i32', 'i32', ...operandTypes], results: [] }, (body) => {
    const [out, total, ...operands] = body.params;
    const sums = Array.from({ length: 4 }, () => body.local('v128'));
    const columns = down.map(() => Array.from({ length: width + 2 }, () => body.local('v128')));
    const pixels = down.map(() => Array.from({ length: 4 }, () => body.local('v128')));
    /** The outputs of one tile, four channels in the lanes. */
    const tileOutputs = (tile: number, vector: number): Code => [
      Array.from({ length: width + 2 }, (_, j) => [
        sums.map((sum, i) =>
          set(sum, v128.load(total, (i * (width + 2) + j) * stride + VECTOR * (tile * vectors + vector))),
        ),
        down.map((factors, row) => set(columns[row][j], combined(factors, sums))),
      ]),
      down.map((_, row) =>
        across.map((factors, j) => set(pixels[row][tile * width + j], combined(factors, columns[row]))),
      ),
    ];
    return Array.from({ length: vectors }, (_, vector) => [
      Array.from({ length: 4 / width }, (_tile, tile) => tileOutputs(tile, vector)),
      down.map((_row, row) => {
        const planes = transposed(body, pixels[row]);
        return [
          planes.code,
          planes.columns.slice(0, outputs - 4 * vector).map((pixel, i) => {
            const channel = 4 * vector + i;
            const element = channel * plane + row * 4 * outWidth;
            return [
              applyEpilogue(epilogue, pixel, operands, { channel: 4 * channel, element }),
              storeLanes(out, pixel, lanes, element),
            ];
          }),
        ];
      }),
    ]);
  });
}
