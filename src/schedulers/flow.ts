/** The σ of a flow, x = (1 − σ) x₀ + σ ε, from 1, noise, to 0, picture. */
import { InputError } from '../tensor/errors.ts';
import { exp } from '../tensor/math/index.ts';
import { lastOf } from '../tensor/at.ts';
import type { Options } from './options.ts';

/** σ in steps of a flow's time, moved towards noise by `shift` (Esser et al. 2024, arXiv 2403.03206, eq. 23). */
export function shiftFlow(sigma: number, shift: number): number {
  return (shift * sigma) / (1 + (shift - 1) * sigma);
}

/**
 * Reads shift_terminal: undefined where there is none, which 0 says too, as in diffusers.
 * @throws InputError beyond 0 to 1, and where a single step leaves nothing to stretch
 */
export function readTerminal(options: Options, scheduler: string, steps: number): number | undefined {
  const terminal = options.optionalNumber('shift_terminal');
  if (terminal === undefined || terminal === 0) return undefined;
  if (!(terminal > 0 && terminal < 1))
    throw new InputError(`${scheduler}: shift_terminal is ${terminal}; expected a σ between 0 and 1`);
  if (steps < 2)
    throw new InputError(
      `${scheduler}: shift_terminal = ${terminal} is to be σ of the last step, but the only one begins at σ = 1; ` +
        'take at least 2 steps',
    );
  return terminal;
}

/**
 * σ of a flow stretched from 1, so that the last of them is `terminal` (LTX-Video, arXiv 2501.00103).
 * @param sigmas at least one of them below 1
 */
export function stretchToTerminal(sigmas: readonly number[], terminal: number): number[] {
  const factor = (1 - lastOf(sigmas)) / (1 - terminal);
  return sigmas.map((sigma) => 1 - (1 - sigma) / factor);
}

/** What a config and a run say of a shift that depends on the size of the picture. */
export interface DynamicShift {
  /** use_dynamic_shifting. */
  readonly isDynamic: boolean;
  /** time_shift_type: whether mu is the logarithm of the shift, or the shift. */
  readonly shiftType: 'exponential' | 'linear';
  /** Undefined where the run gives none. */
  readonly mu: number | undefined;
}

/**
 * The shift of a run: the fixed one, or that of mu.
 * @param key that of the fixed shift
 * @throws InputError where it is dynamic and there is no mu, and for a shift that is not above 0
 */
export function chosenShift(
  scheduler: string,
  key: 'shift' | 'flow_shift',
  fixed: number,
  { isDynamic, shiftType, mu }: DynamicShift,
): number {
  if (!isDynamic) return checkShift(scheduler, key, fixed, fixed);
  if (mu === undefined)
    throw new InputError(`${scheduler}: use_dynamic_shifting needs a mu, the logarithm of the shift`);
  return checkShift(scheduler, 'mu', mu, shiftType === 'exponential' ? exp(mu) : mu);
}

/** @throws InputError for a shift that is not above 0, or not finite */
export function checkShift(scheduler: string, key: string, given: number, shift: number): number {
  if (shift > 0 && shift < Infinity) return shift;
  throw new InputError(`${scheduler}: ${key} is ${given}, a shift of ${shift}; expected one above 0, and finite`);
}
