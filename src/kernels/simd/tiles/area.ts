/**
 * An area of a picture under convolution, for one panel of output channels.
 *
 * A tile holds 4 neighbouring pixels × 8 output channels (a panel, two vectors; or 16). It reads the picture directly.
 * Pixels are spread over the lanes, and stay in registers from one tap of a row to the next: four pixels under a row of
 * three taps are six numbers to load, not twelve.
 *
 * A tile's sum is made of runs. All tiles of the area do a run before any does the next: the weights of a run, 2 KB (or
 * 4), then come from the nearest cache for all tiles but the first, where those of a whole sum would not stay. Between
 * runs the totals wait in scratch. At the end each tile is transposed, for the output has its channels as planes.
 */
import { keyOf } from '../../key.ts';
import { runOfChannels } from '../../definition/sums.ts';
import { call, forRange, i32, increase, set } from '../assembler/index.ts';
import type { Code, Func, I32 } from '../assembler/index.ts';
import { at, type Library, type Panel } from '../library.ts';
import type { PlaneLayout } from '../memory/planes.ts';
import { applyEpilogue, epilogueKinds, hasOperand, operandCount, type Epilogue } from './epilogue.ts';
import { addRun, loadTotals, stepsPerTurn, type AStep } from './tile.ts';
import { storeApart, storeLanes, transposed } from './vectors.ts';

/** Pixels of a tile; the last of a row may have fewer. */
export const PIXELS = 4;
/**
 * Tiles of an area. Under 3 × 3 taps their totals, the weights of a run and the pixels under it fit the nearest cache
 * together.
 */
export const MOST_TILES = 64;

/** The picture in memory, its border included. */
export type InputLayout = Pick<PlaneLayout, 'batchStride' | 'planeStride' | 'rowStride'>;

/** A convolution on planes in memory. */
export interface ConvSpec {
  readonly batch: number;
  readonly channels: number;
  readonly outChannels: number;
  /** Of one phase. */
  readonly outHeight: number;
  readonly outWidth: number;
  /**
   * In each direction: 2 where four convolutions share the output's pixels, else 1. Their weights follow one another;
   * the input has a border of one pixel.
   */
  readonly phases: 1 | 2;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly stride: number;
  readonly input: InputLayout;
  /** Bytes from a sample of the output to the next. */
  readonly outBatchStride: number;
  readonly epilogue: Epilogue;
}

/** Multiplications in the sums of a convolution. */
export function productsIn(spec: ConvSpec): number {
  const { batch, phases, outHeight, outWidth, outChannels, channels, kernelHeight, kernelWidth } = spec;
  return batch * phases ** 2 * outHeight * outWidth * outChannels * channels * kernelHeight * kernelWidth;
}

/** `rows` × `columns` tiles, each `pixels` wide and `outputs` channels deep. */
export interface Area {
  readonly rows: number;
  readonly columns: number;
  readonly pixels: number;
  readonly outputs: number;
}

/** Channels of a run of the sum, which takes whole ones. */
function channelsPerRun({ kernelHeight, kernelWidth }: ConvSpec): number {
  return runOfChannels(kernelHeight, kernelWidth) / (kernelHeight * kernelWidth);
}

/** Channels whose taps make up one turn of the loop over k. */
function channelsPerTurn(spec: ConvSpec): number {
  return stepsPerTurn(spec.channels, channelsPerRun(spec), Math.max(1, 9 / (spec.kernelHeight * spec.kernelWidth)));
}

/**
 * Where the taps of `channels` input channels find what lies under `pixels` neighbouring outputs, in the definition's
 * order.
 */
function tapSteps(
  { kernelHeight, kernelWidth, stride, input }: ConvSpec,
  channels: number,
  pixels: number,
): readonly AStep[] {
  /** From the end of row ky of the kernel to the next row, or to the next channel. */
  const onwards = (ky: number): number =>
    ky < kernelHeight - 1 ? input.rowStride : input.planeStride - ky * input.rowStride;
  const row = (ky: number): AStep[] =>
    Array.from({ length: kernelWidth }, (_, kx) => ({
      numbers: Array.from({ length: pixels }, (_, p) => 4 * (p * stride + kx)),
      move: kx < kernelWidth - 1 ? 0 : onwards(ky),
    }));
  const channel = Array.from({ length: kernelHeight }, (_, ky) => row(ky)).flat();
  return Array.from({ length: channels }, () => channel).flat();
}

/** Distances in the output, in bytes: with phases its pixels and rows take turns. */
export interface OutputBytes {
  /** From a pixel of a phase to the next. */
  readonly pixel: number;
  /** From a row of a phase to the next. */
  readonly row: number;
  /** From a channel to the next. */
  readonly plane: number;
}

/** The distances in a convolution's output. */
export function outputBytes({ phases, outHeight, outWidth }: ConvSpec): OutputBytes {
  const pixel = 4 * phases;
  const row = pixel * phases * outWidth;
  return { pixel, row, plane: row * outHeight };
}

const vectorsOf = ({ outputs }: Area): number => Math.ceil(outputs / 4);
/** Bytes of a tile's totals. */
const totalBytes = (area: Area): number => 16 * area.pixels * vectorsOf(area);

