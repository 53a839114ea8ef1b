/** What a run of the bench has found; `bench.ts` writes it as JSON. */
import { median } from '../../src/cli/bench/times.ts';
import type { Time } from './processes/task.ts';

/** Of several turns. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** How fast a contender was in a case. Times are milliseconds of a pass. */
export interface Measurement {
  /** The case: its name, its title, and how many samples a pass has. */
  readonly name: string;
  readonly title: string;
  readonly batch: number;
  readonly threads: number;
  readonly contender: string;
  readonly ours: boolean;
  readonly version: string;
  /** Of each turn the median of its passes. */
  readonly turns: readonly Time[];
  readonly wall: Spread;
  readonly processor: Spread;
  /** The processor time of the first pass, with all that is done only once. */
  readonly first: Spread;
  /** The largest resident set, in MB. */
  readonly megabytes: number;
  /** Relative to PyTorch's float64, root mean square. */
  readonly error: number;
  /** What is wrong with the result, where it does not agree with PyTorch's by the rule of `test/agreement.ts`. */
  readonly disagreement?: string;
}

/** Somebody who has no time in a case, and why. */
export interface Missing {
  readonly title: string;
  readonly threads: number;
  readonly contender: string;
  readonly why: string;
}

/** A whole run. */
export interface Results {
  /** YYYY-MM-DD. */
  readonly date: string;
  readonly processor: string;
  readonly turns: number;
  readonly measurements: readonly Measurement[];
  readonly missing: readonly Missing[];
}

/** How many turns there are, in words. */
export function turnsText(turns: number): string {
  return turns === 1 ? 'one turn' : `${turns} turns`;
}

/** The middle and the ends of some numbers. */
export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), low: Math.min(...values), high: Math.max(...values) };
}

/** Which measurement is meant. */
export type Which = Pick<Measurement, 'name' | 'batch' | 'threads' | 'contender'>;

/** A measurement of a run; undefined where there is none. */
export function measurementOf({ measurements }: Results, which: Which): Measurement | undefined {
  const keys = ['name', 'batch', 'threads', 'contender'] as const;
  return measurements.find((one) => keys.every((key) => one[key] === which[key]));
}

/** All who were measured in a case, on so many threads. */
export interface Members {
  readonly title: string;
  readonly members: readonly Measurement[];
}

/** The measurements on so many threads, case by case, in the order of the run. */
export function casesOf({ measurements }: Results, threads: number): readonly Members[] {
  const shown = measurements.filter((one) => one.threads === threads);
  const titles = [...new Set(shown.map(({ title }) => title))];
  return titles.map((title) => ({ title, members: shown.filter((one) => one.title === title) }));
}

/**
 * How many times as long one takes as the other: the median of the ratios of each turn, in which they followed one
 * another.
 * @param clock milliseconds of the processor, which a busy machine does not change, or on the wall
 */
export function ratioOf(one: Measurement, other: Measurement, clock: keyof Time = 'processor'): number {
  return median(one.turns.map((time, turn) => time[clock] / (other.turns[turn]?.[clock] ?? NaN)));
}

/**
 * What a reader should know about the times of one thread: who takes more processor time than time has passed, so does
 * not do what it was told; and whether the machine was busy.
 */
export function remarksOn({ measurements }: Results): readonly string[] {
  const single = measurements.filter(({ threads }) => threads === 1);
  const used = ({ processor, wall }: Measurement): number => processor.median / wall.median;
  const greedy = single.filter((one) => used(one) > 1.15);
  const busy = median(single.map((one) => 1 / used(one)));
  return [
    ...greedy.map(
      (one) => `${one.contender} ignores its one thread: ${used(one).toFixed(2)} processors in ${one.title}`,
    ),
    ...(busy > 1.05
      ? [`the machine was busy: ${busy.toFixed(2)} times as long on the wall, so several threads tell little`]
      : []),
  ];
}
