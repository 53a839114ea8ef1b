/**
 * Convolution, and every linear layer whose input has its channels as planes. Repeats reference/conv2d:
 *
 *     out[b,o,y,x] = Σ_{c, ky, kx} w[o,c,ky,kx] · x[b, c, y·s + ky − top, x·s + kx − left]  + bias[o]
 *
 * A tile holds 4 output channels (rows) × 8 pixels (two vectors). It reads the picture directly: the input lies in memory
 * with its border of zeros, so tap (ky, kx) is a constant offset and nothing is ever gathered into columns. With stride s
 * the columns of each input row are sorted by x mod s, so that four neighbouring outputs read four neighbouring inputs.
 *
 * Order of work: the picture is cut into strips of rows, and the input channels into blocks of whole runs, so that a block
 * of a strip fits the first-level cache. For each strip, block after block, all output channels go over it; the totals of the runs
 * wait in the output for the next block.
 */
import { call, forRange, i32, increase, set, v128, when, whileLoop } from './assembler.ts';
import type { Code, Func, I32, Local } from './assembler.ts';
import { applyEpilogue, epilogueKinds, hasOperand, operandCount, type Epilogue } from './epilogue.ts';
import { at, divisorUpTo, kernel, keyOf, pieceSize, type Library } from './library.ts';
import { parallel } from './parallel.ts';
import { RUN, stepsPerTurn, storeLanes, tileSum, tileWidth } from './tile.ts';

/** Rows of a full tile: the output channels whose weights are packed together. */
export const TILE_ROWS = 4;

/** Pixels of a strip, about: so often is a weight used for each time that it comes from the second-level cache. */
const STRIP_PIXELS = 64;
/** The input of a block of a strip: it should stay in the first-level cache beside four channels' weights. */
const BLOCK_BYTES = 20480;
/** With threads, work is cut so that each has several pieces: one that is delayed leaves some to the others. */
const UNITS_PER_THREAD = 24;

/** The picture in memory; strides in bytes. */
export interface InputLayout {
  readonly batchStride: number;
  readonly planeStride: number;
  readonly rowStride: number;
  /** Between the columns of equal x mod stride. */
  readonly phaseStride: number;
}

export interface ConvSpec {
  readonly batch: number;
  readonly channels: number;
  readonly outChannels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly stride: number;
  readonly input: InputLayout;
  /** Bytes from a sample of the output to the next. */
  readonly outBatchStride: number;
  readonly epilogue: Epilogue;
}

/** A vector of four (at the right edge fewer) neighbouring output pixels. */
interface PixelVector {
  readonly y: number;
  readonly x: number;
  readonly lanes: number;
}

/**
 * The weights [O, K] in the order in which tiles read them: for every four output channels K groups of four numbers.
 * The last O mod 4 channels follow in smaller groups.
 */
export function packRows(weight: ArrayLike<number>, outChannels: number, k: number): Float32Array {
  const packed = new Float32Array(outChannels * k);
  for (let first = 0; first < outChannels; first += TILE_ROWS) {
    const rows = Math.min(TILE_ROWS, outChannels - first);
    for (let row = 0; row < rows; row++) {
      for (let i = 0; i < k; i++) packed[first * k + i * rows + row] = weight[(first + row) * k + i]!;
    }
  }
  return packed;
}

/** The vectors of a strip of `height` rows, in groups of at most `count` that a tile takes together. */
function groupVectors(height: number, width: number, count: number): PixelVector[][] {
  const perRow = Math.ceil(width / 4);
  const inRows = perRow - (perRow % count);
  const vector = (y: number, i: number): PixelVector => ({ y, x: 4 * i, lanes: Math.min(4, width - 4 * i) });
  const groups: PixelVector[][] = [];
  for (let y = 0; y < height; y++) {
    for (let i = 0; i < inRows; i += count) groups.push(Array.from({ length: count }, (_, j) => vector(y, i + j)));
  }
  // What does not fill a row is grouped down the columns.
  const rest: PixelVector[] = [];
  for (let i = inRows; i < perRow; i++) for (let y = 0; y < height; y++) rest.push(vector(y, i));
  // The first vector of a group is the one nearest to the start of memory: constant offsets are never negative.
  const inOrder = (a: PixelVector, b: PixelVector): number => a.y - b.y || a.x - b.x;
  for (let i = 0; i < rest.length; i += count) groups.push(rest.slice(i, i + count).sort(inOrder));
  return groups;
}

