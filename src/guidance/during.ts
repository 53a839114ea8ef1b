/** Guidance in a limited interval (Kynkäänniemi et al. 2024, arXiv 2404.07724). */
import { InputError } from '../tensor/errors.ts';
import type { Guidance, GuidanceStep } from './guidance.ts';
import { none } from './none.ts';

/** When a guidance acts. A bound that is left out does not bound. */
export type Interval =
  /** Steps, counted from 0: from ≤ step < to. */
  | { readonly unit: 'step'; readonly from?: number; readonly to?: number }
  /** Shares of all steps, as diffusers' `start` and `stop`: ⌊from · count⌋ ≤ step < ⌊to · count⌋. */
  | { readonly unit: 'fraction'; readonly from?: number; readonly to?: number }
  /** The noise level σ_t/α_t of the step, σ in the paper: from < σ ≤ to. */
  | { readonly unit: 'sigma'; readonly from?: number; readonly to?: number };

/**
 * `guidance` within the interval, outside it `otherwise`: the plain conditional prediction, as in the paper and in
 * diffusers. (diffusers' guiders start PAG, SLG and SEG one step late, since they ask for from < step.) Throws an
 * InputError when the interval's bounds are no numbers, in the wrong order, or fractions outside [0, 1].
 */
export function during(guidance: Guidance, interval: Interval, otherwise: Guidance = none): Guidance {
  check(interval);
  return {
    name: guidance.name,
    guide: (step) => (contains(interval, step) ? guidance : otherwise).guide(step),
  };
}

function contains({ unit, from = -Infinity, to = Infinity }: Interval, step: GuidanceStep): boolean {
  switch (unit) {
    case 'step':
      return from <= step.index && step.index < to;
    case 'fraction':
      return Math.floor(from * step.count) <= step.index && step.index < Math.floor(to * step.count);
    case 'sigma':
      return from < step.noise / step.signal && step.noise / step.signal <= to;
  }
}

function check({ unit, from = -Infinity, to = Infinity }: Interval): void {
  if (!(from <= to))
    throw new InputError(
      `the interval of the guidance is from ${from} to ${to} (${unit}); it must not end before it begins`,
    );
  if (unit === 'fraction' && [from, to].some((bound) => Number.isFinite(bound) && (bound < 0 || bound > 1))) {
    throw new InputError(
      `the interval of the guidance is from ${from} to ${to}; fractions of the steps are from 0 to 1`,
    );
  }
}
