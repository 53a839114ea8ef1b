/**
 * Convolution by more than a single pixel, or with a stride (for the others see pointwise.ts). Repeats
 * definition/conv2d:
 *
 *     out[b,o,y,x] = Σ_{c, ky, kx} w[o,c,ky,kx] · x[b, c, y·s + ky − top, x·s + kx − left]  + bias[o]
 *
 * The input lies in memory with its border of zeros, so tap (ky, kx) is an offset and nothing is ever gathered into
 * columns. The doubled picture of definition/upsample-conv2d is four such convolutions, one after another, whose
 * outputs take turns in the planes.
 *
 * Order of work: the picture is cut into strips of rows, or small pictures are taken together. All panels of output
 * channels go over each strip, a panel phase by phase, since phases write the same lines of memory, and over one area
 * of the strip after another (see area.ts).
 */
import { keyOf } from '../../key.ts';
import { atMost, call, forRange, i32, set, when } from '../assembler/index.ts';
import type { Code, Func, I32, Local } from '../assembler/index.ts';
import { divisorUpTo, pieceSize, stripSize } from '../division.ts';
import { at, kernel, type Library } from '../library.ts';
import { parallel, wantedUnits } from '../threads/parallel.ts';
import {
  areaFinish,
  areaScratch,
  areaSums,
  MOST_TILES,
  outputBytes,
  PIXELS,
  productsIn,
  type Area,
  type ConvSpec,
} from './area.ts';
import { fetchLines } from './fetch-lines.ts';
import { hasOperand, operandStart, type OperandOp } from './epilogue.ts';

/**
 * Pixels of a strip, about: so often is a panel's weight used for each time that it comes from the third-level cache.
 */
const STRIP_PIXELS = 256;

/** How a convolution is cut into units: a chunk of the panels goes over one strip of a picture, or small pictures. */
interface Cut {
  /** Rows of a strip. */
  readonly height: number;
  /** Strips of a picture. */
  readonly strips: number;
  /** Small pictures of the batch that share each weight that comes from afar. */
  readonly together: number;
  /** The last one may be a part. */
  readonly panels: number;
  readonly panelsPerUnit: number;
  readonly chunks: number;
}

function cutOf(lib: Library, spec: ConvSpec): Cut {
  const { batch, outHeight, outWidth, outChannels } = spec;
  const panels = Math.ceil(outChannels / lib.panel);
  const units = wantedUnits(lib, productsIn(spec));
  const most = Math.min(STRIP_PIXELS, (batch * outHeight * outWidth * panels) / units);
  const { height, pictures: together } = stripSize(batch, outHeight, outWidth, most);
  const strips = outHeight / height;
  const panelsPerUnit = pieceSize(panels, panels, units / ((strips * batch) / together));
  return { height, strips, together, panels, panelsPerUnit, chunks: Math.ceil(panels / panelsPerUnit) };
}

/** The strip and the panel at hand: addresses, and what they count from. */
interface Strip {
  /** Rows of the strip. */
  readonly height: number;
  /** Where the strip begins in the input, the output and each of the operands. */
  readonly input: Local<'i32'>;
  readonly out: Local<'i32'>;
  readonly operands: readonly { readonly op: OperandOp; readonly start: Local<'i32'> }[];
  /** Of the phase, all panels. */
  readonly weights: Local<'i32'>;
  readonly scratch: I32;
  readonly panel: Local<'i32'>;
  /** Counters of the tiles. */
  readonly row: Local<'i32'>;
  readonly column: Local<'i32'>;
}

/**
 * The kernel of (thread, counters, input, weights, out, scratch, …epilogue operands). The weights are in panels,
 * scratch is that of all threads.
 */