/** A run of the sum takes whole channels, as many as give it RUN terms or just more. */
function channelsPerRun(taps: number): number {
  return Math.ceil(RUN / taps);
}

/** Channels of a block: whole runs, about as many in each block, and so few that the block of a strip fits. */
function channelsPerBlock(channels: number, taps: number, channelBytes: number): number {
  const run = channelsPerRun(taps);
  const blocks = Math.ceil(channels / Math.max(run, Math.floor(BLOCK_BYTES / channelBytes)));
  return run * Math.ceil(channels / blocks / run);
}

/** Channels whose taps make up one turn of the loop over k. */
function channelsPerTurn(channels: number, taps: number): number {
  return stepsPerTurn(channels, channelsPerRun(taps), Math.max(1, 9 / taps));
}

/** Consecutive input channels. The first block begins the sums, the last one finishes them. */
interface Block {
  readonly channels: number;
  readonly first: boolean;
  readonly last: boolean;
}

/** The function (weights, input, out, …operands) that adds a block to `rows` channels of a group of pixel vectors. */
function convTile(lib: Library, spec: ConvSpec, rows: number, group: readonly PixelVector[], block: Block): Func {
  const { stride, input } = spec;
  const epilogue = block.last ? spec.epilogue : [];
  const { y: y0, x: x0 } = group[0]!;
  const taps = spec.kernelHeight * spec.kernelWidth;
  const perTurn = channelsPerTurn(block.channels, taps);
  const bSteps: number[] = [];
  for (let c = 0; c < perTurn; c++) {
    for (let ky = 0; ky < spec.kernelHeight; ky++) {
      for (let kx = 0; kx < spec.kernelWidth; kx++) {
        bSteps.push(c * input.planeStride + ky * input.rowStride + (kx % stride) * input.phaseStride + 4 * Math.floor(kx / stride));
      }
    }
  }
  const bVectors = group.map(({ y, x }) => (y - y0) * stride * input.rowStride + 4 * (x - x0));
  const outVectors = group.map(({ y, x }) => 4 * ((y - y0) * spec.outWidth + x - x0));
  const planeBytes = 4 * spec.outHeight * spec.outWidth;
  const bTurn = perTurn * input.planeStride;
  const key = keyOf(['convTile', rows, block, bSteps, bTurn, bVectors, outVectors, planeBytes, group.map(({ lanes }) => lanes), epilogueKinds(epilogue), operandCount(spec.epilogue)]);

  const operandTypes = Array.from({ length: operandCount(spec.epilogue) }, () => 'i32' as const);
  return lib.func(key, { params: ['i32', 'i32', 'i32', ...operandTypes], results: [] }, (body) => {
    const [a, b, out, ...operands] = body.params as [Local<'i32'>, Local<'i32'>, Local<'i32'>, ...Local<'i32'>[]];
    const { code, sums } = tileSum(body, {
      rows, a, b, bVectors, bSteps, bTurn,
      aRows: Array.from({ length: rows }, (_, i) => 4 * i),
      aStep: 4 * rows,
      turns: block.channels / perTurn,
      turnsPerRun: channelsPerRun(taps) / perTurn,
      fma: lib.fma,
      ...(!block.first && { before: Array.from({ length: rows }, (_, i) => outVectors.map((vector) => v128.load(out, i * planeBytes + vector))) }),
    });
    return [
      code,
      sums.map((row, i) => row.map((sum, j) => {
        const element = i * planeBytes + outVectors[j]!;
        return [
          applyEpilogue(epilogue, sum, operands, { channel: 4 * i, element }),
          storeLanes(out, sum, group[j]!.lanes, element),
        ];
      })),
    ];
  });
}

