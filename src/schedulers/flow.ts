/** The σ of a flow, x = (1 − σ) x₀ + σ ε, from 1, noise, to 0, picture. */
import { InputError } from '../tensor/errors.ts';
import { exp } from '../tensor/math/index.ts';
import { lastOf } from '../tensor/at.ts';

/** σ in steps of a flow's time, moved towards noise by `shift` (Esser et al. 2024, arXiv 2403.03206, eq. 23). */
export function shiftFlow(sigma: number, shift: number): number {
  return (shift * sigma) / (1 + (shift - 1) * sigma);
}

/** σ of a flow stretched from 1, so that the last of them is `terminal` (LTX-Video, arXiv 2501.00103). */
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

/** The shift of a run: the fixed one, or that of mu. @throws InputError where it is dynamic and there is no mu */
export function chosenShift(scheduler: string, fixed: number, { isDynamic, shiftType, mu }: DynamicShift): number {
  if (!isDynamic) return fixed;
  if (mu === undefined)
    throw new InputError(`${scheduler}: use_dynamic_shifting needs a mu, the logarithm of the shift`);
  return shiftType === 'exponential' ? exp(mu) : mu;
}
