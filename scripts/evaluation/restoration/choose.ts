/** The weight of the measurement for each task: fixtures/evaluation/restoration-weights.json. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { writeWhole } from '../../../src/formats/node-files.ts';
import { at } from '../../../src/tensor/at.ts';
import { InputError } from '../../../src/tensor/errors.ts';
import { sixDigits } from '../six-digits.ts';
import { numbersOf, order, settingKey, tableRounds, weightsTried, type Method, type Weights } from './plan.ts';
import type { Conditions, RestorationRecord } from './record.ts';

const file = fileURLToPath(new URL('../../../fixtures/evaluation/restoration-weights.json', import.meta.url));

/** What was tried of a method. */
export interface Trial extends Conditions {
  /** Those with the best mean PSNR. */
  readonly weights: Weights;
  /** The mean PSNR in dB, for each task that of each weight. */
  readonly psnr: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

type Trials = Readonly<Partial<Record<string, Trial>>>;

/** `dps`, `psld`, or, with the scheduler that no table is made with, `dps, ddim`. */
function trialName({ method, scheduler }: Pick<Conditions, 'method' | 'scheduler'>): string {
  return scheduler === 'ddpm' ? method : `${method}, ${scheduler}`;
}

function readTrials(): Trials {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Trials) : {};
}

/** @throws InputError when none have been chosen for the method */
export function readWeights(method: Method): Weights {
  const trial = readTrials()[method];
  if (!trial)
    throw new InputError(`no weights have been chosen for ${method}; draw with --trial, then report --weights`);
  return trial.weights;
}

/** Of a record of trials the weights; those of other trials stay. */
export function writeWeights(record: RestorationRecord): void {
  const trials = { ...readTrials(), [trialName(record.conditions)]: trialOf(record) };
  writeWhole(file, new TextEncoder().encode(sixDigits(trials)));
}

/**
 * For each task the weight with the best mean PSNR, without guidance, on letters that are not in the table.
 * @throws InputError when a trial is missing
 */
export function trialOf({ conditions, restored }: RestorationRecord): Trial {
  const ratioOf = (task: (typeof order)[number], weight: number): number => {
    const key = settingKey({ task, scale: 0, weight });
    const letters = numbersOf(tableRounds).map((number) => restored[key]?.[number]?.psnr ?? NaN);
    const mean = letters.reduce((sum, psnr) => sum + psnr / letters.length, 0);
    if (Number.isNaN(mean)) throw new InputError(`the record lacks letters of "${key}"; go on with --trial`);
    return mean;
  };
  const tried = order.map((task) => ({ task, ratios: weightsTried.map((weight) => ratioOf(task, weight)) }));
  const best = (ratios: readonly number[]): number => at(weightsTried, ratios.indexOf(Math.max(...ratios)));
  return {
    ...conditions,
    weights: Object.fromEntries(tried.map(({ task, ratios }) => [task, best(ratios)])) as Weights,
    psnr: Object.fromEntries(
      tried.map(({ task, ratios }) => [task, Object.fromEntries(weightsTried.map((w, i) => [w, at(ratios, i)]))]),
    ),
  };
}
