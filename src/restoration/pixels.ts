/** What a run needs that restores pictures with a model of pixels. */
import type { Backend } from '../kernels/kernels.ts';
import type { Conditions } from '../models/condition.ts';
import { modelSlope } from '../models/slope.ts';
import type { UNet } from '../models/unet2d/unet.ts';
import { denoiserOf } from '../sampling/denoiser.ts';
import type { SamplingRun } from '../sampling/sample.ts';
import { sharedPredictions } from '../sampling/shared-predictions.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { restoring, type InverseProblem } from './posterior.ts';

/** The model, and the scheduler whose steps go towards what was measured. */
export type Restoring = Pick<SamplingRun, 'denoiser' | 'scheduler'>;

/**
 * What restores with a model of pixels. What the guidance has the model predict is not computed again for the slope.
 * @param conditions `given` is what the slope is for
 * @param noise of the run, [B,C,H,W]
 * @throws InputError as `restoring` and `denoiserOf`
 */
export function restoringPixels(
  unet: UNet,
  backend: Backend,
  conditions: Conditions,
  scheduler: Scheduler,
  problem: InverseProblem,
  noise: Tensor,
): Restoring {
  const slope = modelSlope(unet, backend, conditions['given']);
  const { denoiser, slopeAt } = sharedPredictions(denoiserOf({ main: unet }, backend, conditions), slope);
  return { denoiser, scheduler: restoring(scheduler, problem, slopeAt, noise) };
}
