/** One way of an AutoencoderKL, and what pipelines do to the latents. The taps are all modules besides. */
import { logvarBounds } from '../../models/autoencoder-kl/autoencoder-kl.ts';
import type { AutoencoderKLConfig } from '../../models/autoencoder-kl/config.ts';
import { clamp } from '../../tensor/arithmetic.ts';
import { at } from '../../tensor/at.ts';
import { cast } from '../../tensor/rounding.ts';
import { extentOf, tensor, type Tensor } from '../../tensor/tensor.ts';
import type { Kernels } from '../../kernels/kernels.ts';
import type { AutoencoderSubject } from '../case.ts';
import { buildAutoencoder } from './build.ts';
import { input, tracedOnce, watcherOf, type Means, type Recipe } from './recipe.ts';

/** The taps are those of `encode` and `decode`. */
export function autoencoderRecipe({ config, way }: AutoencoderSubject): Recipe {
  return (means) => {
    if (way === 'encode') encode(means, config, input(means, 'sample'));
    else decode(means, config, input(means, 'latents'));
  };
}

/** Shows `mean`, `logvar` and `latents`, the mean as diffusion works on it, of a picture [B,C,H,W] in [−1, 1]. */
function encode(means: Means, config: AutoencoderSubject['config'], sample: Tensor): void {
  const { implementation, show } = means;
  const { kernels } = implementation;
  const model = buildAutoencoder(config, 'encode', means);
  const both = tracedOnce(means, model, { sample }, watcherOf(means, ''));
  const channels = model.config.latentChannels;
  const mean = show('mean', kernels.sliceChannels(both, 0, channels));
  show('logvar', clamp(kernels.sliceChannels(both, channels, 2 * channels), ...logvarBounds));
  show('latents', scaled(kernels, model.config, mean));
}

/** Shows `decoder_input` and `sample`, the picture, [B,C,H,W], of latents as diffusion has made them. */
export function decode(means: Means, config: AutoencoderSubject['config'], latents: Tensor): Tensor {
  const { implementation, show } = means;
  const { kernels } = implementation;
  const model = buildAutoencoder(config, 'decode', means);
  const sample = show('decoder_input', unscaled(kernels, model.config, latents));
  return show('sample', tracedOnce(means, model, { sample }, watcherOf(means, '')));
}

/** (z − shift) · scale; each channel by its own mean and deviation, too, where a model has these. */
function scaled(kernels: Kernels, config: AutoencoderKLConfig, z: Tensor): Tensor {
  const { scalingFactor: scale, shiftFactor: shift = 0, latentsMean, latentsStd } = config;
  if (latentsMean && latentsStd) {
    const offset = perChannel(z, (channel) => -shift - at(latentsMean, channel));
    const factor = perChannel(z, (channel) => scale / at(latentsStd, channel));
    return kernels.multiply(kernels.add(z, offset), factor);
  }
  return kernels.affine(shift === 0 ? z : kernels.affine(z, 1, -shift), scale, 0);
}

/** z / scale + shift; or by channels. */
function unscaled(kernels: Kernels, config: AutoencoderKLConfig, z: Tensor): Tensor {
  const { scalingFactor: scale, shiftFactor: shift = 0, latentsMean, latentsStd } = config;
  if (latentsMean && latentsStd) {
    const offset = perChannel(z, (channel) => shift + at(latentsMean, channel));
    const factor = perChannel(z, (channel) => at(latentsStd, channel) / scale);
    return kernels.add(kernels.multiply(z, factor), offset);
  }
  const divided = kernels.divide(z, scale);
  return shift === 0 ? divided : kernels.affine(divided, 1, shift);
}

/** A number for each channel, [B,C]. */
function perChannel(z: Tensor, f: (channel: number) => number): Tensor {
  const [batch, channels] = [extentOf(z, 0), extentOf(z, 1)];
  const numbers = Float64Array.from({ length: batch * channels }, (_, i) => f(i % channels));
  return cast(tensor('f64', [batch, channels], numbers), z.dtype);
}
