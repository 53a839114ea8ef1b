/**
 * The small autoencoder TAESD as diffusers builds it
 * (`diffusers.models.autoencoders.autoencoder_tiny.AutoencoderTiny`): quick, and good enough to watch a picture become.
 */
import { tensorOf, type Backend } from '../../kernels/kernels.ts';
import { cast } from '../../tensor/rounding.ts';
import type { DType, Tensor } from '../../tensor/tensor.ts';
import { checkPicture, partedWeights, runPictureModel, type Autoencoder, type PictureInput } from '../autoencoder.ts';
import { createModel, type Architecture, type Weights } from '../model.ts';
import type { PictureState } from '../picture-stages.ts';
import type { Stage } from '../stage.ts';
import { checkConfig, type AutoencoderTinyConfig } from './config.ts';
import { tinyDecoderStages, tinyEncoderStages } from './stages.ts';

/** One of the two ways without its weights. */
export type AutoencoderTinyArchitecture = Architecture<AutoencoderTinyConfig, PictureInput, PictureState>;

/** An AutoencoderTiny. */
export type AutoencoderTiny = Autoencoder<AutoencoderTinyConfig>;

/** The encoder: a picture [B,C,H,W] in [−1, 1] → its latents, [B,latentChannels,h,w]. */
export function tinyEncoderArchitecture(config: AutoencoderTinyConfig): AutoencoderTinyArchitecture {
  checkConfig(config);
  return architectureOf(config, tinyEncoderStages(config), config.inChannels, config.latentChannels);
}

/** The decoder: latents [B,latentChannels,h,w] → a picture [B,C,H,W], about in [−1, 1]. */
export function tinyDecoderArchitecture(config: AutoencoderTinyConfig): AutoencoderTinyArchitecture {
  checkConfig(config);
  return architectureOf(config, tinyDecoderStages(config), config.latentChannels, config.outChannels);
}

function architectureOf(
  config: AutoencoderTinyConfig,
  stages: readonly Stage<PictureState>[],
  inChannels: number,
  outChannels: number,
): AutoencoderTinyArchitecture {
  return {
    family: 'AutoencoderTiny',
    config,
    inChannels,
    outChannels,
    stages,
    check: (input) => checkPicture(input, inChannels, 1),
    tensors: ({ sample }, _weights, dtype) => ({ sample: cast(sample, dtype) }),
    begin: (_context, tensors) => ({ hidden: tensorOf(tensors, 'sample'), skips: [] }),
    end: ({ hidden }) => hidden,
    finish: (output) => output,
  };
}

/**
 * An autoencoder from its config and weights.
 * @param dtype the precision of the model, to which the weights are rounded
 * @param source the file's name, for messages
 * @throws InputError when the weights are not those of the config
 */
export function createAutoencoderTiny(
  config: AutoencoderTinyConfig,
  weights: Weights,
  dtype: DType = 'f32',
  source?: string,
): AutoencoderTiny {
  const parts = partedWeights(weights, ['encoder']);
  return {
    config,
    encoder: createModel(tinyEncoderArchitecture(config), parts.encoder, dtype, source),
    decoder: createModel(tinyDecoderArchitecture(config), parts.decoder, dtype, source),
  };
}

/**
 * Encodes pictures: there is no distribution, but one latent.
 * @param sample [B,C,H,W] in [−1, 1]
 * @throws InputError when it does not fit the model
 */
export function encodePictureTiny(model: AutoencoderTiny, backend: Backend, sample: Tensor): Tensor {
  return runPictureModel(model, 'encoder', backend, sample);
}

/**
 * Decodes latents.
 * @param latents [B,latentChannels,h,w]
 * @returns [B,C,H,W], about in [−1, 1]
 * @throws InputError when they do not fit the model
 */
export function decodeLatentsTiny(model: AutoencoderTiny, backend: Backend, latents: Tensor): Tensor {
  return runPictureModel(model, 'decoder', backend, latents);
}