/** Bytes of scratch that each thread needs: the totals of an area. */
export function areaScratch(panel: Panel): number {
  return MOST_TILES * 4 * PIXELS * panel;
}

/**
 * The function (input, weights, totals, index) that adds run number `index`, of `channels` channels, to the sums of an
 * area. `input` is that of the first channel, `weights` are the run's own. The first run puts its sums in place of the
 * totals.
 */
function areaRun(lib: Library, spec: ConvSpec, area: Area, channels: number, first: boolean): Func {
  const { stride, input } = spec;
  const perTurn = channelsPerTurn(spec);
  const aSteps = tapSteps(spec, perTurn, area.pixels);
  const key = keyOf([
    'areaRun',
    area,
    channels,
    first,
    perTurn,
    spec.kernelHeight,
    spec.kernelWidth,
    stride,
    input.planeStride,
    input.rowStride,
  ]);
  return lib.func(key, { params: ['i32', 'i32', 'i32', 'i32'], results: [] }, (body) => {
    const [picture, weights, total, index] = body.params;
    const [runPicture, row, column, a, b] = body.locals('i32');
    const tileBytes = 4 * stride * area.pixels;
    const rowStart = at(runPicture, row, stride * input.rowStride);
    return [
      set(runPicture, at(picture, index, channelsPerRun(spec) * input.planeStride)),
      forRange(
        row,
        i32.const(0),
        i32.const(area.rows),
        1,
        forRange(column, i32.const(0), i32.const(area.columns * tileBytes), tileBytes, [
          set(a, i32.add(rowStart, column)),
          set(b, weights),
          addRun(
            body,
            {
              a,
              b,
              aSteps,
              bVectors: Array.from({ length: vectorsOf(area) }, (_, j) => 16 * j),
              bSteps: aSteps.map((_, k) => 4 * lib.panel * k),
              bTurn: 4 * lib.panel * aSteps.length,
              fma: lib.fma,
            },
            channels / perTurn,
            total,
            first,
          ),
          increase(total, totalBytes(area)),
        ]),
      ),
    ];
  });
}

/** The function (input, weights, totals) that computes the sums of an area. */
export function areaSums(lib: Library, spec: ConvSpec, area: Area): Func {
  const perRun = channelsPerRun(spec);
  const wholeRuns = Math.floor(spec.channels / perRun);
  const rest = spec.channels % perRun;
  const runWeights = 4 * lib.panel * perRun * spec.kernelHeight * spec.kernelWidth;
  const key = keyOf([
    'areaSums',
    area,
    spec.channels,
    spec.kernelHeight,
    spec.kernelWidth,
    spec.stride,
    spec.input.planeStride,
    spec.input.rowStride,
  ]);
  return lib.func(key, { params: ['i32', 'i32', 'i32'], results: [] }, (body) => {
    const [picture, weights, totals] = body.params;
    const index = body.local('i32');
    const run = (channels: number, number: I32, first: boolean): Code =>
      call(areaRun(lib, spec, area, channels, first), picture, at(weights, number, runWeights), totals, number);
    return [
      run(Math.min(perRun, spec.channels), i32.const(0), true),
      wholeRuns < 2 ? [] : forRange(index, i32.const(1), i32.const(wholeRuns), 1, run(perRun, index, false)),
      wholeRuns === 0 || rest === 0 ? [] : run(rest, i32.const(wholeRuns), false),
    ];
  });
}

/** The function (out, totals, …operands) that does the rest, and stores the area. */
export function areaFinish(lib: Library, spec: ConvSpec, area: Area): Func {
  const { phases, epilogue } = spec;
  const bytes = outputBytes(spec);
  const operandOps = epilogue.filter(hasOperand);
  const key = keyOf(['areaFinish', area, phases, bytes.row, bytes.plane, epilogueKinds(epilogue)]);
  const operandTypes = Array.from({ length: operandCount(epilogue) }, () => 'i32' as const);
  return lib.func(key, { params: ['i32', 'i32', ...operandTypes], results: [] }, (body) => {
    const [out, total, ...operands] = body.params;
    const [row, column] = body.locals('i32');
    const { code, sums } = loadTotals(body, area.pixels, vectorsOf(area), total);
    const tileBytes = bytes.pixel * area.pixels;
    const moving = [out, ...operands.filter((_, i) => operandOps[i].kind === 'residual')];
    const forward = (distance: number): Code => moving.map((pointer) => increase(pointer, distance));
    return forRange(row, i32.const(0), i32.const(area.rows), 1, [
      forRange(column, i32.const(0), i32.const(area.columns), 1, [
        code,
        Array.from({ length: vectorsOf(area) }, (_, j) => {
          const planes = transposed(
            body,
            sums.map((pixel) => pixel[j]),
          );
          return [
            planes.code,
            planes.columns.slice(0, area.outputs - 4 * j).map((plane, i) => {
              const channel = 4 * j + i;
              return [
                applyEpilogue(epilogue, plane, operands, { channel: 4 * channel, element: channel * bytes.plane }),
                (phases === 1 ? storeLanes : storeApart)(out, plane, area.pixels, channel * bytes.plane),
              ];
            }),
          ];
        }),
        increase(total, totalBytes(area)),
        forward(tileBytes),
      ]),
      forward(bytes.row - area.columns * tileBytes),
    ]);
  });
}
