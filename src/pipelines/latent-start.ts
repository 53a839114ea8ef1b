/**
 * Runs of a pipeline that begin with a picture: `StableDiffusion(XL)(PAG)Img2ImgPipeline` and `…InpaintPipeline` of
 * diffusers. Noise is drawn in their order: for the picture's latents, for the run, for the masked picture's latents.
 */
import type { Backend } from '../kernels/kernels.ts';
import { referenceKernels } from '../kernels/plain/index.ts';
import type { UNetCondition } from '../models/unet2d-condition/unet-condition.ts';
import { noisedPicture } from '../sampling/from-picture.ts';
import { replacing } from '../sampling/inpaint.ts';
import type { NoiseSource, Scheduler } from '../schedulers/scheduler.ts';
import { mapElements } from '../tensor/arithmetic.ts';
import { InputError } from '../tensor/errors.ts';
import { allocate, extentOf, tensor, type Tensor } from '../tensor/tensor.ts';
import { inpaintingUNet } from './inpainting-unet.ts';
import { latentsOf, passLatents, pixelsPerLatent, type LatentOptions } from './latents.ts';
import { checkPipeline } from './check-parts.ts';
import type { StableDiffusion } from './stable-diffusion.ts';

/** What a run begins with. */
export interface LatentPicture extends LatentOptions {
  /** [1,C,H,W], from −1 to 1. */
  readonly picture: Tensor;
  /** 1 where it is painted anew, 0 where it stays, [1,1,H,W]; undefined where all of it is redrawn. */
  readonly mask?: Tensor;
  /** Above 0, to 1: how much is redrawn, as the scheduler knows already. */
  readonly strength: number;
}

/** What a run is made of besides guidance and conditions. */
export interface LatentRun {
  readonly scheduler: Scheduler;
  readonly unet: UNetCondition;
  /** [N,C,h,w]. */
  readonly noise: Tensor;
  /** Left out where the run begins with the noise alone. */
  readonly start?: Tensor;
}

/** Where a run's noise comes from. */
export interface LatentNoise {
  /** The first noise, [N,C,h,w]. */
  readonly first: () => Tensor;
  readonly noiseSource: NoiseSource;
  /** The same draws in the precision of the autoencoder, for a picture's latents; `noiseSource` unless given. */
  readonly ofLatents?: NoiseSource;
  /** How many of a picture's latents are drawn: one for all, or one for each sample that has a seed of its own. */
  readonly draws: number;
}

/**
 * The beginning of a run.
 * @param scheduler created with the `begin` of the strength
 * @throws InputError for a picture or mask that does not fit, and for a UNet of inpainting without a mask
 */
export function latentRun(
  pipeline: StableDiffusion,
  backend: Backend,
  scheduler: Scheduler,
  from: LatentPicture | undefined,
  { first, noiseSource, ofLatents = noiseSource, draws }: LatentNoise,
): LatentRun {
  checkPipeline(pipeline, 'unet', 'autoencoder');
  const { unet } = pipeline;
  const isInpainting = unet.inChannels !== unet.outChannels;
  if (isInpainting && !from?.mask)
    throw new InputError(
      `the UNet takes ${unet.inChannels} channels: it is one of inpainting, and wants a picture and a mask`,
    );
  if (!from) return { scheduler, unet, noise: first() };
  const encoded = (picture: Tensor): Tensor => latentsOf(pipeline, backend, picture, draws, ofLatents, from);
  const { picture, mask, strength } = from;
  const isWhole = mask !== undefined && strength === 1;
  // As in diffusers: with all steps, repainting begins with the noise alone.
  const latents = isWhole && isInpainting ? undefined : encoded(picture);
  const noise = first();
  const start = latents && !isWhole ? { start: noisedPicture(scheduler, latents, noise) } : {};
  if (!mask) return { scheduler, unet, noise, ...start };
  const small = latentMask(mask, pixelsPerLatent(pipeline));
  if (latents && !isInpainting) {
    // diffusers encodes the masked picture here, too; of that nothing counts but the noise that it draws.
    passLatents(pipeline, latents.shape, ofLatents);
    return { scheduler: replacing(scheduler, { picture: latents, mask: small }, noise), unet, noise, ...start };
  }
  const left = encoded(masked(picture, mask));
  return { scheduler, unet: inpaintingUNet(unet, beside(small, left)), noise, ...start };
}

/** The mask for latents: of each, what it says of the first of its pixels. */
function latentMask(mask: Tensor, factor: number): Tensor {
  const [height, width] = [extentOf(mask, 2), extentOf(mask, 3)];
  const [h, w] = [Math.floor(height / factor), Math.floor(width / factor)];
  const out = allocate(mask.dtype, h * w);
  for (let i = 0; i < out.length; i++) out[i] = mask.data[Math.floor(i / w) * factor * width + (i % w) * factor] ?? 0;
  return tensor(mask.dtype, [1, 1, h, w], out);
}

/** The picture, and grey where it is painted anew. */
function masked(picture: Tensor, mask: Tensor): Tensor {
  const area = mask.data.length;
  return mapElements(picture, (value, i) => ((mask.data[i % area] ?? 0) < 0.5 ? value : 0));
}

/** Mask and masked picture as further channels, for each sample or for all. */
function beside(mask: Tensor, latents: Tensor): Tensor {
  const masks = Array.from({ length: extentOf(latents, 0) }, () => mask);
  return referenceKernels.concatChannels(referenceKernels.concatBatch(masks), latents);
}
