/** Steps that somebody else has drawn: their pictures, timesteps and noise, so that two trainings can be compared. */
import { readNumbers, readTensor, type SafetensorsFile } from '../formats/safetensors.ts';
import { InputError } from '../tensor/errors.ts';
import { sameShape, shapeText, sizeOf, type Tensor } from '../tensor/tensor.ts';
import type { Batch } from './batches.ts';

/**
 * The batches of a file: `sample` [S,B,C,H,W], the clean pictures of each step; `timestep` [S,B]; `noise` as the
 * sample; `class_labels` [S,B] where the model has classes. They are taken as they are: no label is dropped.
 * @param trainTimesteps T
 * @throws InputError for tensors that are missing or do not fit one another, and timesteps beyond T
 */
export function readReplay(file: SafetensorsFile, trainTimesteps: number): readonly Batch[] {
  const fail = (message: string): never => {
    throw new InputError(`${file.source}: ${message}`);
  };
  const [sample, noise] = [readTensor(file, 'sample'), readTensor(file, 'noise')];
  const [steps = 0, batch = 0] = sample.shape;
  if (sample.shape.length !== 5 || sizeOf(sample.shape) === 0)
    fail(`"sample" is ${shapeText(sample.shape)}; expected [S,B,C,H,W], the pictures of each step`);
  if (!sameShape(noise.shape, sample.shape))
    fail(`"noise" is ${shapeText(noise.shape)}; expected ${shapeText(sample.shape)}, as "sample"`);
  const timesteps = numbersOf(file, 'timestep', [steps, batch]);
  const wrong = timesteps.find((t) => !(Number.isInteger(t) && t >= 0 && t < trainTimesteps));
  if (wrong !== undefined) fail(`"timestep" holds ${wrong}; expected whole numbers from 0 to ${trainTimesteps - 1}`);
  const labels = file.entries.has('class_labels') ? numbersOf(file, 'class_labels', [steps, batch]) : undefined;
  return Array.from({ length: steps }, (_, step) => ({
    sample: partOf(sample, step),
    noise: partOf(noise, step),
    timesteps: timesteps.slice(step * batch, (step + 1) * batch),
    ...(labels && { labels: labels.slice(step * batch, (step + 1) * batch) }),
  }));
}

function numbersOf(file: SafetensorsFile, name: string, shape: readonly number[]): readonly number[] {
  const found = readNumbers(file, name);
  if (sameShape(found.shape, shape)) return found.numbers;
  throw new InputError(`${file.source}: "${name}" is ${shapeText(found.shape)}; expected ${shapeText(shape)}`);
}

/** Part `index` of the first dimension. */
function partOf({ dtype, shape, data }: Tensor, index: number): Tensor {
  const rest = shape.slice(1);
  return { dtype, shape: rest, data: data.slice(index * sizeOf(rest), (index + 1) * sizeOf(rest)) };
}
