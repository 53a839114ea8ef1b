/**
 * Convolution, and every linear layer whose input has its channels as planes. Repeats reference/conv2d:
 *
 *     out[b,o,y,x] = Σ_{c, ky, kx} w[o,c,ky,kx] · x[b, c, y·s + ky − top, x·s + kx − left]  + bias[o]
 *
 * A tile holds 4 neighbouring pixels × 8 output channels (a panel, two vectors; or 16). It reads the picture directly: the input lies in
 * memory with its border of zeros, so tap (ky, kx) is an offset and nothing is ever gathered into columns. Pixels are spread over
 * the lanes, and stay in registers from one tap of a row to the next: four pixels under a row of three taps are six numbers
 * to load, not twelve. The finished tile is transposed, for the output has its channels as planes.
 *
 * The doubled picture of reference/upsampleConv2d is four such convolutions, one after another, whose outputs take turns in the planes.
 *
 * Order of work: the picture is cut into strips of rows, and all panels of output channels go over each strip. A tile of 3×3 taps
 * reads little more than a byte for each multiplication, so the second-level cache is near enough for its weights.
 */
import { call, forRange, i32, set, v128, when } from './assembler.ts';
import type { Code, Func, I32, Local } from './assembler.ts';
import { applyEpilogue, epilogueKinds, hasOperand, operandCount, type Epilogue } from './epilogue.ts';
import { at, divisorUpTo, kernel, keyOf, pieceSize, type Library, type Panel } from './library.ts';
import { parallel, wantedUnits } from './parallel.ts';
import type { PlaneLayout } from './planes.ts';
import { RUN, stepsPerTurn, storeApart, storeLanes, tileSum, transposed, type Accumulators, type AStep } from './tile.ts';

/** Pixels of a tile; the last of a row may have fewer. */
const PIXELS = 4;
/** Pixels of a strip, about: so often is a panel's weight used for each time that it comes from the third-level cache. */
const STRIP_PIXELS = 256;

/** The picture in memory, its border included. */
export type InputLayout = Pick<PlaneLayout, 'batchStride' | 'planeStride' | 'rowStride'>;

export interface ConvSpec {
  readonly batch: number;
  readonly channels: number;
  readonly outChannels: number;
  /** Of one phase. */
  readonly outHeight: number;
  readonly outWidth: number;
  /** In each direction: 2 where four convolutions share the output's pixels, else 1. Their weights follow one another; the input has a border of one pixel. */
  readonly phases: 1 | 2;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly stride: number;
  readonly input: InputLayout;
  /** Bytes from a sample of the output to the next. */
  readonly outBatchStride: number;
  readonly epilogue: Epilogue;
}

/** A run of the sum takes whole channels, as many as give it RUN terms or just more. */
function channelsPerRun(taps: number): number {
  return Math.ceil(RUN / taps);
}

/** Channels whose taps make up one turn of the loop over k. */
function channelsPerTurn(channels: number, taps: number): number {
  return stepsPerTurn(channels, channelsPerRun(taps), Math.max(1, 9 / taps));
}

/** Where the taps of `channels` input channels find what lies under `pixels` neighbouring outputs, in the definition's order. */
function tapSteps({ kernelHeight, kernelWidth, stride, input }: ConvSpec, channels: number, pixels: number): readonly AStep[] {
  const row = (ky: number): AStep[] => Array.from({ length: kernelWidth }, (_, kx) => ({
    numbers: Array.from({ length: pixels }, (_, p) => 4 * (p * stride + kx)),
    move: kx < kernelWidth - 1 ? 0 : ky < kernelHeight - 1 ? input.rowStride : input.planeStride - ky * input.rowStride,
  }));
  const channel = Array.from({ length: kernelHeight }, (_, ky) => row(ky)).flat();
  return Array.from({ length: channels }, () => channel).flat();
}

/** Bytes of scratch that each thread needs: one tile. */
export function convScratch(panel: Panel): number {
  return 4 * PIXELS * panel;
}

