/** What a check has found, all together. */
import type { Report } from '../check.ts';
import type { Diagnosis } from '../diagnosis.ts';

/** The report of a check, and what was found out about what is off. */
export interface Result {
  readonly report: Report;
  readonly diagnoses: readonly Diagnosis[];
  /** What shows in the numbers, as sentences. */
  readonly sentences: readonly string[];
}

/** A case that was within budget before, and of which nothing has changed since. */
export interface Unchanged {
  readonly case: string;
  /** The verdict of then, in a line. */
  readonly verdict: string;
}
