/** What a model is given, from a file of tensors. */
import { readNumbers, type SafetensorsFile } from '../formats/safetensors.ts';
import type { ModelInput } from '../models/model.ts';
import type { UNet } from '../models/unet2d/unet.ts';
import { InputError } from '../tensor/errors.ts';
import { shapeText, sizeOf, type Tensor } from '../tensor/tensor.ts';
import { finiteTensor } from './model.ts';

/**
 * `sample` [B,C,H,W], `timestep` (one, or one per sample), and `class_labels` where the file has them.
 * @throws InputError when one is missing, or is no such tensor
 */
export function readModelInput(file: SafetensorsFile, unet: UNet): ModelInput {
  const sample = finiteTensor(file, 'sample', unet.dtype, 'B,C,H,W');
  return {
    sample,
    timesteps: readShort(file, 'timestep', sample),
    ...(file.entries.has('class_labels') && { classLabels: readLabels(file, unet, sample) }),
  };
}

/** Embeddings for a model that takes them as they are, else one number per sample. */
function readLabels(input: SafetensorsFile, unet: UNet, sample: Tensor): readonly number[] | Tensor {
  return unet.config.classEmbedding === 'identity'
    ? finiteTensor(input, 'class_labels', unet.dtype, 'B,D')
    : readShort(input, 'class_labels', sample);
}

/** One number, or one per sample. A tensor that is longer is not even decoded. */
function readShort(input: SafetensorsFile, name: string, sample: Tensor): readonly number[] {
  const entry = input.entries.get(name);
  const [batch = 0] = sample.shape;
  if (entry && sizeOf(entry.shape) > batch) {
    throw new InputError(
      `${input.source}: "${name}" has shape ${shapeText(entry.shape)}, but the batch is ${batch}; ` +
        'give one number, or one for each sample',
    );
  }
  return readNumbers(input, name).numbers;
}
