/**
 * Checkpoints: all that a training needs to go on, bit for bit, in one safetensors file. Order, timesteps and noise
 * follow from seeds and the number of the step, so the state of the optimiser and the reports are all that there is.
 */
import { parseJson } from '../formats/json.ts';
import { aFile, readTensor, writeSafetensors, type SafetensorsFile } from '../formats/safetensors.ts';
import { InputError } from '../tensor/errors.ts';
import { sameShape, shapeText, tensor, type Tensor } from '../tensor/tensor.ts';
import { at } from '../tensor/at.ts';
import type { Moments } from './adamw.ts';
import { aState, type StepReport, type TrainingState } from './step.ts';

/** What the numbers of a training depend on, by the keys that a user gave; JSON values. */
export type TrainingSettings = Readonly<Record<string, unknown>>;

/** A state with what was told on the way to it. */
export interface Checkpoint {
  readonly state: TrainingState;
  /** One for each step that is done. */
  readonly reports: readonly StepReport[];
}

/** The bytes of a checkpoint. @throws InputError for a state that is none */
export function checkpointBytes({ state, reports }: Checkpoint, settings: TrainingSettings): Uint8Array {
  aState('the state', state);
  const { step, weights, moments, average } = state;
  const named = <T>(prefix: string, parts: ReadonlyMap<string, T>, tensorIn: (part: T) => Tensor) =>
    [...parts].map(([name, part]) => [`${prefix}.${name}`, tensorIn(part)] as const);
  const numbers = reports.flatMap(({ loss, gradientNorm, learningRate }) => [loss, gradientNorm, learningRate]);
  return writeSafetensors(
    Object.fromEntries([
      ['reports', tensor('f64', [reports.length, 3], Float64Array.from(numbers))],
      ...named('weights', weights, (x) => x),
      ...named('exp_avg', moments, ({ expAvg }) => expAvg),
      ...named('exp_avg_sq', moments, ({ expAvgSq }) => expAvgSq),
      ...named('average', average, (x) => x),
    ]),
    { training: JSON.stringify(settings), step: String(step) },
  );
}

/**
 * Reads a checkpoint.
 * @param begin the state where this training begins, whose tensors it must have
 * @param settings of this training
 * @throws InputError for what is no checkpoint, or one of other settings, naming the first key that differs
 */
export function readCheckpoint(file: SafetensorsFile, begin: TrainingState, settings: TrainingSettings): Checkpoint {
  aFile('the file', file);
  aState('the beginning', begin);
  const { training, step: stepText = '' } = file.metadata;
  if (training === undefined || !/^\d{1,10}$/.test(stepText))
    throw new InputError(`${file.source} is no checkpoint of a training`);
  checkSettings(parseJson(new TextEncoder().encode(training), `${file.source}: its settings`), settings, file.source);
  const step = Number(stepText);
  const read = (prefix: string, { shape, dtype }: Tensor, name: string): Tensor => {
    const found = readTensor(file, `${prefix}.${name}`);
    if (sameShape(found.shape, shape) && found.dtype === dtype) return found;
    throw new InputError(
      `${file.source}: "${prefix}.${name}" is ${shapeText(found.shape)} in ${found.dtype}; ` +
        `expected ${shapeText(shape)} in ${dtype}`,
    );
  };
  const each = (prefix: string, parts: ReadonlyMap<string, Tensor>): ReadonlyMap<string, Tensor> =>
    new Map([...parts].map(([name, part]) => [name, read(prefix, part, name)]));
  const moments = [...begin.moments].map(([name, { expAvg, expAvgSq }]): [string, Moments] => [
    name,
    { expAvg: read('exp_avg', expAvg, name), expAvgSq: read('exp_avg_sq', expAvgSq, name) },
  ]);
  return {
    state: {
      step,
      weights: each('weights', begin.weights),
      moments: new Map(moments),
      average: each('average', begin.average),
    },
    reports: reportsIn(file, step),
  };
}

function reportsIn(file: SafetensorsFile, step: number): readonly StepReport[] {
  const { shape, data } = readTensor(file, 'reports');
  if (!sameShape(shape, [step, 3]))
    throw new InputError(`${file.source}: "reports" is ${shapeText(shape)}; expected ${shapeText([step, 3])}`);
  return Array.from({ length: step }, (_, i) => ({
    loss: at(data, 3 * i),
    gradientNorm: at(data, 3 * i + 1),
    learningRate: at(data, 3 * i + 2),
  }));
}

function checkSettings(found: unknown, wanted: TrainingSettings, source: string): void {
  const [before, now] = [flat(found), flat(wanted)];
  const key = [...before.keys(), ...now.keys()].find((one) => before.get(one) !== now.get(one));
  if (key === undefined) return;
  const [was, is] = [before.get(key) ?? 'not set', now.get(key) ?? 'left out'].map((text) => text.slice(0, 80));
  throw new InputError(
    `${source} is of a training whose ${key} is ${was}, not ${is}; give what it was begun with, or begin another`,
  );
}

/** `optimiser.beta1` → `0.9`: objects are walked, all else is JSON text; what is undefined is left out, as there. */
function flat(value: unknown, path = ''): ReadonlyMap<string, string> {
  if (value === undefined) return new Map();
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return new Map([[path, JSON.stringify(value)]]);
  return new Map(
    Object.entries(value).flatMap(([key, inner]) => [...flat(inner, path === '' ? key : `${path}.${key}`)]),
  );
}
