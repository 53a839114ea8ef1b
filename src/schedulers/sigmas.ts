/**
 * Tables of σ, the noise level of x = x₀ + σε: those of the training, and the ways to space a run's σ between the
 * largest and the smallest. Double precision; where PyTorch and NumPy hold float32, so do we.
 */
import { exp, log, pow } from '../tensor/math/index.ts';
import { InputError } from '../tensor/errors.ts';
import { at, lastOf } from '../tensor/at.ts';
import { betaQuantile } from './beta-quantile.ts';
import type { NoiseSchedule } from './noise-schedule.ts';
import type { Options } from './options.ts';
import { f32, oneMinus } from './single.ts';
import { range } from './spacing.ts';

/** Stands for ᾱ = 0, pure noise, whose σ would be infinite: the smallest ᾱ that float16 can hold. */
const leastAlpha = 2 ** -24;

/** σ = √((1 − ᾱ)/ᾱ) of each training timestep, rising. */
export function trainingSigmas({ alphasCumprod }: NoiseSchedule): Float32Array {
  return alphasCumprod.map((alpha) => {
    const kept = alpha === 0 ? leastAlpha : alpha;
    return Math.sqrt(f32(oneMinus(kept) / kept));
  });
}

/** How σ may be spaced between the largest and the smallest of a run. */
export type WideSpacing = 'karras' | 'exponential' | 'beta';

/**
 * Reads use_karras_sigmas, use_exponential_sigmas, use_beta_sigmas and, where the class has them, use_lu_lambdas,
 * use_flow_sigmas. Undefined where none is set: then σ are those of evenly spaced timesteps.
 * @throws InputError where more than one is set
 */
export function readSigmaSpacing<Further extends 'lu' | 'flow' = never>(
  options: Options,
  scheduler: string,
  further: readonly Further[] = [],
): WideSpacing | Further | undefined {
  const keys: Readonly<Record<WideSpacing | 'lu' | 'flow', string>> = {
    karras: 'use_karras_sigmas',
    exponential: 'use_exponential_sigmas',
    beta: 'use_beta_sigmas',
    lu: 'use_lu_lambdas',
    flow: 'use_flow_sigmas',
  };
  const known: readonly (WideSpacing | Further)[] = ['karras', 'exponential', 'beta', ...further];
  const chosen = known.filter((spacing) => options.flag(keys[spacing], false));
  if (chosen.length > 1) {
    throw new InputError(`${scheduler}: ${chosen.map((spacing) => keys[spacing]).join(' and ')} exclude one another`);
  }
  return chosen[0];
}

/** `count` values from the largest σ, which is above 0, down to the smallest. */
export function spaceSigmas(spacing: WideSpacing, largest: number, smallest: number, count: number): number[] {
  switch (spacing) {
    case 'karras':
      return karrasSigmas(largest, smallest, count, 7);
    case 'exponential':
      return range(log(largest), log(smallest), count).map(exp);
    case 'beta':
      return range(0, 1, count).map((place) => smallest + betaQuantile(1 - place, 0.6) * (largest - smallest));
  }
}

/** `count` values of σ, σ^(1/ρ) in even steps (Karras et al. 2022, arXiv 2206.00364, eq. 5; there ρ = 7). */
export function karrasSigmas(largest: number, smallest: number, count: number, rho: number): number[] {
  const [from, to] = [pow(largest, 1 / rho), pow(smallest, 1 / rho)];
  return range(0, 1, count).map((place) => pow(from + place * (to - from), rho));
}

/** The value of a table between its entries, by linear interpolation; beyond its ends, the end. */
export function interpolate(table: Float32Array, place: number): number {
  const last = table.length - 1;
  if (place <= 0) return at(table, 0);
  if (place >= last) return lastOf(table);
  const below = Math.floor(place);
  const value = at(table, below);
  return value + (at(table, below + 1) - value) * (place - below);
}

/**
 * Which timestep has a σ: the place between two training timesteps by linear interpolation in log σ; beyond the ends of
 * the table, the end.
 * @param table σ of the training timesteps, rising
 */
export function timestepOfSigma(table: Float32Array): (sigma: number) => number {
  const logs = table.map(log);
  if (logs.length === 1) return () => 0;
  return (sigma) => {
    const logSigma = log(Math.max(sigma, 1e-10));
    let below = logs.length - 2;
    while (below > 0 && !(at(logs, below) <= logSigma)) below--;
    const [from, to] = [at(logs, below), at(logs, below + 1)];
    const weight = Math.min(Math.max((from - logSigma) / f32(from - to), 0), 1);
    return (1 - weight) * below + weight * (below + 1);
  };
}
