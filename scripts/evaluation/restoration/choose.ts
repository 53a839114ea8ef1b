/** The weight of the measurement for each task: fixtures/evaluation/restoration-weights.json. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Method, Task } from '../../../src/cli/restoration-task.ts';
import { writeWhole } from '../../../src/formats/node-files.ts';
import { InputError } from '../../../src/tensor/errors.ts';
import { sixDigitJson } from '../six-digits.ts';
import { firstTried, numbersOf, order, roundSize, trialRound, type Unit, type Weights } from './plan.ts';
import type { Conditions, RestorationRecord } from './record.ts';

const file = fileURLToPath(new URL('../../../fixtures/evaluation/restoration-weights.json', import.meta.url));

/** What was tried of a method. */
export interface Trial extends Conditions {
  /** Those with the best mean PSNR. */
  readonly weights: Weights;
  /** The mean PSNR in dB, for each task that of each weight that was tried. */
  readonly psnr: Readonly<Record<string, Ratios>>;
}

type Trials = Readonly<Partial<Record<string, Trial>>>;

/** `dps`, `psld`, or, with the scheduler that no table is made with, `dps, ddim`. */
function trialName({ method, scheduler }: Pick<Conditions, 'method' | 'scheduler'>): string {
  return scheduler === 'ddpm' ? method : `${method}, ${scheduler}`;
}

function readTrials(): Trials {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Trials) : {};
}

/**
 * The weights of a method.
 * @throws InputError when none have been chosen
 */
export function readWeights(method: Method): Weights {
  const trial = readTrials()[method];
  if (!trial) throw new InputError(`no weights of ${method} are chosen; draw with --trial, then report --weights`);
  return trial.weights;
}

/** Of a record of trials the weights; those of other trials stay. */
export function writeWeights(record: RestorationRecord): void {
  const trials = { ...readTrials(), [trialName(record.conditions)]: trialOf(record) };
  writeWhole(file, sixDigitJson(trials));
}

/**
 * The trial that is wanted next of a task: from the first weight to whichever neighbour of the best is not tried yet,
 * until both are worse. Without guidance, on letters that are not in the table.
 */
export function nextTrial(record: RestorationRecord, task: Task): Unit | undefined {
  const ratios = ratiosOf(record, task);
  const best = bestOf(ratios);
  const wanted = best === undefined ? [firstTried] : [best / 2, 2 * best];
  const weight = wanted.find((one) => ratios[one] === undefined);
  return weight === undefined ? undefined : { setting: { task, scale: 0, weight }, round: trialRound };
}

/**
 * For each task the weight with the best mean PSNR.
 * @throws InputError when it is not known yet
 */
export function trialOf(record: RestorationRecord): Trial {
  const unknown = order.find((task) => nextTrial(record, task));
  if (unknown) throw new InputError(`the record lacks trials of ${unknown}; go on with --trial`);
  const psnr = Object.fromEntries(order.map((task) => [task, ratiosOf(record, task)]));
  return {
    ...record.conditions,
    weights: Object.fromEntries(order.map((task) => [task, bestOf(ratiosOf(record, task))])) as Weights,
    psnr,
  };
}

type Ratios = Readonly<Record<string, number>>;

/** The mean PSNR of a task by the weights that have been tried. */
function ratiosOf({ restored }: RestorationRecord, task: Task): Ratios {
  const tried = Object.entries(restored).flatMap(([key, letters]) => {
    const [, weight] = new RegExp(`^${task}, s = 0, weight (.*)$`).exec(key) ?? [];
    const found = numbersOf(trialRound).flatMap((number) => letters[number]?.psnr ?? []);
    if (weight === undefined || found.length < roundSize) return [];
    return [[weight, found.reduce((sum, psnr) => sum + psnr / roundSize, 0)] as const];
  });
  return Object.fromEntries(tried);
}

function bestOf(ratios: Ratios): number | undefined {
  const [best] = Object.entries(ratios).sort(([, a], [, b]) => b - a);
  return best && Number(best[0]);
}
