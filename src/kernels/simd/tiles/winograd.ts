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
import { apart } from '../memory/planes.ts';
import type { InputLayout } from './area.ts';
import type { Epilogue } from './epilogue.ts';

/** Tiles of a group. */
export const GROUP = 4;
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

/** How a picture is cut into groups, and where in memory their transformed pixels lie, in bytes. */
export interface Groups {
  /** Sums of a tile. */
  readonly places: number;
  /** Rows of tiles. */
  readonly rows: number;
  /** Groups of a row. */
  readonly perRow: number;
  /** From a place of a group to the next. */
  readonly placeStride: number;
  /** From a group to the next. */
  readonly groupStride: number;
  /** From a sample to the next. */
  readonly batchStride: number;
}

/** Rows of tiles of a picture, and the groups of each. */
export function groupCounts({
  outHeight,
  outWidth,
  width,
}: Pick<WinogradSpec, 'outHeight' | 'outWidth' | 'width'>): Pick<Groups, 'rows' | 'perRow'> {
  return { rows: Math.ceil(outHeight / 2), perRow: Math.ceil(outWidth / (GROUP * width)) };
}

/** The groups of a convolution. */
export function groupsOf(spec: Pick<WinogradSpec, 'channels' | 'outHeight' | 'outWidth' | 'width'>): Groups {
  const places = winogradPlaces(spec.width);
  const { rows, perRow } = groupCounts(spec);
  const placeStride = apart(VECTOR * spec.channels);
  const groupStride = places * placeStride;
  return { places, rows, perRow, placeStride, groupStride, batchStride: rows * perRow * groupStride };
}

/** The groups of a whole batch place by place, as a weight's gradient reads them. */
export function placesOf(spec: Parameters<typeof groupsOf>[0] & Pick<WinogradSpec, 'batch'>): Groups {
  const { rows, perRow, places } = groupsOf(spec);
  const groupStride = VECTOR * spec.channels;
  const batchStride = rows * perRow * groupStride;
  return { rows, perRow, places, groupStride, batchStride, placeStride: apart(spec.batch * batchStride) };
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
