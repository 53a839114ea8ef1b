/**
 * Winograd's convolutions: what their two kernels have in common. The first transforms what lies under the tiles
 * (winograd-input.ts), the second multiplies and transforms back (winograd-products.ts). Both repeat
 * definition/winograd-conv2d.
 *
 * Four tiles side by side are a *group*: the numbers of a place and a channel under its tiles are one vector, and the
 * vectors of a place follow one another channel by channel, as a product reads them.
 */
import type { WinogradWidth } from '../../kernels.ts';
import { f32x4 } from '../assembler/index.ts';
import type { V128 } from '../assembler/index.ts';
import { stripSize } from '../division.ts';
import { apart } from '../memory/planes.ts';
import type { InputLayout } from './area.ts';
import type { Epilogue } from './epilogue.ts';

/** Tiles of a group. */
export const GROUP = 4;
/** Groups of a strip, about. */
const STRIP_GROUPS = 16;
/** Bytes of a vector. */
export const VECTOR = 16;

/** A Winograd convolution on planes in memory, whose border reaches as far as the last tiles do. */
export interface WinogradSpec {
  readonly batch: number;
  readonly channels: number;
  readonly outChannels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  /** Outputs that a tile has side by side; it has two rows. */
  readonly width: WinogradWidth;
  readonly input: InputLayout;
  /** Bytes from a sample of the output to the next. */
  readonly outBatchStride: number;
  readonly epilogue: Epilogue;
}

/** Sums of a tile, and so many matrices of weights. */
export const winogradPlaces = (width: WinogradWidth): number => 4 * (width + 2);

/**
 * How a batch is cut into strips of rows of groups, and where in memory their transformed pixels lie, in bytes: strip
 * after strip, in it place after place, and of a place group after group, as they are read.
 */
export interface Groups {
  /** Sums of a tile. */
  readonly places: number;
  /** Rows of tiles of a picture. */
  readonly rows: number;
  /** Groups of a row. */
  readonly perRow: number;
  /** Rows of a strip: a part of a picture, or several whole ones, which then share weights that come from afar. */
  readonly stripRows: number;
  /** From a group to the next. */
  readonly groupStride: number;
  /** From a place of a strip to the next. */
  readonly placeStride: number;
  /** From a strip to the next. */
  readonly stripStride: number;
}

/** Rows of tiles of a picture, and the groups of each. */
export function groupCounts({
  outHeight,
  outWidth,
  width,
}: Pick<WinogradSpec, 'outHeight' | 'outWidth' | 'width'>): Pick<Groups, 'rows' | 'perRow'> {
  return { rows: Math.ceil(outHeight / 2), perRow: Math.ceil(outWidth / (GROUP * width)) };
}

/** How many pictures, of which size, and the tiles' width. */
export type SizeSpec = Pick<WinogradSpec, 'batch' | 'channels' | 'outHeight' | 'outWidth' | 'width'>;

/** The groups of a convolution. */
export function groupsOf(spec: SizeSpec): Groups {
  const { rows, perRow } = groupCounts(spec);
  const { height, pictures } = stripSize(spec.batch, rows, perRow, STRIP_GROUPS);
  return inStrips(spec, pictures * height);
}

/** The groups of a whole batch as one strip, as a weight's gradient reads them. */
export function asOneStrip(spec: SizeSpec): Groups {
  return inStrips(spec, spec.batch * groupCounts(spec).rows);
}

function inStrips(spec: SizeSpec, stripRows: number): Groups {
  const { rows, perRow } = groupCounts(spec);
  const places = winogradPlaces(spec.width);
  const groupStride = VECTOR * spec.channels;
  const placeStride = apart(stripRows * perRow * groupStride);
  return { places, rows, perRow, stripRows, groupStride, placeStride, stripStride: places * placeStride };
}

/** Numbers side by side in a vector: four floats, or two doubles. */
type Lanes = Pick<typeof f32x4, 'add' | 'sub' | 'mul' | 'const'>;

/** A row of a matrix times vectors: the terms from the left, those of a factor 0 left out, each step rounded. */
export function combined(row: readonly number[], terms: readonly V128[], lanes: Lanes = f32x4): V128 {
  const times = ({ factor, term }: Term): V128 => (factor === 1 ? term : lanes.mul(term, lanes.const(factor)));
  const plus = (sum: V128, next: Term): V128 =>
    next.factor === -1 ? lanes.sub(sum, next.term) : lanes.add(sum, times(next));
  const [first, ...others] = row.flatMap((factor, k) => (factor === 0 ? [] : [{ factor, term: terms[k] }]));
  if (first.factor === -1 && others.length > 0) {
    const [second, ...more] = others;
    return more.reduce(plus, lanes.sub(times(second), first.term));
  }
  return others.reduce(plus, times(first));
}

interface Term {
  readonly factor: number;
  readonly term: V128;
}
