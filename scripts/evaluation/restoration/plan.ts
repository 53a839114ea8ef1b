/** What is restored: which letters, in which tasks, with how much PAG, and how much the measurement counts. */
import type { Task } from '../../../src/cli/restoration-task.ts';

/** Letters are restored in rounds of as many, A to Z. */
export const roundSize = 26;
/** The faces of fixtures/letters/held-out.png. */
export const faces = 175;
/** So many rounds make the table: 1,014 letters. */
export const tableRounds = 39;
/** The letters of which the weights are chosen by. */
export const trialRound = tableRounds;

/** In the order of importance. */
export const order: readonly Task[] = [
  'sr4',
  'inpaint',
  'gaussian-blur',
  'sr8',
  'denoise',
  'motion-blur',
  'inpaint-random',
];
/** s of PAG, 0 being no guidance; in the order of importance, those of a group in turn. */
export const scaleGroups: readonly (readonly number[])[] = [
  [0, 1],
  [0.5, 2],
];
/** The weight of the measurement that is tried first. */
export const firstTried = 8;
/** The weight of each task. */
export type Weights = Readonly<Record<Task, number>>;

/** How a letter is restored. */
export interface Setting {
  readonly task: Task;
  /** s of PAG. */
  readonly scale: number;
  readonly weight: number;
}

/** What is done at a time. */
export interface Unit {
  readonly setting: Setting;
  readonly round: number;
}

/** Its name in a record. */
export function settingKey({ task, scale, weight }: Setting): string {
  return `${task}, s = ${scale}, weight ${weight}`;
}

/** The numbers of the letters of a round. */
export function numbersOf(round: number): readonly number[] {
  return Array.from({ length: roundSize }, (_, i) => round * roundSize + i);
}

/** Which letter has a number: of a face and from the alphabet. No two of the first 4,550 numbers are one letter. */
export function letterOf(number: number): { readonly face: number; readonly letter: number } {
  return { face: number % faces, letter: number % roundSize };
}

/** Round by round, so that all settings of a group have equally many letters wherever it is stopped. */
export function tableUnits(weights: Weights, scales: readonly (readonly number[])[], rounds: number): readonly Unit[] {
  const everyRound = Array.from({ length: rounds }, (_, round) => round);
  return scales.flatMap((group) =>
    everyRound.flatMap((round) =>
      order.flatMap((task) => group.map((scale) => ({ setting: { task, scale, weight: weights[task] }, round }))),
    ),
  );
}
