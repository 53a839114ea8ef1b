/**
 * The gradient of a convolution's weight, and of every linear layer's. Repeats definition/conv2d-weight-gradient:
 *
 *     out[o,c,i,j] = Σ_{b, row, column} gradient[b,o,row,column] · x[b, c, row·s + i − top, column·s + j − left]
 *
 * The input lies in memory with its border of zeros, so a tap is an offset; the gradient is packed in panels of eight
 * outputs (or 16), pixel by pixel. A tile holds the taps of a row of the kernel × 8 outputs; or, where the kernel sees
 * one pixel, four channels. Pixels are what is summed over: each is spread over the lanes once, and stays in its
 * register for the taps to come.
 *
 * Tiles sum up one sample after another; between samples their totals wait in scratch.
 */
import { keyOf } from '../../key.ts';
import { runOfRows } from '../../definition/sums.ts';
import { atMost, call, f32, f32x4, forRange, i32, increase, memoryFill, set, v128, when } from '../assembler/index.ts';
import type { Code, Func, I32 } from '../assembler/index.ts';
import { divisorUpTo, pieceSize } from '../division.ts';
import { at, kernel, type Library, type Panel } from '../library.ts';
import { parallel, wantedUnits } from '../threads/parallel.ts';
import type { InputLayout } from './area.ts';
import { accumulators, tileRun, type AStep } from './tile.ts';

/** The weight's gradient of a convolution on planes in memory. */
export interface WeightGradientSpec {
  readonly batch: number;
  readonly channels: number;
  readonly outChannels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly stride: number;
  readonly input: InputLayout;
  /** So many such sums at once: how many bytes their inputs and packed gradients are apart; results follow closely. */
  readonly places: { readonly count: number; readonly inputDistance: number; readonly gradientDistance: number };
}

/** Channels of a unit of work at most. */
const MOST_CHANNELS = 64;
/** Taps, or channels, of a tile at most. */
const MOST_ROWS = 4;
/** Pixels of one turn of the loop over them at most. */
const MOST_STEPS = 8;

/** Bytes of scratch that each thread needs: the totals of a unit of work. */
export function weightGradientScratch(panel: Panel, spec: WeightGradientSpec): number {
  return 4 * panel * Math.min(spec.channels, MOST_CHANNELS) * spec.kernelHeight * spec.kernelWidth;
}

/** The kernel of (thread, counters, input, packed gradient, out, scratch); scratch is that of all threads. */
export function weightGradientKernel(lib: Library, spec: WeightGradientSpec): Func {
  const { batch, channels, outChannels, outHeight, outWidth, kernelHeight, kernelWidth, input, places } = spec;
  const area = kernelHeight * kernelWidth;
  const panels = Math.ceil(outChannels / lib.panel);
  const perUnit = channelsPerUnit(lib, spec, panels * places.count);
  const blocks = Math.ceil(channels / perUnit);
  const gradientBytes = 4 * lib.panel * outHeight * outWidth;
  return kernel(lib, `weightGradient${keyOf(spec)}`, 4, (body) => {
    const [x0, gradient0, out0, scratch0] = body.pointers;
    const [place, panel, first, count, b, x, gradient, totals, scratch, placeX, placeGradient, placeOut] =
      body.locals('i32');
    return parallel(lib, body, places.count * panels * blocks, (unit) => [
      set(place, i32.divU(unit, i32.const(panels * blocks))),
      set(placeX, at(x0, place, places.inputDistance)),
      set(placeGradient, at(gradient0, place, places.gradientDistance)),
      set(placeOut, at(out0, place, 4 * outChannels * channels * area)),
      set(panel, i32.remU(unit, i32.const(panels))),
      set(first, i32.mul(i32.remU(i32.divU(unit, i32.const(panels)), i32.const(blocks)), i32.const(perUnit))),
      set(count, i32.sub(i32.const(channels), first)),
      when(i32.gtS(count, i32.const(perUnit)), set(count, i32.const(perUnit))),
      set(scratch, at(scratch0, body.thread, weightGradientScratch(lib.panel, spec))),
      memoryFill(scratch, 0, i32.mul(count, i32.const(4 * lib.panel * area))),
      forRange(b, i32.const(0), i32.const(batch), 1, [
        set(x, at(at(placeX, b, input.batchStride), first, input.planeStride)),
        set(gradient, at(at(placeGradient, b, panels * gradientBytes), panel, gradientBytes)),
        set(totals, scratch),
        call(sampleSums(lib, spec), x, gradient, totals, count),
      ]),
      call(
        storeTotals(lib, spec),
        at(at(placeOut, panel, 4 * lib.panel * channels * area), first, 4 * area),
        scratch,
        i32.mul(count, i32.const(area)),
        i32.sub(i32.const(outChannels), i32.mul(panel, i32.const(lib.panel))),
      ),
    ]);
  });
}

/** A multiple of the channels of a tile where there are several units. */
function channelsPerUnit(lib: Library, spec: WeightGradientSpec, panels: number): number {
  const { batch, channels, outHeight, outWidth, kernelHeight, kernelWidth } = spec;
  const area = kernelHeight * kernelWidth;
  const products = panels * lib.panel * batch * channels * outHeight * outWidth * area;
  const tiles = Math.ceil(channels / MOST_ROWS);
  return MOST_ROWS * pieceSize(tiles, MOST_CHANNELS / MOST_ROWS, wantedUnits(lib, products) / panels);
}

