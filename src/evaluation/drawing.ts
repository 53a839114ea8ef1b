/**
 * Draws the pictures of an evaluation and keeps what the metrics need of them: what the classifier sees. A picture
 * depends on its number alone, not on who draws it beside which others, so the work can be cut anywhere.
 */
import { InputError } from '../tensor/errors.ts';
import { manualSeed } from '../tensor/random.ts';
import { tensor, type Tensor } from '../tensor/tensor.ts';
import type { Backend } from '../kernels/kernels.ts';
import type { Guidance } from '../guidance/guidance.ts';
import { unetDenoiser } from '../sampling/denoiser.ts';
import { noiseFrom } from '../sampling/noise.ts';
import { sampleSteps, type SamplingStep } from '../sampling/sample.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import type { UNet } from '../models/unet2d/unet.ts';
import { classify, type Classifier } from './classifier.ts';
import { labelsOf, type Seen } from './record.ts';
import { appendRows } from './rows.ts';

/** How the pictures of an evaluation are drawn. */
export interface Drawing {
  readonly unet: UNet;
  /** A second, worse model, for AutoGuidance. */
  readonly weak?: UNet;
  readonly backend: Backend;
  /** For the pictures of these numbers: it may know what each of them shall show. */
  guidanceFor(numbers: readonly number[]): Guidance;
  readonly scheduler: Scheduler;
  /** Picture i has the noise of `torch.manual_seed(seed + i)`. */
  readonly seed: number;
  /**
   * Class labels, repeated as often as needed: picture i has the label i mod their number. Empty for an unconditional
   * model.
   */
  readonly labels: readonly number[];
  /** The label that means "no class". */
  readonly nullLabel?: number;
}

/**
 * Draws the pictures of the given numbers, all at once; yields every step and returns the last.
 * @returns [B,C,H,W]
 * @throws InputError when a step gives numbers that are not finite
 */
export function* drawPictures(drawing: Drawing, numbers: readonly number[]): Generator<SamplingStep, Tensor, void> {
  const { unet, weak, backend, guidanceFor, scheduler, seed, labels, nullLabel } = drawing;
  const size = unet.config.sampleSize;
  if (!size) throw new InputError('the model has no sample_size, so it cannot be evaluated');
  const noise = noiseFrom(
    numbers.map((number) => manualSeed(seed + number)),
    unet.dtype,
  );
  const denoiser = unetDenoiser(unet, backend, {
    ...(labels.length > 0 && { labels: labelsOf(numbers, labels) }),
    ...(nullLabel !== undefined && { nullLabel }),
    ...(weak && { weak }),
  });
  return yield* sampleSteps({
    denoiser,
    guidance: guidanceFor(numbers),
    scheduler,
    noise: noise([numbers.length, unet.config.inChannels, ...size]),
    noiseSource: noise,
  });
}

/** How many pictures the classifier is shown at a time: what it holds of them stays small. */
const VIEW = 260;

/**
 * What the classifier sees in pictures, which are clipped to [−1, 1] as when they are shown.
 * @param pictures [B,1,32,32]
 * @throws InputError for pictures of another shape
 */
export function look(classifier: Classifier, backend: Backend, pictures: Tensor): Seen {
  const clipped = new Float32Array(pictures.data).map((value) => Math.min(1, Math.max(-1, value)));
  const [count = 0, ...shape] = pictures.shape;
  const size = clipped.length / count;
  const views = Array.from({ length: Math.ceil(count / VIEW) }, (_, i) => {
    const part = clipped.subarray(i * VIEW * size, (i + 1) * VIEW * size);
    return classify(classifier, backend, tensor('f32', [part.length / size, ...shape], part));
  });
  return {
    features: appendRows(views.map(({ features }) => features)),
    probabilities: appendRows(views.map(({ probabilities }) => probabilities)),
  };
}
