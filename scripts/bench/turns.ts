/** Contenders taking turns, and what comes of it. */
import { median } from '../../src/cli/bench/times.ts';
import type { Case } from './cases.ts';
import type { Contender } from './contenders.ts';
import type { Time, Told } from './processes/task.ts';
import { spreadOf, type Measurement, type Missing } from './results.ts';

/** A contender in a case. */
export interface Entry {
  readonly one: Pick<Case, 'name' | 'title' | 'batch'>;
  readonly threads: number;
  readonly contender: Pick<Contender, 'name' | 'ours'>;
}

/** What a process has told, and how good its result is: see `Measurement`. */
export interface Performance extends Told, Pick<Measurement, 'error' | 'disagreement'> {}

/** What has come of all of them. */
export interface Outcome {
  readonly measurements: readonly Measurement[];
  readonly missing: readonly Missing[];
}

/** Who is told how it goes. Turns are counted from 1. */
export interface Listener {
  /** A process has a time, or is left out from now on, and why. */
  found(turn: number, entry: Entry, found: Time | string): void;
  /** All have had their turn. */
  over(turn: number): void;
}

/**
 * Lets all take so many turns, in the order of the entries. Who fails is left out from then on.
 * @param perform runs the process of an entry; it throws an Error with the reason where there is nothing to measure
 */
export async function takeTurns<E extends Entry>(
  entries: readonly E[],
  turns: number,
  perform: (entry: E) => Promise<Performance>,
  listener: Listener,
): Promise<Outcome> {
  const found = new Map(entries.map((entry) => [entry, [] as Performance[]]));
  const missing: Missing[] = [];
  for (let turn = 1; turn <= turns; turn++) {
    for (const [entry, performances] of found) {
      try {
        const performance = await perform(entry);
        performances.push(performance);
        listener.found(turn, entry, typical(performance));
      } catch (problem) {
        const { one, threads, contender } = entry;
        const why = (problem as Error).message;
        found.delete(entry);
        missing.push({ title: one.title, threads, contender: contender.name, why });
        listener.found(turn, entry, why);
      }
    }
    listener.over(turn);
  }
  return { measurements: [...found].map(([entry, performances]) => measurement(entry, performances)), missing };
}

/** The medians of the passes of a turn. */
function typical({ passes }: Told): Time {
  return { wall: median(passes.map(({ wall }) => wall)), processor: median(passes.map(({ processor }) => processor)) };
}

function measurement({ one, threads, contender }: Entry, turns: readonly Performance[]): Measurement {
  const { name, title, batch } = one;
  const times = turns.map(typical);
  const [disagreement] = turns.flatMap((turn) => turn.disagreement ?? []);
  return {
    ...{ name, title, batch, threads, contender: contender.name, ours: contender.ours },
    ...{ version: turns[0]?.version ?? '', turns: times },
    wall: spreadOf(times.map(({ wall }) => wall)),
    processor: spreadOf(times.map(({ processor }) => processor)),
    first: spreadOf(turns.map(({ first }) => first.processor)),
    megabytes: median(turns.map(({ megabytes }) => megabytes)),
    error: Math.max(...turns.map(({ error }) => error)),
    ...(disagreement !== undefined && { disagreement }),
  };
}
