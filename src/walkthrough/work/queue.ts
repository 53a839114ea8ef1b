/**
 * Whose turn it is. Work is a generator, and a turn is one `next()`: a few hundredths of a second, after which the worker
 * hears its messages again. The section that the reader looks at goes first; its jobs take turns.
 */
import type { WorkKind, Works } from '../protocol.ts';

export interface Job {
  readonly id: number;
  readonly section: string;
  readonly steps: Iterator<Works[WorkKind]['result'], void, void>;
}

export interface Queue {
  add(job: Job): void;
  cancel(id: number): void;
  focus(section: string): void;
  /** The job whose turn it is, which then goes to the back; undefined when there is none. */
  next(): Job | undefined;
}

export function createQueue(): Queue {
  let jobs: readonly Job[] = [];
  let focused = '';
  const without = (id: number): readonly Job[] => jobs.filter((job) => job.id !== id);
  return {
    add(job) {
      jobs = [...jobs, job];
    },
    cancel(id) {
      jobs = without(id);
    },
    focus(section) {
      focused = section;
    },
    next() {
      const job = jobs.find(({ section }) => section === focused) ?? jobs[0];
      if (job) jobs = [...without(job.id), job];
      return job;
    },
  };
}
