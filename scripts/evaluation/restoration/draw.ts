/** Restores letters unit by unit, and keeps the record after each. */
import { existsSync } from 'node:fs';
import { loadLetterClassifier } from '../../../src/cli/evaluation-job.ts';
import { peakRatios } from '../../../src/cli/restore.ts';
import type { Classifier } from '../../../src/evaluation/classifier.ts';
import { look } from '../../../src/evaluation/drawing.ts';
import { rowsOf } from '../../../src/evaluation/rows.ts';
import type { Backend } from '../../../src/kernels/kernels.ts';
import { norm, subtract } from '../../../src/tensor/arithmetic.ts';
import { at } from '../../../src/tensor/at.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { openLetters } from './letters.ts';
import { numbersOf, settingKey, type Method, type Unit } from './plan.ts';
import { joinRecords, readRecord, writeRecord, type RestorationRecord, type Restored } from './record.ts';
import { noiseLevel, openRestorer, type Stepping } from './restorer.ts';

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
  const { method, folder, stepping, backend, out, goOn } = drawing;
  const restorer = await openRestorer(method, folder, stepping, backend);
  const [letters, classifier] = [await openLetters(), await loadLetterClassifier()];
  const none: RestorationRecord = {
    conditions: { method, model: restorer.model, ...stepping, noiseLevel },
    restored: {},
  };
  let record = existsSync(out) ? joinRecords(none, readRecord(out)) : none;
  for (const [done, { setting, round }] of units.entries()) {
    const key = settingKey(setting);
    const numbers = numbersOf(round).filter((number) => !record.restored[key]?.[number]);
    if (numbers.length === 0) continue;
    if (!goOn()) return;
    const started = process.cpuUsage();
    const whole = letters(numbers);
    const seen = judge(await restorer.restore(setting, numbers, whole), whole, classifier, backend);
    const restored = { [key]: Object.fromEntries(numbers.map((number, i) => [number, at(seen, i)])) };
    record = joinRecords(record, { ...none, restored });
    writeRecord(out, record);
    const { user, system } = process.cpuUsage(started);
    const figures = `${meanOf(seen).toFixed(2)} dB, ${((user + system) / 1e6).toFixed(1)} s of a processor`;
    console.log(`${new Date().toISOString().slice(11, 19)}  ${done + 1} of ${units.length}: ${key}, ${figures}`);
  }
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

const sixDigits = (value: number): number => Number(value.toPrecision(6));
