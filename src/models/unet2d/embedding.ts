/**
 * How time and class enter UNet2DModel. Numbers become vectors outside of the program (a program computes with tensors
 * only); the stage `time_embedding` then embeds them with the model's weights.
 */
import type { Tensors } from '../../kernels/kernels.ts';
import type { Context } from '../../nn/context.ts';
import { lookUp, timestepEmbedding, timestepEmbeddingParameters, type NumberEmbeddings } from '../../nn/embeddings.ts';
import { embeddingParameters, type Parameter } from '../../nn/parameters.ts';
import { isTensor } from '../../tensor/checks.ts';
import { cast } from '../../tensor/rounding.ts';
import { extentOf, type DType, type Tensor } from '../../tensor/tensor.ts';
import { perSample, tableOf } from '../inputs.ts';
import type { LookedUp, ModelInput, Weights } from '../model.ts';
import type { Stage } from '../stage.ts';
import type { UNetConfig } from './config.ts';
import type { UNetState } from './state.ts';

/** The first stage: temb = time_embedding(time_proj(t)) + class_embedding(class), [B,D]. */
export function embeddingStage(config: UNetConfig): Stage<UNetState> {
  return {
    path: 'time_embedding',
    kind: 'embedding',
    parameters: parameters(config),
    run(context, { classInput, ...state }) {
      const time = timestepEmbedding(context, 'time_embedding', context.tap('time_proj', state.temb));
      if (!classInput) return { ...state, temb: time };
      return { ...state, temb: context.kernels.add(time, embeddedClass(context, config, classInput)) };
    },
  };
}

function embeddedClass(context: Context, config: UNetConfig, classInput: Tensor): Tensor {
  if (config.classEmbedding === 'timestep') return timestepEmbedding(context, 'class_embedding', classInput);
  return context.tap('class_embedding', classInput);
}

function parameters(config: UNetConfig): readonly Parameter[] {
  const {
    timeEmbeddingType,
    timeEmbeddingDim: size,
    classEmbedding,
    numClassEmbeds = 0,
    numTrainTimesteps = 0,
  } = config;
  const [first] = config.blockOutChannels;
  const features = timeEmbeddingType === 'fourier' ? 2 * first : first;
  return [
    ...(timeEmbeddingType === 'fourier'
      ? [{ name: 'time_proj.weight', shape: [first], module: 'fourier' } satisfies Parameter]
      : []),
    ...(timeEmbeddingType === 'learned' ? embeddingParameters('time_proj', numTrainTimesteps, first) : []),
    ...timestepEmbeddingParameters('time_embedding', features, size),
    ...(classEmbedding === 'lookup' ? embeddingParameters('class_embedding', numClassEmbeds, size) : []),
    ...(classEmbedding === 'timestep' ? timestepEmbeddingParameters('class_embedding', features, size) : []),
  ];
}

/**
 * The timesteps and the class of the input as tensors: `time` [B,n] and, where there is one, `class`, [B,n] as a
 * timestep or [B,D] from its table.
 * @param weights the tables are looked up in them
 * @param dtype of the model
 */
export function embeddedNumbers(
  config: UNetConfig,
  embeddings: NumberEmbeddings,
  { sample, timesteps, classLabels: labels }: ModelInput,
  weights: Weights,
  dtype: DType,
): Tensors {
  const batch = extentOf(sample, 0);
  const embed = (numbers: readonly number[]): Tensor => {
    const { timeEmbeddingType, blockOutChannels, flipSinToCos, freqShift } = config;
    if (timeEmbeddingType === 'fourier')
      return embeddings.fourierFeatures(numbers, tableOf(weights, 'time_proj.weight'));
    if (timeEmbeddingType === 'learned') return lookUp(tableOf(weights, 'time_proj.weight'), numbers);
    return embeddings.sinusoid(numbers, blockOutChannels[0], flipSinToCos, freqShift, dtype);
  };
  const time = embed(perSample(timesteps, batch));
  if (labels === undefined) return { time };
  if (isTensor(labels)) return { time, class: cast(labels, dtype) };
  const numbers = perSample(labels, batch);
  const isLookUp = config.classEmbedding !== 'timestep';
  return { time, class: isLookUp ? lookUp(tableOf(weights, 'class_embedding.weight'), numbers) : embed(numbers) };
}

/** Which of these tensors are rows of a table. */
export function lookedUp(
  { timeEmbeddingType, classEmbedding }: UNetConfig,
  { sample, timesteps, classLabels: labels }: ModelInput,
): readonly LookedUp[] {
  const batch = extentOf(sample, 0);
  const time = { tensor: 'time', parameter: 'time_proj.weight', rows: perSample(timesteps, batch) };
  const classes = isTensor(labels) || labels === undefined ? [] : perSample(labels, batch);
  return [
    ...(timeEmbeddingType === 'learned' ? [time] : []),
    ...(classEmbedding === 'lookup' ? [{ tensor: 'class', parameter: 'class_embedding.weight', rows: classes }] : []),
  ];
}
