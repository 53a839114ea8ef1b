/** The UNet of DDPM as diffusers builds it (`diffusers.models.unets.unet_2d.UNet2DModel`). */
import { tensorOf } from '../../kernels/kernels.ts';
import { numberEmbeddings, type NumberEmbeddings } from '../../nn/embeddings.ts';
import { at } from '../../tensor/at.ts';
import { cast, roundInPlace } from '../../tensor/rounding.ts';
import { extentOf, tensor, type DType, type Tensor } from '../../tensor/tensor.ts';
import { checkTable, perSample } from '../inputs.ts';
import { createModel, type Architecture, type Model, type ModelInput, type Weights } from '../model.ts';
import { checkConfig, isSkipBlock, type UNetConfig } from './config.ts';
import { embeddedNumbers, lookedUp } from './embedding.ts';
import { checkInput, classInputOf } from './input.ts';
import { unetStages } from './stages.ts';
import type { UNetState } from './state.ts';

/** A UNet2DModel without its weights. */
export type UNetArchitecture = Architecture<UNetConfig, ModelInput, UNetState>;

/** A UNet2DModel. */
export type UNet = Model<UNetConfig, ModelInput, UNetState>;

/**
 * The architecture that `config` describes.
 * @throws InputError when the config is none that `parseUNetConfig` has read
 * @param embeddings what makes vectors of numbers; diffusers' own, unless somebody wants to know what others do
 */
export function unetArchitecture(
  config: UNetConfig,
  embeddings: NumberEmbeddings = numberEmbeddings,
): UNetArchitecture {
  checkConfig(config);
  return {
    family: 'UNet2DModel',
    config,
    inChannels: config.inChannels,
    outChannels: config.outChannels,
    stages: unetStages(config),
    check: (input) => checkInput(config, input),
    checkCondition: (condition) => checkTable(condition, classInputOf(config)),
    tensors: (input, weights, dtype) => ({
      sample: cast(input.sample, dtype),
      ...embeddedNumbers(config, embeddings, input, weights, dtype),
    }),
    begin({ kernels }, tensors) {
      const sample = tensorOf(tensors, 'sample');
      const hidden = config.centerInputSample ? kernels.affine(sample, 2, -1) : sample;
      return {
        hidden,
        skips: [],
        temb: tensorOf(tensors, 'time'),
        ...(tensors.class && { classInput: tensors.class }),
        ...(config.downBlockTypes.some(isSkipBlock) && { skipInput: hidden }),
      };
    },
    end: ({ hidden }) => hidden,
    finish: (prediction, { timesteps }) =>
      config.timeEmbeddingType === 'fourier' ? dividedByTime(prediction, timesteps) : prediction,
    learning: (input) => ({
      tables: lookedUp(config, input),
      embeddings: [],
      scale:
        config.timeEmbeddingType === 'fourier'
          ? perSample(input.timesteps, extentOf(input.sample, 0)).map((t) => 1 / t)
          : undefined,
    }),
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
