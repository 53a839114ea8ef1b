/**
 * The autoencoder of Stable Diffusion as diffusers builds it
 * (`diffusers.models.autoencoders.autoencoder_kl.AutoencoderKL`).
 */
import { tensorOf, type Backend } from '../../kernels/kernels.ts';
import { clamp, mapElements } from '../../tensor/arithmetic.ts';
import { at } from '../../tensor/at.ts';
import { cast } from '../../tensor/rounding.ts';
import { extentOf, sizeOf, tensor, type DType, type Tensor } from '../../tensor/tensor.ts';
import { checkPicture, partedWeights, runPictureModel, type Autoencoder, type PictureInput } from '../autoencoder.ts';
import { createModel, type Architecture, type Weights } from '../model.ts';
import type { PictureState } from '../picture-stages.ts';
import type { Stage } from '../stage.ts';
import { checkConfig, type AutoencoderKLConfig } from './config.ts';
import { decoderStages, encoderStages } from './stages.ts';

/** One of the two ways without its weights. */
export type AutoencoderKLArchitecture = Architecture<AutoencoderKLConfig, PictureInput, PictureState>;

/** An AutoencoderKL. */
export type AutoencoderKL = Autoencoder<AutoencoderKLConfig>;

/** The encoder: a picture [B,C,H,W] in [−1, 1] → mean and log-variance of its latents, [B,2·latentChannels,h,w]. */
export function encoderKLArchitecture(config: AutoencoderKLConfig): AutoencoderKLArchitecture {
  checkConfig(config);
  const least = 2 ** (config.blockOutChannels.length - 1);
  return architectureOf(config, encoderStages(config), config.inChannels, 2 * config.latentChannels, least);
}

/** The decoder: latents [B,latentChannels,h,w], as the encoder gives them → a picture [B,C,H,W], about in [−1, 1]. */
export function decoderKLArchitecture(config: AutoencoderKLConfig): AutoencoderKLArchitecture {
  checkConfig(config);
  return architectureOf(config, decoderStages(config), config.latentChannels, config.outChannels, 1);
}

function architectureOf(
  config: AutoencoderKLConfig,
  stages: readonly Stage<PictureState>[],
  inChannels: number,
  outChannels: number,
  least: number,
): AutoencoderKLArchitecture {
  return {
    family: 'AutoencoderKL',
    config,
    inChannels,
    outChannels,
    stages,
    check: (input) => checkPicture(input, inChannels, least),
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
export function createAutoencoderKL(
  config: AutoencoderKLConfig,
  weights: Weights,
  dtype: DType = 'f32',
  source?: string,
): AutoencoderKL {
  const parts = partedWeights(weights, ['encoder', 'quant_conv']);
  return {
    config,
    encoder: createModel(encoderKLArchitecture(config), parts.encoder, dtype, source),
    decoder: createModel(decoderKLArchitecture(config), parts.decoder, dtype, source),
  };
}

/** What the encoder says of a picture's latents: a Gaussian for each number. */
export interface LatentDistribution {
  /** [B,latentChannels,h,w]. */
  readonly mean: Tensor;
  /** The logarithm of the variance, kept within [−30, 20]. */
  readonly logvar: Tensor;
}

/** Bounds of the logarithm of a variance (`DiagonalGaussianDistribution`). */
export const logvarBounds = [-30, 20] as const;

/**
 * Encodes pictures.
 * @param sample [B,C,H,W] in [−1, 1]
 * @throws InputError when it does not fit the model
 */
export function encodePicture(model: AutoencoderKL, backend: Backend, sample: Tensor): LatentDistribution {
  return distributionOf(model.config, runPictureModel(model, 'encoder', backend, sample));
}

/** What the encoder's output says, [B,2·latentChannels,h,w]. */
export function distributionOf({ latentChannels: channels }: AutoencoderKLConfig, moments: Tensor): LatentDistribution {
  const [least, most] = logvarBounds;
  return {
    mean: channelsOf(moments, 0, channels),
    logvar: clamp(channelsOf(moments, channels, 2 * channels), least, most),
  };
}

/**
 * Decodes latents, as the encoder gives them: not scaled for diffusion.
 * @param latents [B,latentChannels,h,w]
 * @returns [B,C,H,W], about in [−1, 1]
 * @throws InputError when they do not fit the model
 */
export function decodeLatents(model: AutoencoderKL, backend: Backend, latents: Tensor): Tensor {
  return runPictureModel(model, 'decoder', backend, latents);
}

/** The channels from `start` up to `end`. */
function channelsOf(x: Tensor, start: number, end: number): Tensor {
  const [batch, channels] = [extentOf(x, 0), extentOf(x, 1)];
  const pixels = sizeOf(x.shape.slice(2));
  const out = x.data.slice(0, batch * (end - start) * pixels);
  for (let b = 0; b < batch; b++) {
    const from = (b * channels + start) * pixels;
    out.set(x.data.subarray(from, from + (end - start) * pixels), b * (end - start) * pixels);
  }
  return tensor(x.dtype, [batch, end - start, ...x.shape.slice(2)], out);
}

/** Latents as diffusion works on them: their mean, or shift, taken off, and scaled to a variance of about 1. */
export function scaledLatents(config: AutoencoderKLConfig, latents: Tensor): Tensor {
  const { scalingFactor, shiftFactor = 0 } = config;
  return byChannel(config, latents, (z, mean, std) => ((z - shiftFactor - mean) * scalingFactor) / std);
}

/** The way back: what diffusion has made, as the decoder takes it. */
export function unscaledLatents(config: AutoencoderKLConfig, latents: Tensor): Tensor {
  const { scalingFactor, shiftFactor = 0 } = config;
  return byChannel(config, latents, (z, mean, std) => (z * std) / scalingFactor + mean + shiftFactor);
}

/** Each number by itself, its channel's mean and standard deviation beside it; computed in double, rounded once. */
function byChannel(
  { latentsMean, latentsStd }: AutoencoderKLConfig,
  latents: Tensor,
  f: (value: number, mean: number, std: number) => number,
): Tensor {
  const channels = extentOf(latents, 1);
  const pixels = sizeOf(latents.shape.slice(2));
  return mapElements(latents, (value, i) => {
    const channel = Math.floor(i / pixels) % channels;
    return f(value, latentsMean ? at(latentsMean, channel) : 0, latentsStd ? at(latentsStd, channel) : 1);
  });
}
