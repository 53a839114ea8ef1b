/**
 * Runs that begin with a picture instead of noise (SDEdit: Meng et al. 2021, arXiv 2108.01073; diffusers'
 * `StableDiffusionImg2ImgPipeline`, here on pixels).
 */
import { areFinite, checkTensor } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { shown } from '../tensor/shown.ts';
import { sameShape, shapeText, tensor, allocate, type Tensor } from '../tensor/tensor.ts';
import { aScheduler, type Scheduler } from '../schedulers/scheduler.ts';

/**
 * How many steps a run leaves out at its beginning because it begins with a picture: the `begin` of its scheduler. What
 * is left are ⌊steps · strength⌋ steps, as `get_timesteps` of diffusers' pipeline says.
 * @param steps how many there are in all
 * @param strength how much of the picture is redrawn: above 0, nothing, to 1, as good as all
 * @throws InputError for another strength, and for one that leaves no step
 */
export function stepsLeftOut(steps: number, strength: number): number {
  if (!(typeof strength === 'number' && strength > 0 && strength <= 1))
    throw new InputError(`the strength is ${shown(strength)}; expected a number above 0, to 1 (all steps)`);
  const left = Math.floor(steps * strength);
  if (left < 1)
    throw new InputError(
      `a strength of ${strength} leaves none of ${steps} steps; take more steps or a greater strength`,
    );
  return steps - left;
}

/**
 * What a run begins with: the picture at the noise level of its first call, x = α x₀ + σ ε.
 * @param scheduler of the run, created with `begin`
 * @param picture x₀, [B,C,H,W], or [1,C,H,W] for all samples; from −1 to 1
 * @param noise ε, standard normal, [B,C,H,W]
 * @throws InputError where they do not fit one another
 */
export function noisedPicture(scheduler: Scheduler, picture: Tensor, noise: Tensor): Tensor {
  aScheduler('the scheduler', scheduler);
  return scheduler.addNoise(forEachSample(picture, noise), noise, 0);
}

/**
 * The picture once for each sample.
 * @param picture [B,C,H,W] as the samples, or one of them
 * @param samples [B,C,H,W]
 * @throws InputError for a picture of another size or precision, or one that holds what is not finite
 */
export function forEachSample(picture: Tensor, samples: Tensor): Tensor {
  checkTensor('the picture', picture);
  checkTensor('the samples', samples);
  const [batch = 0, ...extents] = samples.shape;
  const fits = [1, batch].some((count) => sameShape(picture.shape, [count, ...extents]));
  if (!fits || picture.dtype !== samples.dtype) {
    throw new InputError(
      `the picture is ${shapeText(picture.shape)} in ${picture.dtype}, but the run needs ` +
        `${shapeText(samples.shape)} in ${samples.dtype}, or one such picture for all samples`,
    );
  }
  if (!areFinite(picture.data)) throw new InputError('the picture has a number that is not finite');
  if (picture.shape[0] === batch) return picture;
  const data = allocate(samples.dtype, samples.data.length);
  for (let b = 0; b < batch; b++) data.set(picture.data, b * picture.data.length);
  return tensor(samples.dtype, samples.shape, data);
}
