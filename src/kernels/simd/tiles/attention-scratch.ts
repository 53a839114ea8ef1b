/** What a kernel of attention is made for, and the scratch memory in which a thread has what it works at. */
import type { Panel } from '../library.ts';

/** Attention of `queries` tokens to `keys` tokens. Strides are in bytes, from a sample to the next. */
export interface AttentionExtents {
  readonly batch: number;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  /** Channels of a head. */
  readonly size: number;
  readonly scale: number;
  readonly qStride: number;
  readonly kStride: number;
}

/** The way there. */
export interface AttentionSpec extends AttentionExtents {
  readonly vStride: number;
  readonly outStride: number;
  /** Bytes from a plane of the result to the next. */
  readonly outPlane: number;
}

/** The products of a map's first channels are made while powers become shares, so many keys further on. */
export const SHARED_AHEAD = 8;

/** Lanes in which definition/attention sums the powers of a query. */
export const LANES = 16;

/**
 * Bytes of scratch that each thread needs: for each query 16 lane sums and what is known of all keys; the scores
 * [M][8]; and eight queries [d][8], where shares may run over.
 */
export function attentionScratch(panel: Panel, spec: AttentionSpec): number {
  return 4 * panel * (LANES + 1 + spec.keys + Math.max(spec.size, SHARED_AHEAD));
}

/** Bytes of the keys of a head as tiles read them, and behind them of the squares of their lengths, in whole fours. */
export function packedKeysBytes({ keys, size }: Pick<AttentionExtents, 'keys' | 'size'>): number {
  return 4 * size * keys + 16 * Math.ceil(keys / 4);
}

/** Where a row of scratch has its vectors, in bytes. */
export function vectorsOf(panel: Panel): readonly number[] {
  return Array.from({ length: panel / 4 }, (_, j) => 16 * j);
}
