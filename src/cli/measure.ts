/** Timing things against one another. */

export interface Subject {
  readonly name: string;
  run(): void;
}

/**
 * The median time of each subject in milliseconds. They take turns, so that what else the machine does hits all alike.
 * Before, they do the same for as long, which does not count: an engine compiles twice, the second time only what has
 * run for a while, and meanwhile its compiler takes the processor that a second thread would have.
 */
export function medianTimes(subjects: readonly Subject[], budgetMs: number): ReadonlyMap<string, number> {
  roundsOf(subjects, budgetMs, 1);
  const rounds = roundsOf(subjects, budgetMs, 5);
  return new Map(subjects.map(({ name }, i) => [name, median(rounds.map((times) => times[i]!))]));
}

/** The times of each subject in rounds, as many as the budget allows, but at least so many. */
function roundsOf(subjects: readonly Subject[], budgetMs: number, least: number): readonly (readonly number[])[] {
  const rounds: number[][] = [];
  for (let spent = 0; spent < budgetMs || rounds.length < least; ) {
    const times = subjects.map(timeOf);
    rounds.push(times);
    spent += times.reduce((sum, time) => sum + time, 0);
  }
  return rounds;
}

function timeOf(subject: Subject): number {
  const start = performance.now();
  subject.run();
  return performance.now() - start;
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
