/**
 * What a program of UNet2DConditionModel is run with: the tensors of the input, one sample of each for every sample of
 * the batch, and its numbers made tensors.
 */
import type { Tensors } from '../../kernels/kernels.ts';
import { lookUp, type NumberEmbeddings } from '../../nn/embeddings.ts';
import { cast } from '../../tensor/rounding.ts';
import { extentOf, tensor, type DType, type Tensor } from '../../tensor/tensor.ts';
import { isTensor } from '../../tensor/checks.ts';
import { perSample, repeated, tableOf } from '../inputs.ts';
import type { Learning, LookedUp, ModelInput, Weights } from '../model.ts';
import type { UNetConditionConfig } from './config.ts';

/**
 * The input's tensors by name: `sample`, `time` and, as far as the model takes them, `class`, `text`, `other` (the text
 * that NAG goes away from), `pooled`, `ids`, `condition`, `image`, `mask`.
 * @param embeddings what makes vectors of numbers
 * @param weights the tables are looked up in them
 * @param dtype of the model
 */
export function inputTensors(
  config: UNetConditionConfig,
  embeddings: NumberEmbeddings,
  input: ModelInput,
  weights: Weights,
  dtype: DType,
): Tensors {
  const batch = extentOf(input.sample, 0);
  const numbers = (values: readonly number[]): Tensor =>
    embedded(config, embeddings, perSample(values, batch), weights, dtype);
  const optional = (name: string, value: Tensor | undefined): Tensors =>
    value ? { [name]: repeated(cast(value, dtype), batch) } : {};
  const { classLabels, encoderAttentionMask: mask } = input;
  return {
    sample: cast(input.sample, dtype),
    time: numbers(input.timesteps),
    ...(classLabels && { class: classOf(config, classLabels, batch, weights, dtype, numbers) }),
    ...optional('text', input.encoderHiddenStates),
    ...optional('other', input.negativeHiddenStates),
    ...optional('pooled', input.textEmbeds),
    ...optional('ids', input.timeIds && embeddedIds(config, embeddings, input.timeIds, dtype)),
    ...optional('condition', input.timestepCond),
    ...optional('image', input.imageEmbeds),
    ...optional('mask', mask && maskOf(mask, dtype)),
  };
}

function embedded(
  { timeEmbeddingType, blockOutChannels, flipSinToCos, freqShift }: UNetConditionConfig,
  { fourierFeatures, sinusoid }: NumberEmbeddings,
  values: readonly number[],
  weights: Weights,
  dtype: DType,
): Tensor {
  return timeEmbeddingType === 'fourier'
    ? fourierFeatures(values, tableOf(weights, 'time_proj.weight'), { log: false, cosineFirst: flipSinToCos })
    : sinusoid(values, blockOutChannels[0], flipSinToCos, freqShift, dtype);
}

function classOf(
  { classEmbedding }: UNetConditionConfig,
  labels: readonly number[] | Tensor,
  batch: number,
  weights: Weights,
  dtype: DType,
  numbers: (values: readonly number[]) => Tensor,
): Tensor {
  if (isTensor(labels)) return repeated(cast(labels, dtype), batch);
  return classEmbedding === 'lookup'
    ? lookUp(tableOf(weights, 'class_embedding.weight'), perSample(labels, batch))
    : numbers(labels);
}

/** Of these tensors, those that are rows of tables. */
export function lookedUp({ classEmbedding }: UNetConditionConfig, input: ModelInput): readonly LookedUp[] {
  const { sample, classLabels: labels } = input;
  if (classEmbedding !== 'lookup' || !labels || isTensor(labels)) return [];
  return [{ tensor: 'class', parameter: 'class_embedding.weight', rows: perSample(labels, extentOf(sample, 0)) }];
}

/** And those that are texts. */
export function embeddingsIn(input: ModelInput): Learning['embeddings'] {
  return [
    { tensor: 'text', name: 'encoderHiddenStates' } as const,
    { tensor: 'pooled', name: 'textEmbeds' } as const,
  ].filter(({ name }) => input[name]);
}

/** Each id as a sinusoid, those of a sample side by side. */
function embeddedIds(config: UNetConditionConfig, { sinusoid }: NumberEmbeddings, ids: Tensor, dtype: DType): Tensor {
  const { additionTimeEmbedDim = 0, flipSinToCos, freqShift } = config;
  const rows = sinusoid([...ids.data], additionTimeEmbedDim, flipSinToCos, freqShift, dtype);
  return tensor(dtype, [extentOf(ids, 0), extentOf(ids, 1) * additionTimeEmbedDim], rows.data);
}

/** What is added to the score of a token that does not count, as in diffusers. */
const discarded = -10000;

/** What is added to the scores of tokens, [B,M]. */
function maskOf(mask: Tensor, dtype: DType): Tensor {
  const out = Float64Array.from(mask.data, (counts) => (counts === 1 ? 0 : (1 - counts) * discarded));
  return cast(tensor('f64', mask.shape, out), dtype);
}
