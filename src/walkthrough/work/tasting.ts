/** A blind tasting: pairs of pictures from the same noise, one of them guided, and how often that one is preferred. */
import { manualSeed } from '../../tensor/random.ts';
import { at } from '../../tensor/at.ts';

/** The scales of PAG that are tasted: each of them once in a round. */
export const tastedScales = [0.5, 1, 2, 4] as const;
/** So many rounds there are. */
export const rounds = 3;
/** The first noise of the seed that is drawn for it: none that the page shows elsewhere. */
const firstSlice = 12;

/** So many noises there are up to the last of the pairs. */
export const tastedPictures = firstSlice + rounds * tastedScales.length;

/** Two pictures from one noise. */
export interface Pair {
  /** Which of the noises of the seed. */
  readonly slice: number;
  /** s of the guided one. */
  readonly scale: number;
  /** Whether the guided one stands on the left. */
  readonly guidedFirst: boolean;
}

/** The pairs of each round, in an order and on sides that follow from the seed. */
export function pairsOf(seed: number): readonly (readonly Pair[])[] {
  const count = tastedScales.length;
  const { data } = manualSeed((seed + 1) % 2 ** 32).randn([2 * rounds, count]);
  return Array.from({ length: rounds }, (_, round) => {
    const chance = (kind: number, i: number): number => at(data, (2 * round + kind) * count + i);
    const order = tastedScales.map((scale, i) => ({ scale, rank: chance(0, i) })).sort((a, b) => a.rank - b.rank);
    return order.map(({ scale }, i) => ({
      slice: firstSlice + round * count + i,
      scale,
      guidedFirst: chance(1, i) > 0,
    }));
  });
}

/**
 * How often the guided picture was preferred, for each of the scales, from 0 to 1.
 * @param preferred whether it was, for each of the pairs
 */
export function winRates(pairs: readonly Pair[], preferred: readonly boolean[]): readonly number[] {
  return tastedScales.map((scale) => {
    const own = preferred.filter((_, i) => pairs[i]?.scale === scale);
    return own.filter(Boolean).length / own.length;
  });
}