/** The function (input, weights, out, scratch, …operands) that computes `outputs` channels of `pixels` neighbouring pixels. */
function convTile(lib: Library, spec: ConvSpec, outputs: number, pixels: number): Func {
  const { channels, epilogue } = spec;
  const taps = spec.kernelHeight * spec.kernelWidth;
  const perTurn = channelsPerTurn(channels, taps);
  const aSteps = tapSteps(spec, perTurn, pixels);
  const planeBytes = 4 * spec.outHeight * spec.outWidth * spec.phases ** 2;
  /** Of each vector of a panel, its channels. */
  const vectors = Array.from({ length: Math.ceil(outputs / 4) }, (_, j) => Array.from({ length: Math.min(4, outputs - 4 * j) }, (_, i) => 4 * j + i));
  const key = keyOf(['convTile', outputs, pixels, channels, aSteps, planeBytes, spec.phases, epilogueKinds(epilogue)]);

  const operandTypes = Array.from({ length: operandCount(epilogue) }, () => 'i32' as const);
  return lib.func(key, { params: ['i32', 'i32', 'i32', 'i32', ...operandTypes], results: [] }, (body) => {
    const [a, b, out, scratch, ...operands] = body.params as [...Four, ...Local<'i32'>[]];
    const { code, sums } = tileSum(body, {
      a, b, aSteps,
      bVectors: vectors.map((_, j) => 16 * j),
      bSteps: aSteps.map((_, k) => 4 * lib.panel * k),
      bTurn: 4 * lib.panel * aSteps.length,
      turns: channels / perTurn,
      turnsPerRun: channelsPerRun(taps) / perTurn,
      fma: lib.fma,
    });
    return [
      code,
      lib.panel === 16 ? throughMemory(scratch, sums) : [],
      vectors.map((ofVector, j) => {
        const planes = transposed(body, sums.map((row) => row[j]!));
        return [planes.code, ofVector.map((o, i) => [
          applyEpilogue(epilogue, planes.columns[i]!, operands, { channel: 4 * o, element: o * planeBytes }),
          (spec.phases === 1 ? storeLanes : storeApart)(out, planes.columns[i]!, pixels, o * planeBytes),
        ])];
      }),
    ];
  });
}

/** An engine that joins neighbouring vectors begins with those that are stored side by side, and a transposed tile never is. */
function throughMemory(scratch: I32, sums: Accumulators): Code {
  const flat = sums.flat();
  return [flat.map((sum, i) => v128.store(scratch, sum, 16 * i)), flat.map((sum, i) => set(sum, v128.load(scratch, 16 * i)))];
}

/** The kernel of (thread, counters, input, weights, out, scratch, …epilogue operands). The weights are in panels, scratch is that of all threads. */
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
    const [b, phase, strip, panel, begin, end, stripInput, stripOut, phaseWeights, row, column] = Array.from({ length: 11 }, () => body.local('i32')) as Eleven;
    const operands = operandOps.map(() => body.local('i32'));

    /** The call for `outputs` channels of a panel, and the pixels from (row, column) on. */
    const tile = (outputs: number, pixels: number): Code => {
      const element = at(at(i32.const(0), row, rowBytes), column, pixelBytes);
      const inPlanes = (start: I32): I32 => i32.add(at(start, panel, lib.panel * planeBytes), element);
      return call(
        convTile(lib, spec, outputs, pixels),
        at(at(stripInput, row, stride * input.rowStride), column, 4 * stride),
        at(phaseWeights, panel, weightBytes),
        inPlanes(stripOut),
        at(scratch, body.thread, convScratch(lib.panel)),
        ...operandOps.map((op, i) => (op.kind === 'residual' ? inPlanes(operands[i]!) : at(operands[i]!, panel, 4 * lib.panel))),
      );
    };
    /** All pixels of the strip in `outputs` channels of a panel. */
    const tiles = (outputs: number): Code => forRange(row, i32.const(0), i32.const(height), 1, [
      forRange(column, i32.const(0), i32.const(wholeWidth), PIXELS, tile(outputs, PIXELS)),
      wholeWidth === outWidth ? [] : tile(outputs, outWidth - wholeWidth),
    ]);

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
      operandOps.map((op, i) => set(operands[i]!,
        op.kind === 'bias' ? operandStarts[i]!
        : op.kind === 'spread' ? at(operandStarts[i]!, b, op.batchStride)
        : at(at(operandStarts[i]!, b, op.batchStride), strip, stripBytes))),
      set(end, i32.add(begin, i32.const(panelsPerUnit))),
      forRange(panel, begin, end, 1, [
        when(i32.ltS(panel, i32.const(fullPanels)), tiles(lib.panel)),
        restOutputs === 0 ? [] : when(i32.eq(panel, i32.const(fullPanels)), tiles(restOutputs)),
      ]),
    ]);
  });
}

type Four = [Local<'i32'>, Local<'i32'>, Local<'i32'>, Local<'i32'>];
type Eleven = [...Four, ...Four, Local<'i32'>, Local<'i32'>, Local<'i32'>];
