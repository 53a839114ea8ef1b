/**
 * How what UNet2DConditionModel is told becomes `temb` and the text that its blocks ask: time, class, pooled text, time
 * ids, a picture. One stage for each that the config has, in the order in which diffusers runs them.
 */
import { timestepEmbedding, timestepEmbeddingParameters } from '../../nn/embeddings.ts';
import { linear } from '../../nn/layers.ts';
import { embeddingParameters, linearParameters, type Parameter } from '../../nn/parameters.ts';
import type { Context } from '../../nn/context.ts';
import { tensorOf } from '../../kernels/kernels.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Stage } from '../stage.ts';
import { additionStages } from './addition.ts';
import type { UNetConditionConfig } from './config.ts';
import { encoderStages } from './encoder.ts';
import type { UNetConditionState } from './state.ts';

type EmbeddingStage = Stage<UNetConditionState>;

/** The first stages of the model. */
export function embeddingStages(config: UNetConditionConfig): readonly EmbeddingStage[] {
  return [
    timeStage(config),
    ...(config.classEmbedding === 'none' ? [] : [classStage(config)]),
    ...additionStages(config),
    ...activationStages(config),
    ...encoderStages(config),
  ];
}

/** temb = time_embedding(time_proj(t), condition). */
function timeStage(config: UNetConditionConfig): EmbeddingStage {
  const { timeEmbeddingType, timeEmbeddingDim: size, timeCondProjDim, activation } = config;
  const isFourier = timeEmbeddingType === 'fourier';
  return {
    path: 'time_embedding',
    kind: 'embedding',
    parameters: [
      ...(isFourier ? [{ name: 'time_proj.weight', shape: [size / 2], module: 'fourier' } satisfies Parameter] : []),
      ...timestepEmbeddingParameters('time_embedding', featuresOf(config), size, timeCondProjDim),
    ],
    run(context, state) {
      const features = context.tap('time_proj', state.temb);
      const options = { activation, postActivation: config.timestepPostActivation, condition: state.given.condition };
      return { ...state, temb: timestepEmbedding(context, 'time_embedding', features, options) };
    },
  };
}

/** How many numbers a timestep becomes before it is embedded. */
function featuresOf({ timeEmbeddingType, timeEmbeddingDim, blockOutChannels: [first] }: UNetConditionConfig): number {
  return timeEmbeddingType === 'fourier' ? timeEmbeddingDim : first;
}

/** temb + class_embedding(class), or both side by side. */
function classStage(config: UNetConditionConfig): EmbeddingStage {
  return {
    path: 'class_embedding',
    kind: 'embedding',
    parameters: classParameters(config),
    run(context, state) {
      const embedded = embeddedClass(context, config, tensorOf(state.given, 'class'));
      const { kernels } = context;
      const temb = config.classEmbeddingsConcat
        ? kernels.concatChannels(state.temb, embedded)
        : kernels.add(state.temb, embedded);
      return { ...state, temb };
    },
  };
}

function embeddedClass(context: Context, { classEmbedding, activation }: UNetConditionConfig, input: Tensor): Tensor {
  const path = 'class_embedding';
  switch (classEmbedding) {
    case 'timestep':
      return timestepEmbedding(context, path, input, { activation });
    case 'projection':
      return timestepEmbedding(context, path, input);
    case 'simple_projection':
      return linear(context, path, input);
    default:
      return context.tap(path, input);
  }
}

function classParameters(config: UNetConditionConfig): readonly Parameter[] {
  const { classEmbedding, numClassEmbeds = 0, projectionClassEmbeddingsInputDim = 0, timeEmbeddingDim: size } = config;
  const path = 'class_embedding';
  switch (classEmbedding) {
    case 'lookup':
      return embeddingParameters(path, numClassEmbeds, size);
    case 'timestep':
      return timestepEmbeddingParameters(path, featuresOf(config), size);
    case 'projection':
      return timestepEmbeddingParameters(path, projectionClassEmbeddingsInputDim, size);
    case 'simple_projection':
      return linearParameters(path, projectionClassEmbeddingsInputDim, size);
    default:
      return [];
  }
}

/** One activation for all blocks. */
function activationStages({ timeEmbeddingActivation: activation }: UNetConditionConfig): readonly EmbeddingStage[] {
  if (!activation) return [];
  return [
    {
      path: 'time_embed_act',
      kind: 'embedding',
      parameters: [],
      run: ({ kernels }, state) => ({ ...state, temb: kernels.activation(state.temb, activation) }),
    },
  ];
}
