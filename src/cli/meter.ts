/** Counts what the fast kernels do, so that a run can say how far it is while a model runs. */
import type { StepTime } from '../kernels/simd/index.ts';

/** What has been done so far. */
export interface Meter {
  /** To be told of every step of the kernels. */
  readonly watch: (step: Pick<StepTime, 'products'>) => void;
  /** Multiply-adds until now. */
  readonly products: () => number;
  /** Who is told of every step from now on, if anybody. */
  readonly listen: (listener: (() => void) | undefined) => void;
}

/** A meter that has seen nothing yet. */
export function createMeter(): Meter {
  let products = 0;
  let heard: (() => void) | undefined;
  return {
    watch(step) {
      products += step.products;
      heard?.();
    },
    products: () => products,
    listen(listener) {
      heard = listener;
    },
  };
}

/** Milliseconds between two looks at how far some work is. */
const pause = 200;

/** Work that is measured. */
export interface Measured {
  /** The same work begins once more. */
  readonly again: () => void;
  readonly end: () => void;
}

/**
 * Tells `show` now and then how much of some work is done, as a part of 1.
 * @param products multiply-adds that the work takes
 */
export function measured(meter: Meter, products: number, show: (part: number) => void): Measured {
  let [before, shown] = [meter.products(), performance.now()];
  meter.listen(() => {
    const now = performance.now();
    if (now - shown < pause) return;
    shown = now;
    // It may take more than was planned.
    show(Math.min(0.99, (meter.products() - before) / products));
  });
  return {
    again() {
      [before, shown] = [meter.products(), performance.now()];
    },
    end: () => meter.listen(undefined),
  };
}
