/** One head of an attention layer, taken out of what a pass has shown. */
import { referenceKernels } from '../../kernels/plain/index.ts';
import { shapeText, tensor, type Tensor } from '../../tensor/tensor.ts';
import { present } from '../checked.ts';
import type { PassesResult } from '../protocol.ts';

/** What one head does: N tokens, d channels. */
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

const known = new WeakMap<Tensor, Map<number, Head>>();

/**
 * A head of a layer whose map and `to_v` were tapped.
 * @param layer its path
 * @param head its number, from 0
 */
export function headOf({ taps }: PassesResult, layer: string, head: number): Head {
  const maps = present(taps[`${layer}.map`], `tap of the map of ${layer}`);
  const values = present(taps[`${layer}.to_v`], `tap of the values of ${layer}`);
  const heads = known.get(maps) ?? new Map<number, Head>();
  const found = heads.get(head) ?? cutOut(maps, values, head);
  known.set(maps, heads.set(head, found));
  return found;
}

/** @param maps [1,h,N,N] @param values [1,N,D] */
function cutOut(maps: Tensor, values: Tensor, head: number): Head {
  const [, heads, tokens] = maps.shape;
  const channels = values.shape.at(-1);
  if (heads === undefined || tokens === undefined || channels === undefined)
    throw new Error(`no attention map has the shape ${shapeText(maps.shape)} with values ${shapeText(values.shape)}`);
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