/** The kernel of (thread, counters, input, weights, out, …epilogue operands). */
export function convKernel(lib: Library, spec: ConvSpec): Func {
  const { batch, channels, outChannels, outHeight, outWidth, stride, input, epilogue } = spec;
  const taps = spec.kernelHeight * spec.kernelWidth;
  const operandOps = epilogue.filter(hasOperand);

  const height = divisorUpTo(outHeight, STRIP_PIXELS / outWidth);
  const channelBytes = ((height - 1) * stride + spec.kernelHeight) * input.rowStride;
  const blockChannels = channelsPerBlock(channels, taps, channelBytes);
  const wholeBlocks = Math.ceil(channels / blockChannels) - 1;
  const strips = outHeight / height;
  const tiles = Math.ceil(outChannels / TILE_ROWS);
  const tilesPerUnit = lib.threads === 1 ? tiles : pieceSize(tiles, tiles, (UNITS_PER_THREAD * lib.threads) / (strips * batch));
  const chunks = Math.ceil(tiles / tilesPerUnit);
  const fullTiles = Math.floor(outChannels / TILE_ROWS);
  const restRows = outChannels % TILE_ROWS;
  const planeBytes = 4 * outHeight * outWidth;
  const stripBytes = 4 * height * outWidth;

  return kernel(lib, `conv${keyOf(spec)}`, 3 + operandOps.length, (body) => {
    const [inputStart, weights, outStart, ...operandStarts] = body.pointers as [Local<'i32'>, Local<'i32'>, Local<'i32'>, ...Local<'i32'>[]];
    const [b, strip, tile, begin, end, channel, stripInput, stripOut] = [0, 1, 2, 3, 4, 5, 6, 7].map(() => body.local('i32')) as Eight;
    const operands = operandOps.map(() => body.local('i32'));

    /** The calls that add a block to `rows` channels from number `first` on, for all pixels of the strip. */
    const calls = (block: Block, rows: number, first: I32): Code => groupVectors(height, outWidth, tileWidth(rows)).map((group) => {
      const { y, x } = group[0]!;
      const pixelBytes = 4 * (y * outWidth + x);
      return call(
        convTile(lib, spec, rows, group, block),
        at(at(weights, first, 4 * channels * taps), channel, 4 * taps * rows),
        at(i32.add(stripInput, i32.const(y * stride * input.rowStride + 4 * x)), channel, input.planeStride),
        i32.add(at(stripOut, first, planeBytes), i32.const(pixelBytes)),
        ...operandOps.map((op, i) =>
          op.kind === 'residual' ? i32.add(at(operands[i]!, first, planeBytes), i32.const(pixelBytes)) : at(operands[i]!, first, 4)),
      );
    });

    /** Adds a block to all tiles of the unit. */
    const addBlock = (block: Block): Code => [
      set(tile, begin),
      whileLoop(i32.ltS(tile, end), [
        when(i32.ltS(tile, i32.const(fullTiles)), calls(block, TILE_ROWS, i32.mul(tile, i32.const(TILE_ROWS)))),
        restRows === 0 ? [] : when(i32.eq(tile, i32.const(fullTiles)), calls(block, restRows, i32.const(fullTiles * TILE_ROWS))),
        increase(tile, 1),
      ]),
    ];
    const lastBlock = { channels: channels - wholeBlocks * blockChannels, first: wholeBlocks === 0, last: true };

    return parallel(lib, body, batch * strips * chunks, (unit) => [
      set(begin, i32.mul(i32.remU(unit, i32.const(chunks)), i32.const(tilesPerUnit))),
      set(strip, i32.remU(i32.divU(unit, i32.const(chunks)), i32.const(strips))),
      set(b, i32.divU(unit, i32.const(chunks * strips))),
      set(stripInput, at(at(inputStart, b, input.batchStride), strip, height * stride * input.rowStride)),
      set(stripOut, at(at(outStart, b, spec.outBatchStride), strip, stripBytes)),
      operandOps.map((op, i) => set(operands[i]!,
        op.kind === 'bias' ? operandStarts[i]!
        : op.kind === 'spread' ? at(operandStarts[i]!, b, op.batchStride)
        : at(at(operandStarts[i]!, b, op.batchStride), strip, stripBytes))),
      set(end, i32.add(begin, i32.const(tilesPerUnit))),
      set(channel, i32.const(0)),
      wholeBlocks === 0 ? [] : [
        addBlock({ channels: blockChannels, first: true, last: false }),
        wholeBlocks === 1 ? set(channel, i32.const(blockChannels))
          : forRange(channel, i32.const(blockChannels), i32.const(wholeBlocks * blockChannels), blockChannels,
            addBlock({ channels: blockChannels, first: false, last: false })),
      ],
      addBlock(lastBlock),
    ]);
  });
}

type Eight = [Local<'i32'>, Local<'i32'>, Local<'i32'>, Local<'i32'>, Local<'i32'>, Local<'i32'>, Local<'i32'>, Local<'i32'>];
