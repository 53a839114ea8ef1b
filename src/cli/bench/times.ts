/** Timing things against one another. */

/** What is timed, by name; a subject may be left out. */
export type Subjects = Readonly<Record<string, (() => void) | undefined>>;

/** The median time of each subject in milliseconds. */
export type Times<S extends Subjects> = { readonly [Name in keyof S]: number };

/**
 * Times the subjects. They take turns, so that what else the machine does hits all alike. Before, they do the same for
 * as long, which does not count: an engine compiles twice, the second time only what has run for a while, and meanwhile
 * its compiler takes the processor that a second thread would have.
 * @param budgetMs how many milliseconds the turns that count take together, at least; there are five rounds at least
 */
export function medianTimes<S extends Subjects>(subjects: S, budgetMs: number): Times<S> {
  const runs = Object.entries(subjects).flatMap(([name, run]) => (run ? [{ name, run }] : []));
  takeTurns(runs, budgetMs, 1);
  const times = takeTurns(runs, budgetMs, 5);
  return Object.fromEntries([...times].map(([name, own]) => [name, median(own)])) as Times<S>;
}

interface Run {
  readonly name: string;
  readonly run: () => void;
}

/** The times of each run by its name, in as many rounds as the budget allows, but at least so many. */
function takeTurns(runs: readonly Run[], budgetMs: number, leastRounds: number): ReadonlyMap<string, number[]> {
  const turns = runs.map(({ name, run }) => ({ name, run, times: [] as number[] }));
  let spent = 0;
  for (let round = 0; spent < budgetMs || round < leastRounds; round++) {
    for (const { run, times } of turns) {
      const time = timeOf(run);
      times.push(time);
      spent += time;
    }
  }
  return new Map(turns.map(({ name, times }) => [name, times]));
}

function timeOf(run: () => void): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}

/** The middle value, of an even number of them the upper of the two; NaN where there are none. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
