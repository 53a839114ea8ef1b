/** The ways between pictures and latents that posterior sampling goes, there and back. */
import type { Backend } from '../kernels/kernels.ts';
import { concatChannels } from '../kernels/plain/rearrange.ts';
import { distributionOf, scaledLatents, unscaledLatents } from '../models/autoencoder-kl/autoencoder-kl.ts';
import type { Condition } from '../models/condition.ts';
import type { LatentSlopes } from '../restoration/psld.ts';
import { modelSlope, pictureSlope } from '../models/slope.ts';
import { subtract } from '../tensor/arithmetic.ts';
import { InputError } from '../tensor/errors.ts';
import { zeros, type Tensor } from '../tensor/tensor.ts';
import { isTiny } from './latents.ts';
import { checkPipeline } from './check-parts.ts';
import type { StableDiffusion } from './stable-diffusion.ts';

/**
 * The slopes of a pipeline: of its UNet, asked for a condition, and of its AutoencoderKL. The latents of a picture are
 * the means that the encoder gives.
 * @param condition as `promptConditions` makes it
 * @throws InputError for a pipeline with another autoencoder, or one in another precision than the UNet
 */
export function latentSlopes(
  pipeline: Pick<StableDiffusion, 'unet' | 'autoencoder'>,
  backend: Backend,
  condition: Condition,
): LatentSlopes {
  checkPipeline(pipeline, 'unet', 'autoencoder');
  const { unet, autoencoder } = pipeline;
  if (isTiny(autoencoder))
    throw new InputError('the pipeline has an AutoencoderTiny; posterior sampling in latents needs an AutoencoderKL');
  const { encoder, decoder, config } = autoencoder;
  if (encoder.dtype !== unet.dtype)
    throw new InputError(`the autoencoder is in ${encoder.dtype}, but the UNet in ${unet.dtype}; both must be in one`);
  // Scaling moves and stretches each number; on the way back it stretches alone.
  const stretched = (scaling: typeof scaledLatents, v: Tensor): Tensor =>
    subtract(scaling(config, v), scaling(config, zeros(v.dtype, v.shape)));
  return {
    predict: modelSlope(unet, backend, condition),
    decode(latents) {
      const { prediction, transposed } = pictureSlope(decoder, backend, unscaledLatents(config, latents));
      return { prediction, transposed: (v) => stretched(unscaledLatents, transposed(v)) };
    },
    encode(picture) {
      const { prediction, transposed } = pictureSlope(encoder, backend, picture);
      const { mean } = distributionOf(config, prediction);
      // Of what the encoder says, the variance is not looked at.
      const ofMoments = (v: Tensor): Tensor => concatChannels(v, zeros(v.dtype, v.shape));
      return {
        prediction: scaledLatents(config, mean),
        transposed: (v) => transposed(ofMoments(stretched(scaledLatents, v))),
      };
    },
  };
}