/** The function (input, gradient, totals, channels) that adds the sums of one sample to the totals of a unit. */
function sampleSums(lib: Library, spec: WeightGradientSpec): Func {
  const { kernelHeight, kernelWidth, input } = spec;
  return lib.func(keyOf(['sampleSums', spec]), { params: ['i32', 'i32', 'i32', 'i32'], results: [] }, (body) => {
    const [x, gradient, totals, count] = body.params;
    const [c, row, plane] = body.locals('i32');
    const tile = (rows: number, distance: number, from: I32): Code => [
      call(tileSums(lib, spec, rows, distance), from, gradient, totals),
      increase(totals, 4 * lib.panel * rows),
    ];
    if (kernelHeight * kernelWidth === 1) {
      return [
        forRange(c, i32.const(0), i32.sub(count, i32.const(MOST_ROWS - 1)), MOST_ROWS, [
          tile(MOST_ROWS, input.planeStride, at(x, c, input.planeStride)),
        ]),
        forRange(c, c, count, 1, tile(1, 0, at(x, c, input.planeStride))),
      ];
    }
    const taps = Math.ceil(kernelWidth / Math.ceil(kernelWidth / MOST_ROWS));
    return forRange(c, i32.const(0), count, 1, [
      set(plane, at(x, c, input.planeStride)),
      forRange(
        row,
        i32.const(0),
        i32.const(kernelHeight),
        1,
        Array.from({ length: Math.ceil(kernelWidth / taps) }, (_, i) =>
          tile(
            Math.min(taps, kernelWidth - taps * i),
            4,
            i32.add(at(plane, row, input.rowStride), i32.const(4 * taps * i)),
          ),
        ),
      ),
    ]);
  });
}

/**
 * The function (input, gradient, totals) that adds the sums of one sample, for `rows` numbers of the input that are
 * `distance` bytes apart and eight outputs.
 */
function tileSums(lib: Library, spec: WeightGradientSpec, rows: number, distance: number): Func {
  const { outHeight, outWidth, stride, input } = spec;
  const perTurn = divisorUpTo(outWidth, MOST_STEPS);
  const rowsPerRun = runOfRows(outWidth) / outWidth;
  const numbers = Array.from({ length: rows }, (_, i) => distance * i);
  const aSteps: AStep[] = Array.from({ length: perTurn }, () => ({ numbers, move: 4 * stride }));
  const toNextRow = stride * (input.rowStride - 4 * outWidth);
  const key = keyOf(['weightGradientTile', rows, distance, outHeight, outWidth, stride, input.rowStride]);
  return lib.func(key, { params: ['i32', 'i32', 'i32'], results: [] }, (body) => {
    const [a, b, total] = body.params;
    const [row, line, end, turns] = body.locals('i32');
    const vectors = lib.panel / 4;
    const sumsByRow = accumulators(body, rows, vectors);
    const sums = sumsByRow.flat();
    const ofSample = sums.map(() => body.local('v128'));
    const bVectors = Array.from({ length: vectors }, (_, j) => 16 * j);
    const bSteps = aSteps.map((_, k) => 4 * lib.panel * k);
    const run = { a, b, aSteps, bVectors, bSteps, bTurn: 4 * lib.panel * perTurn, fma: lib.fma };
    const last = i32.const(outHeight);
    return [
      ofSample.map((sum) => set(sum, f32x4.const(0))),
      forRange(row, i32.const(0), last, rowsPerRun, [
        sums.map((sum) => set(sum, f32x4.const(0))),
        set(end, i32.add(row, i32.const(rowsPerRun))),
        outHeight % rowsPerRun === 0 ? [] : atMost(end, last),
        forRange(line, row, end, 1, [
          set(turns, i32.const(outWidth / perTurn)),
          tileRun(body, run, sumsByRow, turns),
          increase(a, toNextRow),
        ]),
        ofSample.map((sum, i) => set(sum, f32x4.add(sum, sums[i]))),
      ]),
      ofSample.map((sum, i) => set(sum, f32x4.add(v128.load(total, 16 * i), sum))),
      ofSample.map((sum, i) => v128.store(total, sum, 16 * i)),
    ];
  });
}

/**
 * The function (out, totals, taps, outputs) that stores what belongs to the `outputs` first outputs of a panel, or all
 * if it has fewer: `taps` numbers of each.
 */
function storeTotals(lib: Library, { channels, kernelHeight, kernelWidth }: WeightGradientSpec): Func {
  const bytes = 4 * channels * kernelHeight * kernelWidth;
  const params = ['i32', 'i32', 'i32', 'i32'] as const;
  return lib.func(`storeTotals${bytes}`, { params, results: [] }, (body) => {
    const [out, totals, taps, outputs] = body.params;
    const [output, tap] = body.locals('i32');
    return [
      when(i32.gtS(outputs, i32.const(lib.panel)), set(outputs, i32.const(lib.panel))),
      forRange(output, i32.const(0), outputs, 1, [
        forRange(
          tap,
          i32.const(0),
          taps,
          1,
          f32.store(at(out, tap, 4), f32.load(at(at(totals, output, 4), tap, 4 * lib.panel))),
        ),
        increase(out, bytes),
      ]),
    ];
  });
}
