/**
 * Convolution, and every linear layer whose input has its channels as planes. Repeats plain/conv2d:
 *
 *     out[b,o,y,x] = Σ_{c, ky, kx} w[o,c,ky,kx] · x[b, c, y·s + ky − top, x·s + kx − left]  + bias[o]
 *
 * The input lies in memory with its border of zeros, so tap (ky, kx) is an offset and nothing is ever gathered into
 * columns. The doubled picture of plain/upsample-conv2d is four such convolutions, one after another, whose outputs
 * take turns in the planes.
 *
 * Order of work: the picture is cut into strips of rows, all panels of output channels go over each strip, and each
 * panel over one area of the strip after another (see area.ts).
 */
import { call, forRange, i32, set, when } from './assembler.ts';
import type { Code, Func, I32, Local } from './assembler.ts';
import { areaFinish, areaScratch, areaSums, MOST_TILES, PIXELS, type Area, type ConvSpec } from './area.ts';
import { hasOperand } from './epilogue.ts';
import { at, divisorUpTo, kernel, pieceSize, type Library } from './library.ts';
import { keyOf } from '../key.ts';
import { parallel, wantedUnits } from './parallel.ts';

/**
 * Pixels of a strip, about: so often is a panel's weight used for each time that it comes from the third-level cache.
 */
const STRIP_PIXELS = 256;

/**
 * The kernel of (thread, counters, input, weights, out, scratch, …epilogue operands). The weights are in panels,
 * scratch is that of all threads.
 */
export function convKernel(lib: Library, spec: ConvSpec): Func {
  const { batch, channels, outChannels, outHeight, outWidth, phases, stride, input, epilogue } = spec;
  const taps = spec.kernelHeight * spec.kernelWidth;
  const operandOps = epilogue.filter(hasOperand);

  const panels = Math.ceil(outChannels / lib.panel);
  const units = wantedUnits(lib);
  const pictures = batch * phases ** 2;
  const height = divisorUpTo(outHeight, Math.min(STRIP_PIXELS / outWidth, (outHeight * panels * pictures) / units));
  const strips = outHeight / height;
  const panelsPerUnit = pieceSize(panels, panels, units / (strips * pictures));
  const chunks = Math.ceil(panels / panelsPerUnit);
  const fullPanels = Math.floor(outChannels / lib.panel);
  const restOutputs = outChannels % lib.panel;
  const wholeWidth = outWidth - (outWidth % PIXELS);
  /** In the output. */
  const pixelBytes = 4 * phases;
  const rowBytes = pixelBytes * phases * outWidth;
  const planeBytes = rowBytes * outHeight;
  const stripBytes = rowBytes * height;
  const weightBytes = 4 * lib.panel * channels * taps;

  return kernel(lib, `conv${keyOf(spec)}`, 4 + operandOps.length, (body) => {
    const [inputStart, weights, outStart, scratch, ...operandStarts] = body.pointers as [...Four, ...Local<'i32'>[]];
    const [b, phase, strip, panel, begin, end, stripInput, stripOut, phaseWeights, row, column] = Array.from(
      { length: 11 },
      () => body.local('i32'),
    ) as Eleven;
    const operands = operandOps.map(() => body.local('i32'));

    /** All tiles of `pixels` between two columns of the strip, for `outputs` channels of a panel. */
    const tiles = (outputs: number, pixels: number, from: number, to: number): Code => {
      if (from === to) return [];
      const columns = divisorUpTo((to - from) / pixels, MOST_TILES);
      const area: Area = {
        outputs,
        pixels,
        columns,
        rows: divisorUpTo(height, MOST_TILES / columns),
      };
      const ownScratch = at(scratch, body.thread, areaScratch(lib.panel));
      const element = at(at(i32.const(0), row, rowBytes), column, pixelBytes);
      const inPlanes = (start: I32): I32 => i32.add(at(start, panel, lib.panel * planeBytes), element);
      return forRange(
        row,
        i32.const(0),
        i32.const(height),
        area.rows,
        forRange(column, i32.const(from), i32.const(to), columns * pixels, [
          call(
            areaSums(lib, spec, area),
            at(at(stripInput, row, stride * input.rowStride), column, 4 * stride),
            at(phaseWeights, panel, weightBytes),
            ownScratch,
          ),
          call(
            areaFinish(lib, spec, area),
            inPlanes(stripOut),
            ownScratch,
            ...operandOps.map((op, i) =>
              op.kind === 'residual' ? inPlanes(operands[i]!) : at(operands[i]!, panel, 4 * lib.panel),
            ),
          ),
        ]),
      );
    };
    const allTiles = (outputs: number): Code => [
      tiles(outputs, PIXELS, 0, wholeWidth),
      tiles(outputs, outWidth - wholeWidth, wholeWidth, outWidth),
    ];

    /** A phase further on, the output begins one row or one pixel later, and so does the input under the kernel. */
    const toPhase = (picture: I32): Code => [
      set(b, i32.divU(picture, i32.const(phases ** 2))),
      set(phase, i32.remU(picture, i32.const(phases ** 2))),
      set(phaseWeights, at(weights, phase, panels * weightBytes)),
      set(row, i32.divU(phase, i32.const(phases))),
      set(column, i32.remU(phase, i32.const(phases))),
      set(stripInput, at(at(inputStart, row, input.rowStride), column, 4)),
      set(stripOut, at(at(outStart, row, rowBytes / phases), column, 4)),
    ];

    return parallel(lib, body, pictures * strips * chunks, (unit) => [
      set(begin, i32.mul(i32.remU(unit, i32.const(chunks)), i32.const(panelsPerUnit))),
      set(strip, i32.remU(i32.divU(unit, i32.const(chunks)), i32.const(strips))),
      toPhase(i32.divU(unit, i32.const(chunks * strips))),
      set(stripInput, at(at(stripInput, b, input.batchStride), strip, height * stride * input.rowStride)),
      set(stripOut, at(at(stripOut, b, spec.outBatchStride), strip, stripBytes)),
      operandOps.map((op, i) =>
        set(
          operands[i]!,
          op.kind === 'bias'
            ? operandStarts[i]!
            : op.kind === 'spread'
              ? at(operandStarts[i]!, b, op.batchStride)
              : at(at(operandStarts[i]!, b, op.batchStride), strip, stripBytes),
        ),
      ),
      set(end, i32.add(begin, i32.const(panelsPerUnit))),
      forRange(panel, begin, end, 1, [
        when(i32.ltS(panel, i32.const(fullPanels)), allTiles(lib.panel)),
        restOutputs === 0 ? [] : when(i32.eq(panel, i32.const(fullPanels)), allTiles(restOutputs)),
      ]),
    ]);
  });
}

type Four = [Local<'i32'>, Local<'i32'>, Local<'i32'>, Local<'i32'>];
type Eleven = [...Four, ...Four, Local<'i32'>, Local<'i32'>, Local<'i32'>];
