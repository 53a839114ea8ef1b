/** Results of a bench that never ran. */
import type { Time } from '../../scripts/bench/processes/task.ts';
import { spreadOf, type Measurement, type Results } from '../../scripts/bench/results.ts';

/** A measurement whose turns took so many milliseconds of the processor, and as many on the wall unless given. */
export function measured(
  contender: string,
  processor: readonly number[],
  more: Partial<Measurement> & { readonly walls?: readonly number[] } = {},
): Measurement {
  const { walls = processor, ...own } = more;
  const turns = processor.map((time, turn): Time => ({ processor: time, wall: walls[turn] ?? NaN }));
  return {
    ...{ name: 'letters', title: 'letters, one sample', batch: 1, threads: 1, contender },
    ...{ ours: contender.startsWith('simd'), version: `${contender} 1.0`, turns, error: 1e-7 },
    ...{ wall: spreadOf(walls), processor: spreadOf(processor), first: spreadOf([100]), megabytes: 100 },
    ...own,
  };
}

/** A run with these measurements. */
export function run(measurements: readonly Measurement[], more: Partial<Results> = {}): Results {
  return { date: '2026-11-28', processor: 'A processor', turns: 3, measurements, missing: [], ...more };
}
