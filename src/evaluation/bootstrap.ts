/** Bootstrap confidence intervals (Efron 1979): how far a figure would move with another draw of as many pictures. */
import { aFunction, checkOptions, number, optional, whole, type Checks } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { manualSeed } from '../tensor/random.ts';

/** A figure and the ends of its 95 % confidence interval. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** How a bootstrap draws. */
export interface BootstrapOptions {
  /** How often is drawn again (200). */
  readonly rounds?: number;
  /** The same seed draws the same, so figures of records of equal length are drawn in pairs. */
  readonly seed?: number;
}

const checks: Checks<BootstrapOptions> = { rounds: optional(number), seed: optional(whole(0)) };

/**
 * `statistic` of all of `count` things, and the central 95 % of it over draws with replacement.
 *
 * A draw with replacement is less diverse than what it is drawn from, which moves some figures (a Fréchet distance up,
 * an entropy down) on average. That is a bias of the draws, so the interval is moved back by it and always holds the
 * value.
 * @param statistic of the chosen things, by their numbers
 * @throws InputError when there is nothing to draw from, no round, no statistic, or an unknown option
 */
export function bootstrap(
  count: number,
  statistic: (chosen: readonly number[]) => number,
  options: BootstrapOptions = {},
): Estimate {
  whole(0)('count', count);
  aFunction('a function of chosen numbers')('statistic', statistic);
  checkOptions('bootstrap', options, checks);
  const { rounds = 200, seed = 0 } = options;
  if (!(count >= 1 && rounds >= 1 && rounds <= 1e6))
    throw new InputError(
      'a bootstrap needs something to draw from and 1 to 1000000 rounds, ' +
        `but there are ${count} things and ${rounds} rounds`,
    );
  const value = statistic(Array.from({ length: count }, (_, i) => i));
  const generator = manualSeed(seed);
  const draws = Array.from({ length: rounds }, () =>
    statistic(Array.from(generator.rand([count], 'f64').data, (u) => Math.floor(u * count))),
  ).sort((a, b) => a - b);
  const bias = draws.reduce((sum, draw) => sum + (draw - value) / rounds, 0);
  return {
    value,
    low: Math.min(value, quantile(draws, 0.025) - bias),
    high: Math.max(value, quantile(draws, 0.975) - bias),
  };
}

/**
 * The value below which a share of all lies, interpolated (as NumPy's default).
 * @param sorted ascending, at least one
 * @param share from 0, the least, to 1, the most
 */
export function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const [low = NaN, high = low] = sorted.slice(below, below + 2);
  return low + (at - below) * (high - low);
}
