/**
 * Attention in which some places of the picture are not heard: between softmax attention, where all are, and the
 * identity, where every pixel hears itself alone.
 */
import { constantOf, forEverySample } from '../../nn/attention-perturbations/constants.ts';
import type { AttentionMixer } from '../../nn/attention.ts';

/** The picture in cells, so many in a row: each as large as a token of the coarsest layers. */
export const hushCells = 8;

/** Far below all scores: the softmax makes it 0. */
const unheard = -1e9;

/**
 * softmax(Q Kᵀ/√d + mask) V, where the mask hides all tokens in these cells from all others; each still hears itself.
 * @param cells by their numbers, row by row
 */
export function hushedAttention(cells: readonly number[]): AttentionMixer {
  const isHushed = new Set(cells);
  const maskOf = constantOf(
    forEverySample(([heads, queries, keys]) => {
      const grid = Math.sqrt(keys);
      const hushed = Array.from({ length: keys }, (_, token) => isHushed.has(cellOf(token, grid)));
      const one = Float64Array.from({ length: queries * keys }, (_, i) => {
        const [query, key] = [Math.floor(i / keys), i % keys];
        return query !== key && hushed[key] === true ? unheard : 0;
      });
      const all = new Float64Array(heads * one.length);
      for (let head = 0; head < heads; head++) all.set(one, head * one.length);
      return all;
    }),
  );
  return {
    key: `hushed(${cells.join()})`,
    mix({ kernels, query, key, value, heads, scale }) {
      const scores = kernels.attentionScores(query(), key(), heads, scale);
      const map = kernels.softmax(kernels.add(scores, maskOf(scores.shape, value.dtype)));
      return kernels.applyAttentionMap(map, value);
    },
  };
}

/** The cell of a token of a layer with `grid` of them in a row. */
function cellOf(token: number, grid: number): number {
  const cell = (at: number): number => Math.floor((at * hushCells) / grid);
  return cell(Math.floor(token / grid)) * hushCells + cell(token % grid);
}
