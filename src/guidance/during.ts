/** Guidance in a limited interval (Kynkäänniemi et al. 2024, arXiv 2404.07724). */
import { checkOptions, number, optional, type Check, type Checks } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { shown } from '../tensor/shown.ts';
import { aGuidance, type Guidance, type GuidanceStep } from './guidance.ts';
import { none } from './none.ts';

/** When a guidance acts. A bound that is left out does not bound. */
export type Interval =
  /** Steps, whole numbers counted from 0: from ≤ step < to. */
  | { readonly unit: 'step'; readonly from?: number; readonly to?: number }
  /** Shares of all steps, from 0 to 1, as diffusers' `start` and `stop`: ⌊from · count⌋ ≤ step < ⌊to · count⌋. */
  | { readonly unit: 'fraction'; readonly from?: number; readonly to?: number }
  /** The noise level σ_t/α_t of the step, σ in the paper: from < σ ≤ to. */
  | { readonly unit: 'sigma'; readonly from?: number; readonly to?: number };

/**
 * `guidance` within the interval, outside it `otherwise`: the plain conditional prediction, as in the paper and in
 * diffusers. (diffusers' guiders start PAG, SLG and SEG one step late, since they ask for from < step.)
 * @throws InputError when there is no guidance, a bound is unknown or no number of its unit, or nothing can lie between
 *   the two; at the first step, when none of the run's steps does
 */
export function during(guidance: Guidance, interval: Interval, otherwise: Guidance = none): Guidance {
  aGuidance('the guidance', guidance);
  aGuidance('otherwise', otherwise);
  checkOptions('during', interval, checks);
  check(interval);
  const actingAt = (step: GuidanceStep): Guidance => (contains(interval, step) ? guidance : otherwise);
  return {
    name: guidance.name,
    guide: (step) => actingAt(step).guide(step),
    meanShift: (step) => actingAt(step).meanShift?.(step),
  };
}

function contains({ unit, from = -Infinity, to = Infinity }: Interval, step: GuidanceStep): boolean {
  const { index, count, noise, signal } = step;
  if (unit === 'sigma') return from < noise / signal && noise / signal <= to;
  const places = unit === 'fraction' ? count : 1;
  const [first, end] = [Math.max(0, Math.floor(from * places)), Math.min(count, Math.floor(to * places))];
  if (first < end) return first <= index && index < end;
  throw new InputError(`${named(unit, from, to)}, where the run of ${count} has no step; widen it, or take more steps`);
}

const aUnit: Check = (_name, unit) => {
  if (['step', 'fraction', 'sigma'].includes(unit as string)) return;
  throw new InputError(
    `the interval of the guidance is one of ${shown(unit)}; it must be "step", "fraction" or "sigma"`,
  );
};
const checks: Checks<Interval> = { unit: aUnit, from: optional(number), to: optional(number) };

function check({ unit, from = -Infinity, to = Infinity }: Interval): void {
  const name = named(unit, from, to);
  if (!(from <= to)) throw new InputError(`${name}; it must not end before it begins`);
  const bounds = [from, to].filter(Number.isFinite);
  if (unit === 'fraction' && bounds.some((bound) => bound < 0 || bound > 1)) {
    throw new InputError(
      `the interval of the guidance is from ${from} to ${to}; fractions of the steps are from 0 to 1`,
    );
  }
  if (unit === 'step' && !bounds.every((bound) => Number.isInteger(bound) && bound >= 0)) {
    throw new InputError(`${name}; steps are whole numbers, the first is 0`);
  }
  if (unit === 'sigma' && bounds.some((bound) => bound < 0)) {
    throw new InputError(`${name}; a noise level is never negative`);
  }
  const latest = unit === 'fraction' ? 1 : Infinity;
  if (from === to || to === 0 || from === latest) throw new InputError(`${name}; nothing lies in it`);
}

function named(unit: string, from: number, to: number): string {
  return `the interval of the guidance is from ${from} to ${to} (${unit})`;
}
