/**
 * Repainting a part of a picture: after every step the rest is put back, noised as much as the sample is (diffusers'
 * `StableDiffusionInpaintPipeline` with a UNet of no further channels, here on pixels).
 */
import { add, mapElements, multiply } from '../tensor/arithmetic.ts';
import { checkOptions, checkTensor } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { allocate, shapeText, tensor, type Tensor } from '../tensor/tensor.ts';
import { aScheduler, type Scheduler } from '../schedulers/scheduler.ts';
import { forEachSample } from './from-picture.ts';

/** A picture, and which part of it is painted anew. */
export interface Inpainting {
  /** [B,C,H,W], or [1,C,H,W] for all samples; from −1 to 1. */
  readonly picture: Tensor;
  /** From 0, kept, to 1, repainted: [B,1,H,W], or [1,1,H,W] for all samples. (RePaint's papers and code: 1 is kept.) */
  readonly mask: Tensor;
}

/**
 * The scheduler, but after each step what the mask keeps is that of the picture, at the noise level of the next call,
 * with the noise of the run; after the last step the picture itself. With any scheduler.
 * @param noise of the run, [B,C,H,W]
 * @throws InputError where picture, mask and noise do not fit one another
 */
export function replacing<State>(scheduler: Scheduler<State>, inpainting: Inpainting, noise: Tensor): Scheduler<State> {
  aScheduler('the scheduler', scheduler);
  const { picture, keeping } = prepared(inpainting, noise);
  const last = scheduler.timesteps.length - 1;
  return {
    ...scheduler,
    step(state, input) {
      const { index } = input;
      const result = scheduler.step(state, input);
      const known = index < last ? scheduler.addNoise(picture, noise, index + 1) : picture;
      return { ...result, sample: keeping(known, result.sample) };
    },
  };
}

/**
 * What a step needs of an inpainting: the picture for each sample, and (1 − m) known + m painted.
 * @param samples [B,C,H,W], of the run
 * @throws InputError where they do not fit one another
 */
export function prepared(
  inpainting: Inpainting,
  samples: Tensor,
): { readonly picture: Tensor; readonly keeping: (known: Tensor, painted: Tensor) => Tensor } {
  checkOptions('an inpainting', inpainting, { picture: checkTensor, mask: checkTensor });
  checkTensor('the samples', samples);
  const { picture, mask } = inpainting;
  const repainted = forEachChannel(mask, samples);
  const kept = mapElements(repainted, (value) => 1 - value);
  return {
    picture: forEachSample(picture, samples),
    keeping: (known, painted) => add(multiply(kept, known), multiply(repainted, painted)),
  };
}

/** The mask, [B,C,H,W]. @throws InputError for one of another size, or values beyond 0 and 1 */
function forEachChannel({ shape, dtype, data }: Tensor, samples: Tensor): Tensor {
  const [batch = 0, channels = 0, height = 0, width = 0] = samples.shape;
  const area = height * width;
  const [count = 0] = shape;
  const fits = [1, batch].some((one) => shapeText(shape) === shapeText([one, 1, height, width]));
  if (!fits || dtype !== samples.dtype) {
    throw new InputError(
      `the mask is ${shapeText(shape)} in ${dtype}, but the run needs ${shapeText([batch, 1, height, width])} in ` +
        `${samples.dtype}, or one such mask for all samples`,
    );
  }
  const wrong = data.find((value) => !(value >= 0 && value <= 1));
  if (wrong !== undefined) throw new InputError(`the mask has ${wrong}; expected 0 (kept) to 1 (repainted)`);
  const whole = allocate(dtype, samples.data.length);
  for (let i = 0; i < batch * channels; i++) {
    const from = count === 1 ? 0 : Math.floor(i / channels) * area;
    whole.set(data.subarray(from, from + area), i * area);
  }
  return tensor(dtype, samples.shape, whole);
}
