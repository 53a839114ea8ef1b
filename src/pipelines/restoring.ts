/** What a run needs that restores pictures in the latents of a pipeline. */
import type { Backend } from '../kernels/kernels.ts';
import type { Conditions } from '../models/condition.ts';
import type { Restoring } from '../restoration/pixels.ts';
import { restoringLatents, type LatentProblem } from '../restoration/psld.ts';
import { denoiserOf } from '../sampling/denoiser.ts';
import { sharedPredictions } from '../sampling/shared-predictions.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { latentSlopes } from './latent-slopes.ts';
import type { StableDiffusion } from './stable-diffusion.ts';

/**
 * What restores with a pipeline. What the guidance has the UNet predict is not computed again for the slope.
 * @param conditions as `promptConditions` makes them; `given` is what the slope is for
 * @param noise of the run, [B,C,h,w]
 * @param picture of the pictures that latents stand for, [B,C,H,W]
 * @throws InputError as `restoringLatents`, `latentSlopes` and `denoiserOf`
 */
export function restoringInPipeline(
  pipeline: Pick<StableDiffusion, 'unet' | 'autoencoder'>,
  backend: Backend,
  conditions: Conditions,
  scheduler: Scheduler,
  problem: LatentProblem,
  noise: Tensor,
  picture: readonly number[],
): Restoring {
  const slopes = latentSlopes(pipeline, backend, conditions['given'] ?? {});
  const ofUNet = denoiserOf({ main: pipeline.unet }, backend, conditions);
  const { denoiser, slopeAt } = sharedPredictions(ofUNet, slopes.predict);
  return { denoiser, scheduler: restoringLatents(scheduler, problem, { ...slopes, predict: slopeAt }, noise, picture) };
}
