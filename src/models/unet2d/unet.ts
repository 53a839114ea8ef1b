/** The UNet of DDPM as diffusers builds it (`diffusers.models.unets.unet_2d.UNet2DModel`). */
import { tensorOf } from '../../kernels/kernels.ts';
import { at } from '../../tensor/at.ts';
import { InputError } from '../../tensor/errors.ts';
import { cast, roundInPlace } from '../../tensor/rounding.ts';
import { extentOf, shapeText, tensor, type DType, type Tensor } from '../../tensor/tensor.ts';
import { createModel, type Architecture, type Model, type ModelInput, type Weights } from '../model.ts';
import type { UNetConfig } from './config.ts';
import { embeddedNumbers, isTensor, numberEmbeddings, perSample, type NumberEmbeddings } from './embedding.ts';
import { unetStages } from './stages.ts';
import type { UNetState } from './state.ts';

/** A UNet2DModel without its weights. */
export type UNetArchitecture = Architecture<UNetConfig, ModelInput, UNetState>;

/** A UNet2DModel. */
export type UNet = Model<UNetConfig, ModelInput, UNetState>;

/**
 * The architecture that `config` describes.
 * @param embeddings what makes vectors of numbers; diffusers' own, unless somebody wants to know what others do
 */
export function unetArchitecture(
  config: UNetConfig,
  embeddings: NumberEmbeddings = numberEmbeddings,
): UNetArchitecture {
  return {
    family: 'UNet2DModel',
    config,
    inChannels: config.inChannels,
    outChannels: config.outChannels,
    stages: unetStages(config),
    check: (input) => checkInput(config, input),
    tensors: (input, weights, dtype) => ({
      sample: cast(input.sample, dtype),
      ...embeddedNumbers(config, embeddings, input, weights, dtype),
    }),
    begin({ kernels }, tensors) {
      const sample = tensorOf(tensors, 'sample');
      return {
        hidden: config.centerInputSample ? kernels.affine(sample, 2, -1) : sample,
        skips: [],
        temb: tensorOf(tensors, 'time'),
        ...(tensors.class && { classInput: tensors.class }),
      };
    },
    end: ({ hidden }) => hidden,
    finish: (prediction, { timesteps }) =>
      config.timeEmbeddingType === 'fourier' ? dividedByTime(prediction, timesteps) : prediction,
  };
}

/**
 * A UNet from its config and weights.
 * @param dtype the precision of the model, to which the weights are rounded
 * @param source the file's name, for messages
 * @throws InputError when the weights are not those of the config
 */
export function createUNet(config: UNetConfig, weights: Weights, dtype: DType = 'f32', source?: string): UNet {
  return createModel(unetArchitecture(config), weights, dtype, source);
}

/** A model with a Fourier time embedding predicts a score, scaled by the noise level t (score_sde). */
function dividedByTime(x: Tensor, timesteps: readonly number[]): Tensor {
  const times = perSample(timesteps, extentOf(x, 0));
  const size = x.data.length / times.length;
  const out = x.data.map((value, i) => value / at(times, Math.floor(i / size)));
  roundInPlace(x.dtype, out);
  return tensor(x.dtype, x.shape, out);
}

function checkInput(config: UNetConfig, input: ModelInput): void {
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
    if (!Number.isFinite(t)) throw new InputError(`a timestep is ${t}; it must be a finite number`);
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
    if (!Number.isFinite(label)) throw new InputError(`a class label is ${label}; it must be a finite number`);
    checkIndex(label, config.classEmbedding === 'lookup' ? config.numClassEmbeds : undefined, 'class label');
  }
}

function checkIndex(value: number, count: number | undefined, what: string): void {
  if (count !== undefined && (!Number.isInteger(value) || value < 0 || value >= count)) {
    throw new InputError(`${what} ${value} is outside the model's table: whole numbers from 0 to ${count - 1}`);
  }
}
