/** What a UNet2DModel is given must fit its config. */
import { checkTensor, isTensor, mustBe, numbers } from '../../tensor/checks.ts';
import { InputError } from '../../tensor/errors.ts';
import { shown } from '../../tensor/shown.ts';
import { extentOf, shapeText } from '../../tensor/tensor.ts';
import type { ModelInput } from '../model.ts';
import type { UNetConfig } from './config.ts';

const anInput = mustBe(
  'an object { sample, timesteps, classLabels }',
  (input) => typeof input === 'object' && input !== null,
);

/** Fails unless the input has the shapes and numbers that the config asks for. Its pixels are not looked at. */
export function checkInput(config: UNetConfig, input: ModelInput): void {
  anInput('the input of a model', input);
  checkTensor('the sample', input.sample);
  numbers('timesteps', input.timesteps);
  const { shape } = input.sample;
  const [batch = 0, channels = 0, height = 0, width = 0] = shape;
  if (shape.length !== 4 || channels !== config.inChannels) {
    throw new InputError(
      `the sample has shape ${shapeText(shape)}, but the model takes [B, ${config.inChannels}, H, W]`,
    );
  }
  const multiple = 2 ** (config.blockOutChannels.length - 1);
  if (height % multiple !== 0 || width % multiple !== 0 || height * width * batch === 0) {
    throw new InputError(
      `the sample is ${height} × ${width}, but height and width must be multiples of ${multiple} for this model`,
    );
  }
  const fits = (count: number): boolean => count === 1 || count === batch;
  if (!fits(input.timesteps.length)) {
    throw new InputError(
      `there are ${input.timesteps.length} timesteps for a batch of ${batch}; give one, or one for each sample`,
    );
  }
  const rows = config.timeEmbeddingType === 'learned' ? config.numTrainTimesteps : undefined;
  for (const t of input.timesteps) {
    aNumber('a timestep', t);
    checkIndex(t, rows, 'timestep');
  }
  checkLabels(config, input, fits);
}

function checkLabels(
  config: UNetConfig,
  { classLabels: labels, sample }: ModelInput,
  fits: (count: number) => boolean,
): void {
  if (config.classEmbedding === 'none') {
    if (labels !== undefined) throw new InputError('class labels are given, but the model is not class-conditional');
    return;
  }
  if (labels === undefined) throw new InputError('the model is class-conditional, but no class labels are given');
  if (!isTensor(labels) && !Array.isArray(labels))
    throw new InputError(`the class labels are ${shown(labels)}; they must be a list of numbers, as [0]`);
  if (config.classEmbedding === 'identity') {
    const wanted = [extentOf(sample, 0), config.timeEmbeddingDim];
    if (isTensor(labels) && shapeText(labels.shape) === shapeText(wanted)) return;
    const found = isTensor(labels) ? shapeText(labels.shape) : 'numbers';
    throw new InputError(
      `class_embed_type "identity" takes class labels of shape ${shapeText(wanted)}, but ${found} are given`,
    );
  }
  if (isTensor(labels)) {
    throw new InputError('the model takes one class label per sample, but a tensor of embeddings is given');
  }
  if (!fits(labels.length)) {
    throw new InputError(
      `there are ${labels.length} class labels for a batch of ${sample.shape[0]}; give one, or one for each sample`,
    );
  }
  for (const label of labels) {
    aNumber('a class label', label);
    checkIndex(label, config.classEmbedding === 'lookup' ? config.numClassEmbeds : undefined, 'class label');
  }
}

/** Timesteps and labels are embedded in float32. */
const aNumber = mustBe('a finite number', (value) => typeof value === 'number' && Number.isFinite(Math.fround(value)));

function checkIndex(value: number, count: number | undefined, what: string): void {
  if (count !== undefined && (!Number.isInteger(value) || value < 0 || value >= count)) {
    throw new InputError(`${what} ${value} is outside the model's table: whole numbers from 0 to ${count - 1}`);
  }
}
