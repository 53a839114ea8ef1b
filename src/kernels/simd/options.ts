/** The options of fast backends. */
import { aFunction, flag, mustBe, optional, whole, type Checks } from '../../tensor/checks.ts';
import { anOrder, type OrderOptions } from '../order.ts';
import type { AnyWorker } from './threads/workers.ts';

/** How a backend is to compute. None of it changes the bits, but `fma` and `order`. */
export interface SimdOptions extends OrderOptions {
  /** Threads, the calling one included: 1 unless given. Where threads cannot be had, one is used. */
  readonly threads?: number;
  /**
   * For browsers: the workers beside the calling thread, from `openThreads(threads − 1)`. Without them there is one
   * thread.
   */
  readonly workers?: readonly AnyWorker[];
  /** Multiply-adds that round once, where the engine has them: faster, but with bits of their own. */
  readonly fma?: boolean;
  /** Tiles twice as wide, the same bits: faster where the engine joins vectors (see `joinsVectors`), else slower. */
  readonly wide?: boolean;
  /**
   * The most bytes that it takes for weights and inner values; 4 GiB, which is all that there can be, unless given.
   * Weights for which there is no room are loaded anew in each run, from their file if they are still there.
   */
  readonly memory?: number;
  /** Is told of every step of a run, for measurements. */
  readonly watch?: (step: StepTime) => void;
}

/** How long a step of a program took. */
export interface StepTime {
  /** The operation, with its shape. */
  readonly name: string;
  /** Multiplications in its sums of products; each has its addition. */
  readonly products: number;
  readonly milliseconds: number;
}

/** The most threads of a backend: more would have nothing to do, and each takes memory of its own. */
export const mostThreads = 256;

/** What the options may be. */
export const simdChecks: Checks<SimdOptions> = {
  threads: optional(whole(1, mostThreads)),
  workers: optional(mustBe('a list of workers, as await openThreads(1) gives', Array.isArray)),
  fma: optional(flag),
  wide: optional(flag),
  order: optional(anOrder),
  memory: optional(whole(1)),
  watch: optional(aFunction('a function that is told of each step')),
};
