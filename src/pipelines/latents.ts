/** Pictures and latents: what a pipeline does with its autoencoder, whichever it has. */
import type { Backend } from '../kernels/kernels.ts';
import { referenceKernels } from '../kernels/plain/index.ts';
import {
  decodeLatents,
  distributionOf,
  scaledLatents,
  unscaledLatents,
  type AutoencoderKL,
} from '../models/autoencoder-kl/autoencoder-kl.ts';
import {
  decodeLatentsTiny,
  encodePictureTiny,
  type AutoencoderTiny,
} from '../models/autoencoder-tiny/autoencoder-tiny.ts';
import { runPictureModel } from '../models/autoencoder.ts';
import { forEachSample } from '../sampling/from-picture.ts';
import type { NoiseSource } from '../schedulers/scheduler.ts';
import { mapElements, scale } from '../tensor/arithmetic.ts';
import { at } from '../tensor/at.ts';
import { checkTensor } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { exp } from '../tensor/math/index.ts';
import { cast } from '../tensor/rounding.ts';
import { extentOf, type Tensor } from '../tensor/tensor.ts';
import { checkPipeline } from './check-parts.ts';
import type { StableDiffusion } from './stable-diffusion.ts';
import { decodingTiles, encodingTiles, inTiles } from './tiles.ts';

/** How an autoencoder is run. */
export interface LatentOptions {
  /** Whether large pictures go through it in tiles, blended where they overlap, as with diffusers' `enable_tiling`. */
  readonly tiling?: boolean;
}

/** How many pixels a latent stands for, in either direction. */
export function pixelsPerLatent(pipeline: Pick<StableDiffusion, 'autoencoder'>): number {
  checkPipeline(pipeline, 'autoencoder');
  const { config } = pipeline.autoencoder;
  return 2 ** (('blockOutChannels' in config ? config.blockOutChannels : config.numDecoderBlocks).length - 1);
}

/**
 * The pictures that latents stand for, [N,4,h,w] → [N,3,H,W], from −1 to 1 and a little beyond. They are decoded one by
 * one, for the decoder holds more at a time than anything before it.
 * @throws InputError for latents that do not fit, or tiles where there are none
 */
export function picturesOf(
  pipeline: Pick<StableDiffusion, 'autoencoder' | 'unet'>,
  backend: Backend,
  latents: Tensor,
  options: LatentOptions = {},
): Tensor {
  checkPipeline(pipeline, 'unet', 'autoencoder');
  checkTensor('the latents', latents);
  const pictures = Array.from({ length: extentOf(latents, 0) }, (_, b) =>
    pictureOf(pipeline, backend, referenceKernels.sliceBatch(latents, b, b + 1), options),
  );
  return referenceKernels.concatBatch(pictures);
}

function pictureOf(
  { autoencoder, unet }: Pick<StableDiffusion, 'autoencoder' | 'unet'>,
  backend: Backend,
  latents: Tensor,
  options: LatentOptions,
): Tensor {
  if (isTiny(autoencoder)) {
    refuseTiles(options);
    return decodeLatentsTiny(autoencoder, backend, scale(latents, 1 / autoencoder.config.scalingFactor));
  }
  const { config, decoder } = autoencoder;
  const unscaled = unscaledLatents(config, cast(latents, decoder.dtype));
  const tiles = options.tiling === true ? decodingTiles(config) : undefined;
  const decode = (part: Tensor): Tensor => decodeLatents(autoencoder, backend, part);
  return cast(tiles ? inTiles(unscaled, tiles, decode) : decode(unscaled), unet.dtype);
}

/**
 * The latents of a picture, scaled for diffusion. Of an AutoencoderKL they are drawn from the distribution that it
 * gives.
 * @param picture [1,C,H,W], from −1 to 1
 * @param count how many are drawn
 * @param noiseSource is asked for [count,latentChannels,h,w], once, by an AutoencoderKL only; in whose precision it is
 *   to draw, as diffusers does
 * @returns [count,latentChannels,h,w], or of an AutoencoderTiny [1,…]
 * @throws InputError for a picture that does not fit, or tiles where there are none
 */
export function latentsOf(
  pipeline: Pick<StableDiffusion, 'autoencoder' | 'unet'>,
  backend: Backend,
  picture: Tensor,
  count: number,
  noiseSource: NoiseSource,
  options: LatentOptions = {},
): Tensor {
  checkPipeline(pipeline, 'unet', 'autoencoder');
  const { autoencoder, unet } = pipeline;
  if (isTiny(autoencoder)) {
    refuseTiles(options);
    return scale(encodePictureTiny(autoencoder, backend, picture), autoencoder.config.scalingFactor);
  }
  const { config } = autoencoder;
  const tiles = options.tiling === true ? encodingTiles(config) : undefined;
  const encode = (part: Tensor): Tensor => runPictureModel(autoencoder, 'encoder', backend, part);
  const moments = tiles ? inTiles(picture, tiles, encode) : encode(picture);
  const { mean, logvar } = distributionOf(config, moments);
  const noise = noiseSource([count, ...mean.shape.slice(1)]);
  const [means, logvars] = [mean, logvar].map((each) => forEachSample(cast(each, noise.dtype), noise));
  const drawn = mapElements(noise, (z, i) => at(means?.data ?? [], i) + exp(0.5 * at(logvars?.data ?? [], i)) * z);
  return scaledLatents(config, cast(drawn, unet.dtype));
}

/**
 * Draws the noise that `latentsOf` draws for a picture whose latents nobody needs.
 * @param shape of those latents
 */
export function passLatents(
  { autoencoder }: Pick<StableDiffusion, 'autoencoder'>,
  shape: readonly number[],
  noiseSource: NoiseSource,
): void {
  if (!isTiny(autoencoder)) noiseSource(shape);
}

/** Whether an autoencoder is the small one, which knows no distribution. */
export function isTiny(autoencoder: AutoencoderKL | AutoencoderTiny): autoencoder is AutoencoderTiny {
  return autoencoder.encoder.family === 'AutoencoderTiny';
}

function refuseTiles({ tiling }: LatentOptions): void {
  if (tiling === true)
    throw new InputError("tiles are of AutoencoderKL; the pipeline's AutoencoderTiny takes pictures as a whole");
}
