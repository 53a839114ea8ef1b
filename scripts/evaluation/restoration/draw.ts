/** Restores letters unit by unit, and keeps the record after each. */
import { existsSync } from 'node:fs';
import { loadLetterClassifier } from '../../../src/cli/evaluation-job.ts';
import type { Method, Task } from '../../../src/cli/restoration-task.ts';
import { peakRatios } from '../../../src/cli/restore.ts';
import type { Classifier } from '../../../src/evaluation/classifier.ts';
import { look } from '../../../src/evaluation/drawing.ts';
import { rowsOf } from '../../../src/evaluation/rows.ts';
import type { Backend } from '../../../src/kernels/kernels.ts';
import { norm, subtract } from '../../../src/tensor/arithmetic.ts';
import { at } from '../../../src/tensor/at.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { processorTime } from '../../bench/processor-time.ts';
import { sixDigits } from '../six-digits.ts';
import { nextTrial } from './choose.ts';
import { openLetters } from './letters.ts';
import { numbersOf, settingKey, type Unit } from './plan.ts';
import { joinRecords, readRecord, writeRecord, type RestorationRecord, type Restored } from './record.ts';
import { noiseLevel, openRestorer, type Restorer, type Stepping } from './restorer.ts';

/** Whose letters go where. */
export interface Drawing {
  readonly method: Method;
  /** The folder of the model. */
  readonly folder: string;
  readonly stepping: Stepping;
  readonly backend: Backend;
  /** The file of the record. */
  readonly out: string;
  /** Whether there is time for one more. */
  goOn(): boolean;
}

/**
 * Restores what of these units the record does not hold.
 * @throws InputError for a record of another model, method or number of steps
 */
export async function drawUnits(units: readonly Unit[], drawing: Drawing): Promise<void> {
  const studio = await openStudio(drawing);
  let record = studio.record;
  for (const unit of units) {
    if (!drawing.goOn()) return;
    record = await drawUnit(studio, record, unit);
  }
}

/**
 * Tries weights for tasks until the best of each is known.
 * @throws InputError as `drawUnits`
 */
export async function drawTrials(tasks: readonly Task[], drawing: Drawing): Promise<void> {
  const studio = await openStudio(drawing);
  let record = studio.record;
  for (const task of tasks) {
    for (let unit = nextTrial(record, task); unit && drawing.goOn(); unit = nextTrial(record, task))
      record = await drawUnit(studio, record, unit);
  }
}

/** All that drawing takes, and the record that there is. */
interface Studio extends Pick<Drawing, 'backend' | 'out'> {
  readonly restorer: Restorer;
  readonly letters: (numbers: readonly number[]) => Tensor;
  readonly classifier: Classifier;
  readonly record: RestorationRecord;
}

async function openStudio({ method, folder, stepping, backend, out }: Drawing): Promise<Studio> {
  const restorer = await openRestorer(method, folder, stepping, backend);
  const none = { conditions: { method, model: restorer.model, ...stepping, noiseLevel }, restored: {} };
  const record = existsSync(out) ? joinRecords(none, readRecord(out)) : none;
  return { restorer, backend, out, record, letters: await openLetters(), classifier: await loadLetterClassifier() };
}

/** The record with a unit, which is written. */
async function drawUnit(studio: Studio, record: RestorationRecord, unit: Unit): Promise<RestorationRecord> {
  const { restorer, letters, classifier, backend, out } = studio;
  const { setting, round } = unit;
  const key = settingKey(setting);
  const numbers = numbersOf(round).filter((number) => !record.restored[key]?.[number]);
  if (numbers.length === 0) return record;
  const started = processorTime();
  const whole = letters(numbers);
  const seen = judge(await restorer.restore(setting, numbers, whole), whole, classifier, backend);
  const restored = { [key]: Object.fromEntries(numbers.map((number, i) => [number, at(seen, i)])) };
  const joined = joinRecords(record, { conditions: record.conditions, restored });
  writeRecord(out, joined);
  const seconds = (processorTime() - started) / 1000;
  const figures = `${meanOf(seen).toFixed(2)} dB, ${seconds.toFixed(1)} s of a processor`;
  console.log(`${new Date().toISOString().slice(11, 19)}  round ${round}: ${key}, ${figures}`);
  return joined;
}

const meanOf = (seen: readonly Restored[]): number => seen.reduce((sum, { psnr }) => sum + psnr / seen.length, 0);

function judge(restored: Tensor, whole: Tensor, classifier: Classifier, backend: Backend): readonly Restored[] {
  const featuresOf = (pictures: Tensor): Tensor => look(classifier, backend, pictures).features;
  const features = featuresOf(restored);
  const distances = norm(subtract(features, featuresOf(whole)));
  const rows = rowsOf(features);
  return peakRatios(restored, whole).map((psnr, i) => ({
    psnr: sixDigits(psnr),
    distance: sixDigits(at(distances, i)),
    features: Array.from(at(rows, i), sixDigits),
  }));
}