export function convKernel(lib: Library, spec: ConvSpec): Func {
  const { outChannels, phases, stride, input } = spec;
  const ops = spec.epilogue.filter(hasOperand);
  const { height, strips, together, panels, panelsPerUnit, chunks } = cutOf(lib, spec);
  const fullPanels = Math.floor(outChannels / lib.panel);
  const restOutputs = outChannels % lib.panel;
  const bytes = outputBytes(spec);
  const bytesOfPanel = panelBytes(lib, spec);

  return kernel(lib, `conv${keyOf(spec)}`, 4 + ops.length, (body) => {
    const [inputStart, weights, outStart, scratchStart, ...operandStarts] = body.pointers;
    const [first, b, phase, number, panel, begin, end, row, column] = body.locals('i32');
    const [stripInput, stripOut, phaseWeights] = body.locals('i32');
    const operands = ops.map((op) => ({ op, start: body.local('i32') }));
    const scratch = at(scratchStart, body.thread, areaScratch(lib.panel));
    const places = { input: stripInput, out: stripOut, operands, weights: phaseWeights, scratch };
    const strip: Strip = { height, ...places, panel, row, column };

    const toPicture: Code = [
      set(stripInput, at(at(inputStart, b, input.batchStride), number, height * stride * input.rowStride)),
      set(stripOut, at(at(outStart, b, spec.outBatchStride), number, height * bytes.row)),
      operands.map(({ op, start }, i) => set(start, operandStart(op, operandStarts[i], b, number, height * bytes.row))),
    ];
    const fetchPanel: Code = [
      set(phaseWeights, at(weights, phase, panels * bytesOfPanel)),
      fetchLines(lib, at(phaseWeights, panel, bytesOfPanel), bytesOfPanel, phases ** 2 * panels * bytesOfPanel),
    ];
    /** A phase further on, the output begins one row or one pixel later, and so does the input under the kernel. */
    const toPhase: Code = [
      set(row, i32.divU(phase, i32.const(phases))),
      set(column, i32.remU(phase, i32.const(phases))),
      set(stripInput, at(at(stripInput, row, input.rowStride), column, 4)),
      set(stripOut, at(at(stripOut, row, bytes.row / phases), column, 4)),
    ];
    const tiles: Code = [
      when(i32.ltS(panel, i32.const(fullPanels)), stripTiles(lib, spec, strip, lib.panel)),
      restOutputs === 0 ? [] : when(i32.eq(panel, i32.const(fullPanels)), stripTiles(lib, spec, strip, restOutputs)),
    ];
    return parallel(lib, body, ((spec.batch * strips) / together) * chunks, (unit) => [
      set(begin, i32.mul(i32.remU(unit, i32.const(chunks)), i32.const(panelsPerUnit))),
      set(end, i32.add(begin, i32.const(panelsPerUnit))),
      panels % panelsPerUnit === 0 ? [] : atMost(end, i32.const(panels)),
      set(number, i32.remU(i32.divU(unit, i32.const(chunks)), i32.const(strips))),
      set(first, i32.mul(i32.divU(unit, i32.const(chunks * strips)), i32.const(together))),
      forRange(panel, begin, end, 1, [
        forRange(phase, i32.const(0), i32.const(phases ** 2), 1, [
          fetchPanel,
          forRange(b, first, i32.add(first, i32.const(together)), 1, [toPicture, toPhase, tiles]),
        ]),
      ]),
    ]);
  });
}

/** Bytes of a panel's weights. */
function panelBytes(lib: Library, { channels, kernelHeight, kernelWidth }: ConvSpec): number {
  return 4 * lib.panel * channels * kernelHeight * kernelWidth;
}

/** All tiles of the strip, for the first `outputs` channels of the panel. */
function stripTiles(lib: Library, spec: ConvSpec, strip: Strip, outputs: number): Code {
  const { outWidth } = spec;
  const whole = outWidth - (outWidth % PIXELS);
  return [
    whole === 0 ? [] : tilesBetween(lib, spec, strip, outputs, PIXELS, 0, whole),
    whole === outWidth ? [] : tilesBetween(lib, spec, strip, outputs, outWidth - whole, whole, outWidth),
  ];
}

/** All tiles of `pixels` between two columns of the strip. */
function tilesBetween(
  lib: Library,
  spec: ConvSpec,
  { height, input, out, operands, weights, scratch, panel, row, column }: Strip,
  outputs: number,
  pixels: number,
  from: number,
  to: number,
): Code {
  const { stride } = spec;
  const bytes = outputBytes(spec);
  const columns = divisorUpTo((to - from) / pixels, MOST_TILES);
  const area: Area = { outputs, pixels, columns, rows: divisorUpTo(height, MOST_TILES / columns) };
  const element = at(at(i32.const(0), row, bytes.row), column, bytes.pixel);
  const inPlanes = (start: I32): I32 => i32.add(at(start, panel, lib.panel * bytes.plane), element);
  return forRange(
    row,
    i32.const(0),
    i32.const(height),
    area.rows,
    forRange(column, i32.const(from), i32.const(to), columns * pixels, [
      call(
        areaSums(lib, spec, area),
        at(at(input, row, stride * spec.input.rowStride), column, 4 * stride),
        at(weights, panel, panelBytes(lib, spec)),
        scratch,
      ),
      call(
        areaFinish(lib, spec, area),
        inPlanes(out),
        scratch,
        ...operands.map(({ op, start }) =>
          op.kind === 'residual' ? inPlanes(start) : at(start, panel, 4 * lib.panel),
        ),
      ),
    ]),
  );
}
