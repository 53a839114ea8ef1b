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
import { spacingKeys, wideSpacings, type WideSpacing } from './spacing-keys.ts';

/** Stands for ᾱ = 0, pure noise, whose σ would be infinite: the smallest ᾱ that float16 can hold. */
const leastAlpha = 2 ** -24;

/** σ = √((1 − ᾱ)/ᾱ) of each training timestep, rising. */
export function trainingSigmas({ alphasCumprod }: NoiseSchedule): Float32Array {
  return alphasCumprod.map((alpha) => {
    const kept = alpha === 0 ? leastAlpha : alpha;
    return Math.sqrt(f32(oneMinus(kept) / kept));
  });
}

/**
 * Refuses σ of calls from which no step leads: not above 0, or so large that σ² is not finite in float32.
 * @param cause the settings that they follow from
 * @throws InputError that names the cause, the call and σ
 */
export function checkSigmas(scheduler: string, sigmas: readonly number[], cause: string): void {
  const index = sigmas.findIndex((sigma) => !(sigma > 0 && f32(sigma * sigma) < Infinity));
  if (index >= 0)
    throw new InputError(
      `${scheduler}: with ${cause} σ is ${sigmas[index]} at call ${index} of the model; ` +
        'expected a number above 0, its square finite',
    );
}

/**
 * Refuses σ that rise from call to call where noise is to be added on the way down.
 * @throws InputError that names the cause, the call and both σ
 */
export function checkFalling(scheduler: string, sigmas: readonly number[], cause: string): void {
  const index = sigmas.findIndex((sigma, i) => i > 0 && sigma > (sigmas[i - 1] ?? 0));
  if (index >= 0)
    throw new InputError(
      `${scheduler}: with ${cause} σ rises from ${sigmas[index - 1]} to ${sigmas[index]} at call ${index} of the ` +
        'model, but noise is added on the way down only; take fewer steps, or a scheduler that adds none',
    );
}

/** sigma_min and sigma_max, where a config has them. */
export interface SigmaEnds {
  /** sigma_min. */
  readonly least?: number | undefined;
  /** sigma_max. */
  readonly most?: number | undefined;
}

/** Reads sigma_min, sigma_max. Only spaced σ look at them. */
export function readSigmaEnds(options: Options): SigmaEnds {
  return { least: options.optionalNumber('sigma_min'), most: options.optionalNumber('sigma_max') };
}

/** The classes whose Karras' σ look at no other ends than their own. */
const ownKarras = ['LMSDiscreteScheduler', 'DPMSolverSDEScheduler'];

/**
 * sigma_min and sigma_max that another class has left in the config of one that does not have them: diffusers spaces σ
 * between them all the same, so they are no keys that do nothing.
 */
export function foreignEnds(
  options: Options,
  scheduler: string,
  spacing: WideSpacing | 'lu' | 'flow' | undefined,
): SigmaEnds {
  const looks = wideSpacings.some((wide) => wide === spacing);
  if (!looks || (spacing === 'karras' && ownKarras.includes(scheduler))) return {};
  return { least: options.foreignNumber('sigma_min'), most: options.foreignNumber('sigma_max') };
}

/**
 * The largest and the smallest σ of spaced ones.
 * @param ends of the config; where it has none they are those of evenly spaced timesteps
 * @throws InputError where an end of the config is not above 0, or the smallest is above the largest
 */
export function endsOf(
  scheduler: string,
  { least, most }: SigmaEnds,
  [largest, smallest]: readonly [largest: number, smallest: number],
): readonly [largest: number, smallest: number] {
  for (const [key, value] of Object.entries({ sigma_min: least, sigma_max: most }))
    if (value !== undefined && !(value > 0))
      throw new InputError(`${scheduler}: ${key} is ${value}; expected a σ above 0`);
  const ends = [most ?? largest, least ?? smallest] as const;
  if ((least !== undefined || most !== undefined) && ends[1] > ends[0])
    throw new InputError(`${scheduler}: sigma_min = ${ends[1]} is above sigma_max = ${ends[0]}`);
  return ends;
}

/** `sigma_min = 0.1`, … of those that a config has, and what the others follow from, for messages. */
export function causeOf(settings: string, { least, most }: SigmaEnds): string {
  const ends = Object.entries({ sigma_min: least, sigma_max: most }).filter(([, value]) => value !== undefined);
  return [...ends.map(([key, value]) => `${key} = ${value}`), ...(ends.length < 2 ? [settings] : [])].join(' and ');
}

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
  const known: readonly (WideSpacing | Further)[] = [...wideSpacings, ...further];
  const chosen = known.filter((spacing) => options.flag(spacingKeys[spacing], false));
  if (chosen.length > 1) {
    throw new InputError(
      `${scheduler}: ${chosen.map((spacing) => spacingKeys[spacing]).join(' and ')} exclude one another`,
    );
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
 * @param rounded how NumPy holds what is computed from σ: in double precision, unless σ is float32
 */
export function timestepOfSigma(
  table: Float32Array,
  rounded: (x: number) => number = (x) => x,
): (sigma: number) => number {
  if (table.length === 1) return () => 0;
  const logAt = (timestep: number): number => f32(log(at(table, timestep)));
  return (sigma) => {
    const logSigma = rounded(log(Math.max(sigma, 1e-10)));
    let [below, above] = [0, table.length - 1];
    while (above - below > 1) {
      const middle = Math.floor((below + above) / 2);
      if (logAt(middle) <= logSigma) below = middle;
      else above = middle;
    }
    const [from, to] = [logAt(below), logAt(below + 1)];
    const weight = Math.min(Math.max(rounded(rounded(from - logSigma) / f32(from - to)), 0), 1);
    return rounded(1 - weight) * below + weight * (below + 1);
  };
}
