/**
 * Whose turn it is. Work is a generator, and a turn is one `next()`: a few hundredths of a second, after which the
 * worker hears its messages again. What the reader looks at goes first, and of that the small work, which is what a
 * knob asks for; equals take turns.
 */
import type { WorkKind, Works } from '../protocol.ts';

/** Work that is done in turns. */
export interface Job {
  readonly id: number;
  /** How many pictures it works on at a time. */
  readonly size: number;
  readonly steps: Iterator<Works[WorkKind]['result'], void, void>;
}

/** The jobs that are not done yet. */
export interface Queue {
  add(job: Job): void;
  cancel(id: number): void;
  /** These go first from now on, whether they are there already or come later. */
  focus(ids: readonly number[]): void;
  /** The job whose turn it is, which then goes to the back; undefined when there is none. */
  next(): Job | undefined;
}

/** A queue without jobs. */
export function createQueue(): Queue {
  let jobs: readonly Job[] = [];
  let focused: readonly number[] = [];
  const without = (id: number): readonly Job[] => jobs.filter((job) => job.id !== id);
  return {
    add(job) {
      jobs = [...jobs, job];
    },
    cancel(id) {
      jobs = without(id);
    },
    focus(ids) {
      focused = ids;
    },
    next() {
      const inFocus = jobs.filter(({ id }) => focused.includes(id));
      const candidates = inFocus.length > 0 ? inFocus : jobs;
      const least = Math.min(...candidates.map(({ size }) => size));
      const job = candidates.find(({ size }) => size === least);
      if (job) jobs = [...without(job.id), job];
      return job;
    },
  };
}
