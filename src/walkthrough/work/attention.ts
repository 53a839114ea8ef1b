/** One head of an attention layer, taken out of what a pass has shown. */
import { referenceKernels } from '../../kernels/plain/index.ts';
import { tensor, type Tensor } from '../../tensor/tensor.ts';
import type { PassesResult } from '../protocol.ts';

export interface Head {
  readonly tokens: number;
  /** Channels of the head. */
  readonly size: number;
  /** softmax(Q Kᵀ/√d), [N,N]. */
  readonly map: Float32Array;
  /** V, [N,d]: what the identity hands on. */
  readonly own: Float32Array;
  /** A V, [N,d]: what attention hands on. */
  readonly gathered: Float32Array;
}

const known = new WeakMap<Tensor, Head[]>();

/** @param layer one whose map and `to_v` were tapped */
export function headOf({ taps }: PassesResult, layer: string, head: number): Head {
  const maps = taps[`${layer}.map`];
  const heads = known.get(maps) ?? [];
  known.set(maps, heads);
  return (heads[head] ??= cutOut(maps, taps[`${layer}.to_v`], head));
}

/** @param maps [1,h,N,N] @param values [1,N,D] */
function cutOut(maps: Tensor, values: Tensor, head: number): Head {
  const [, heads, tokens] = maps.shape;
  const channels = values.shape[2];
  const size = channels / heads;
  const map = maps.data.slice(head * tokens * tokens, (head + 1) * tokens * tokens) as Float32Array;
  const own = new Float32Array(tokens * size);
  for (let n = 0; n < tokens; n++)
    own.set(values.data.subarray(n * channels + head * size, n * channels + (head + 1) * size), n * size);
  const gathered = referenceKernels.applyAttentionMap(
    tensor('f32', [1, 1, tokens, tokens], map),
    tensor('f32', [1, tokens, size], own),
  );
  return { tokens, size, map, own, gathered: gathered.data as Float32Array };
}

/** The row of the map with which one token asks. */
export function rowOf({ map, tokens }: Head, token: number): Float32Array {
  return map.subarray(token * tokens, (token + 1) * tokens);
}

/** On how many tokens a row of shares is spread: e to the power of its entropy, 1 for a single one, N for all alike. */
export function spreadOf(row: Float32Array): number {
  return Math.exp(row.reduce((sum, share) => (share > 0 ? sum - share * Math.log(share) : sum), 0));
}

/** The token of a layer with `tokens` of them, in rows, that a pixel of a square picture belongs to. */
export function tokenAt([x, y]: readonly [number, number], pictureSide: number, tokens: number): number {
  const grid = Math.sqrt(tokens);
  const cell = (at: number): number => Math.floor((at * grid) / pictureSide);
  return cell(y) * grid + cell(x);
}
