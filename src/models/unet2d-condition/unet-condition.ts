/**
 * The UNet of Stable Diffusion as diffusers builds it
 * (`diffusers.models.unets.unet_2d_condition.UNet2DConditionModel`).
 */
import { tensorOf } from '../../kernels/kernels.ts';
import { numberEmbeddings, type NumberEmbeddings } from '../../nn/embeddings.ts';
import type { DType } from '../../tensor/tensor.ts';
import { checkTable } from '../inputs.ts';
import { createModel, type Architecture, type Model, type ModelInput, type Weights } from '../model.ts';
import { checkInput, classInputOf } from './check.ts';
import { checkConfig, type UNetConditionConfig } from './config.ts';
import { embeddingsIn, inputTensors, lookedUp } from './inputs.ts';
import { unetConditionStages } from './stages.ts';
import type { UNetConditionState } from './state.ts';

/** A UNet2DConditionModel without its weights. */
export type UNetConditionArchitecture = Architecture<UNetConditionConfig, ModelInput, UNetConditionState>;

/** A UNet2DConditionModel. */
export type UNetCondition = Model<UNetConditionConfig, ModelInput, UNetConditionState>;

/**
 * The architecture that `config` describes. Of its attention layers the self-attention `attn1` can be perturbed.
 * @param embeddings what makes vectors of numbers; diffusers' own, unless somebody wants to know what others do
 */
export function unetConditionArchitecture(
  config: UNetConditionConfig,
  embeddings: NumberEmbeddings = numberEmbeddings,
): UNetConditionArchitecture {
  checkConfig(config);
  return {
    family: 'UNet2DConditionModel',
    config,
    inChannels: config.inChannels,
    outChannels: config.outChannels,
    stages: unetConditionStages(config),
    check: (input) => checkInput(config, input),
    checkCondition: (condition) => checkTable(condition, classInputOf(config)),
    tensors: (input, weights, dtype) => inputTensors(config, embeddings, input, weights, dtype),
    begin({ kernels }, tensors) {
      const sample = tensorOf(tensors, 'sample');
      return {
        hidden: config.centerInputSample ? kernels.affine(sample, 2, -1) : sample,
        skips: [],
        temb: tensorOf(tensors, 'time'),
        encoder: tensors.text,
        given: tensors,
      };
    },
    end: ({ hidden }) => hidden,
    finish: (prediction) => prediction,
    learning: (input) => ({ tables: lookedUp(config, input), embeddings: embeddingsIn(input), scale: undefined }),
  };
}

/**
 * A UNet from its config and weights.
 * @param dtype the precision of the model, to which the weights are rounded
 * @param source the file's name, for messages
 * @throws InputError when the weights are not those of the config
 */
export function createUNetCondition(
  config: UNetConditionConfig,
  weights: Weights,
  dtype: DType = 'f32',
  source?: string,
): UNetCondition {
  return createModel(unetConditionArchitecture(config), weights, dtype, source);
}
