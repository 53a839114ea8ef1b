/** Which weights stay in memory, where there is not enough of it for all. */
import { sourceOf } from '../../../tensor/deferred.ts';
import type { Graph } from '../../graph.ts';
import { layOut } from '../memory/buffers.ts';
import type { WeightStore } from '../memory/weights.ts';
import { lower } from './lower.ts';
import type { LoweringOptions } from './lowering.ts';
import type { Rules } from './rule.ts';
import type { Lowered } from './steps.ts';

/**
 * Weights that files keep in 16 bits take twice as much in memory. Beyond this share of it they do not stay there, but
 * are loaded in each run.
 */
const WIDENED_SHARE = 8;

/** Steps whose buffers have their offsets, in an arena of so many bytes. */
export interface LaidOut {
  readonly lowered: Lowered;
  readonly arenaBytes: number;
}

/**
 * The steps of a graph, with as many of its weights in memory as there is room for beside its activations.
 * @param most bytes of memory
 * @throws InputError where an operation has no rule
 */
export function lowerToFit(
  graph: Graph,
  rules: Partial<Rules>,
  options: Omit<LoweringOptions, 'keeps'>,
  store: WeightStore,
  most: number,
): LaidOut {
  /**
   * Whether a weight stays, where weights may take so much.
   * @param computed bytes of what is computed, and stays first
   */
  const keeper = (room: number, computed = 0): NonNullable<LoweringOptions['keeps']> => {
    let toCome = computed;
    return (tensor, packing) => {
      const bytes = 4 * packing.length;
      const isWidened = (sourceOf(tensor)?.format ?? 'f32') !== 'f32';
      const allowed = isWidened ? Math.min(room, most / WIDENED_SHARE) : room;
      if (store.has(tensor, packing)) return true;
      if (!packing.isComputed) return store.bytes() + toCome + bytes <= allowed;
      const fits = store.bytes() + bytes <= allowed;
      if (fits) toCome -= bytes;
      return fits;
    };
  };
  const whole = lower(graph, rules, { ...options, keeps: keeper(Infinity) }, store);
  const activations = layOut(whole.buffers);
  if (store.bytes() + activations <= most) return { lowered: whole, arenaBytes: activations };
  // What is loaded in each run is in the arena as it is stored, as floats, and arranged.
  const largest = whole.weights.reduce((size, { bytes }) => Math.max(size, bytes), 0);
  const computed = [...new Set(whole.weights)].filter(({ packing }) => packing.isComputed);
  const computedBytes = computed.reduce((sum, { bytes }) => sum + bytes, 0);
  releaseWeights(whole);
  const keeps = keeper(most - activations - 3 * largest, computedBytes);
  const lowered = lower(graph, rules, { ...options, keeps }, store);
  return { lowered, arenaBytes: layOut(lowered.buffers) };
}

/** Gives up the weights of steps that will not be run any more. */
export function releaseWeights({ weights }: Lowered): void {
  for (const weight of weights) weight.release();
}
