/** The loop that joins model, guidance and scheduler. */
import { at } from '../tensor/at.ts';
import { scale } from '../tensor/arithmetic.ts';
import { InputError } from '../tensor/errors.ts';
import type { GuidanceStep, MeanShift } from '../guidance/guidance.ts';
import { mapScale, push } from '../guidance/scales.ts';
import { slopesAt } from '../schedulers/original-slope.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import { varianceOfStep } from '../schedulers/step-variance.ts';
import { sameShape, shapeText, type Tensor } from '../tensor/tensor.ts';
import { checkedSource, checkNoise } from './check-noise.ts';
import { modelAtStep } from './model-at-step.ts';
import { checkRun, checkStep, watched, type SamplingRun } from './run.ts';

export type { SamplingRun } from './run.ts';

/** What happened in one step, that is, at one call of the model: some schedulers need several for one noise level. */
export interface SamplingStep {
  /** The number of the step, from 0. */
  readonly index: number;
  /** How many steps there are. */
  readonly count: number;
  /** What the model was given as its time. */
  readonly timestep: number;
  /** The guided prediction ε̃, [B,C,H,W]. */
  readonly guided: Tensor;
  /** x after the step, [B,C,H,W]. */
  readonly sample: Tensor;
  /** x̂₀, the picture that the step aims at, where the scheduler has one. */
  readonly denoised?: Tensor;
}

/**
 * Draws pictures: yields every step, so that the caller may show it, keep it, or stop; returns the last sample,
 * [B,C,H,W].
 * @throws InputError (the generator, when it is asked for a step): before the first, for a part that is none, or noise
 *   that is not [B,C,H,W] or not finite numbers of its dtype; in a step, when noise, model and guidance do not fit one
 *   another, or their numbers are no longer finite
 */
export function* sampleSteps(run: SamplingRun): Generator<SamplingStep, Tensor, void> {
  checkRun(run);
  const steps = samplingLoop({ ...run, guidance: watched(run.guidance) });
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    checkStep(value, value.sample);
    yield value;
  }
}

/**
 * The loop of `sampleSteps`, which goes on when numbers are no longer finite: for those who look at broken models.
 * @throws InputError as `sampleSteps`, but for that
 */
export function* samplingLoop(run: SamplingRun): Generator<SamplingStep, Tensor, void> {
  checkNoise(run.noise);
  checkStart(run);
  const noise = checkedSource(run.noiseSource, run.noise.dtype);
  const { scheduler, guidance } = run;
  const count = scheduler.timesteps.length;
  const memory = new Map<object, Tensor>();
  let state = scheduler.start;
  let sample = run.start ?? scale(run.noise, scheduler.initNoiseSigma);

  for (let index = 0; index < count; index++) {
    const timestep = at(scheduler.timesteps, index);
    const current = sample;
    const model = modelAtStep(run.denoiser, scheduler, current, index);

    const step: GuidanceStep = {
      index,
      count,
      timestep,
      sample: current,
      memory,
      ...scheduler.levelAt(index),
      predict: model.predict,
      tap: model.tap,
      toOriginal: (prediction) => scheduler.predictOriginal(current, prediction, index),
      ...slopesAt(scheduler, index),
    };
    const guided = guidance.guide(step);
    const modelOutput = scheduler.readsVariance ? model.withVariance(guided) : guided;

    const result = scheduler.step(state, { index, modelOutput, sample: current, noise });
    state = result.state;
    sample = moved(result.sample, scheduler, index, guidance.meanShift?.(step));
    yield { index, count, timestep, guided, sample, ...(result.denoised && { denoised: result.denoised }) };
  }
  return sample;
}

/**
 * The sample behind a step, with its mean moved.
 * @throws InputError for a scheduler whose first step adds no noise
 */
function moved<State>(
  sample: Tensor,
  scheduler: Scheduler<State>,
  index: number,
  shift: MeanShift | undefined,
): Tensor {
  if (!shift) return sample;
  const variance = varianceOfStep(scheduler, index);
  if (variance === 0 && index === 0)
    throw new InputError(
      `the guidance moves the mean of a step by its variance, but ${scheduler.name} adds no noise here; take ` +
        'DDPMScheduler, DDIMScheduler with eta above 0, or the ddim form of the guidance',
    );
  return push(
    sample,
    mapScale(shift.scale, (s) => s * variance),
    shift.direction,
  );
}

/** @throws InputError for a start that is not as the noise */
function checkStart({ start, noise }: SamplingRun): void {
  if (!start) return;
  checkNoise(start, 'the start');
  if (sameShape(start.shape, noise.shape) && start.dtype === noise.dtype) return;
  throw new InputError(
    `the start is ${shapeText(start.shape)} in ${start.dtype}, but the noise is ${shapeText(noise.shape)} in ` +
      `${noise.dtype}; expected the same`,
  );
}

/**
 * Runs all steps and returns the last sample, [B,C,H,W].
 * @throws InputError as `sampleSteps` does
 */
export function sampleToEnd(run: SamplingRun): Tensor {
  const steps = sampleSteps(run);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
