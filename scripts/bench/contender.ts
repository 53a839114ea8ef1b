/** Somebody who can run the cases. */
import type { Case } from './cases.ts';

/** Runs a case once; its result, [1,C,H,W] or [rows, columns]. */
export type Run = () => Promise<Float32Array> | Float32Array;

/** A library, or one of its ways to compute. */
export interface Contender {
  readonly name: string;
  /** Gets everything ready, weights packed; undefined where it does not have the case. */
  prepare(one: Case): Promise<Run | undefined>;
}
