/** Timing things against one another. */

export interface Subject {
  readonly name: string;
  run(): void;
}

/**
 * The median time of each subject in milliseconds. They take turns, so that what else the machine does hits all alike;
 * a first round, in which code is compiled and memory laid out, is not counted.
 */
export function medianTimes(subjects: readonly Subject[], budgetMs: number): ReadonlyMap<string, number> {
  const times = new Map(subjects.map(({ name }) => [name, [] as number[]]));
  const warmUp = subjects.map((subject) => timeOf(subject) + timeOf(subject)).reduce((sum, time) => sum + time / 2, 0);
  const rounds = Math.min(200, Math.max(5, Math.round(budgetMs / warmUp)));
  for (let round = 0; round < rounds; round++) {
    for (const subject of subjects) times.get(subject.name)!.push(timeOf(subject));
  }
  return new Map([...times].map(([name, list]) => [name, median(list)]));
}

function timeOf(subject: Subject): number {
  const start = performance.now();
  subject.run();
  return performance.now() - start;
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
