/** What models are given, checked and spread over their samples: numbers, tables, pictures. */
import { checkTensor, isTensor, mustBe, numbers } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { shown } from '../tensor/shown.ts';
import { allocate, extentOf, shapeText, tensor, type Tensor } from '../tensor/tensor.ts';
import type { Condition } from './condition.ts';
import type { ModelInput, Weights } from './model.ts';

/** One value for each sample: those that are given, or the only one for all. */
export function perSample<T>(values: readonly T[], batch: number): readonly T[] {
  const [only, ...others] = values;
  return only !== undefined && others.length === 0 ? Array.from({ length: batch }, () => only) : values;
}

/** `x` [1,…] as often as there are samples; [B,…] as it is. */
export function repeated(x: Tensor, batch: number): Tensor {
  if (x.shape[0] === batch) return x;
  const out = allocate(x.dtype, batch * x.data.length);
  for (let b = 0; b < batch; b++) out.set(x.data, b * x.data.length);
  return tensor(x.dtype, [batch, ...x.shape.slice(1)], out);
}

/** A table of weights that have been checked, by its name. */
export function tableOf(weights: Weights, name: string): Tensor {
  const table = weights.get(name);
  if (!table) throw new Error(`the weights were checked, but ${name} is not among them`);
  return table;
}

/** Fails unless a model is given an object. @param example of one */
export function checkIsInput(input: unknown, example: string): void {
  mustBe(example, (value) => typeof value === 'object' && value !== null)('the input of a model', input);
}

/**
 * Fails unless the sample has pixels, and the channels that the model takes.
 * @param multiple what height and width must be multiples of
 */
export function checkSample(sample: Tensor, inChannels: number, multiple: number): void {
  checkTensor('the sample', sample);
  const { shape } = sample;
  const [batch = 0, channels = 0, height = 0, width = 0] = shape;
  if (shape.length !== 4 || channels !== inChannels) {
    throw new InputError(`the sample has shape ${shapeText(shape)}, but the model takes [B, ${inChannels}, H, W]`);
  }
  if (height % multiple !== 0 || width % multiple !== 0 || height * width * batch === 0) {
    throw new InputError(
      `the sample is ${height} × ${width}, but height and width must be multiples of ${multiple} for this model`,
    );
  }
}

/**
 * Fails unless the timesteps are finite, and one, or one for each sample.
 * @param rows of the table of timesteps, where there is one
 */
export function checkTimesteps({ sample, timesteps }: ModelInput, rows?: number): void {
  numbers('timesteps', timesteps);
  const batch = extentOf(sample, 0);
  if (timesteps.length !== 1 && timesteps.length !== batch) {
    throw new InputError(
      `there are ${timesteps.length} timesteps for a batch of ${batch}; give one, or one for each sample`,
    );
  }
  for (const t of timesteps) {
    aNumber('a timestep', t);
    checkIndex(t, rows, 'timestep');
  }
}

/** How a model takes its class labels. */
export interface ClassInput {
  /** `vectors`: a tensor [B,size]; `numbers`: one for each sample, or one for all. */
  readonly kind: 'none' | 'vectors' | 'numbers';
  /** What the config calls it, for messages about vectors. */
  readonly name?: string;
  /** Of the vectors. */
  readonly size?: number | undefined;
  /** Of the table in which numbers are looked up, where there is one. */
  readonly rows?: number | undefined;
}

/** Fails unless the class labels are what the model takes. */
export function checkLabels({ classLabels: labels, sample }: ModelInput, taken: ClassInput): void {
  const batch = extentOf(sample, 0);
  if (taken.kind === 'none') {
    if (labels !== undefined) throw new InputError('class labels are given, but the model is not class-conditional');
    return;
  }
  if (labels === undefined) throw new InputError('the model is class-conditional, but no class labels are given');
  if (!isTensor(labels) && !Array.isArray(labels)) {
    throw new InputError(`the class labels are ${shown(labels)}; they must be a list of numbers, as [0]`);
  }
  if (taken.kind === 'vectors') {
    const wanted = [batch, taken.size ?? 0];
    if (isTensor(labels) && shapeText(labels.shape) === shapeText(wanted)) return;
    const found = isTensor(labels) ? shapeText(labels.shape) : 'numbers';
    throw new InputError(
      `class_embed_type "${taken.name}" takes class labels of shape ${shapeText(wanted)}, but ${found} are given`,
    );
  }
  if (isTensor(labels)) {
    throw new InputError('the model takes one class label per sample, but a tensor of embeddings is given');
  }
  if (labels.length !== 1 && labels.length !== batch) {
    throw new InputError(
      `there are ${labels.length} class labels for a batch of ${batch}; give one, or one for each sample`,
    );
  }
  checkTable({ classLabels: labels }, taken);
}

/** Fails where numbers are given as class labels that the model's table does not have, before there is a sample. */
export function checkTable({ classLabels: labels }: Condition, { kind, rows }: ClassInput): void {
  if (kind !== 'numbers' || !Array.isArray(labels)) return;
  for (const label of labels as readonly number[]) {
    aNumber('a class label', label);
    checkIndex(label, rows, 'class label');
  }
}

/** Timesteps and labels are embedded in float32. */
const aNumber = mustBe('a finite number', (value) => typeof value === 'number' && Number.isFinite(Math.fround(value)));

function checkIndex(value: number, count: number | undefined, what: string): void {
  if (count !== undefined && (!Number.isInteger(value) || value < 0 || value >= count)) {
    throw new InputError(`${what} ${value} is outside the model's table: whole numbers from 0 to ${count - 1}`);
  }
}
