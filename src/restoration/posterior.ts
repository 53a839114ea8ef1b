/**
 * Diffusion Posterior Sampling (Chung et al. 2023, arXiv 2209.14687, algorithm 1): a model that was trained on whole
 * pictures draws one that fits a measurement y = A x₀ + noise. After each step the sample is moved against the gradient
 * of the misfit,
 *
 *     x_{t−1} ← x_{t−1} − ζ ∇_{x_t} ‖y − A x̂₀(x_t)‖,
 *
 * where x̂₀ = a x_t + b p(x_t) and the gradient goes through the network that predicts p. Its weight is that of the
 * authors' code; the paper writes ζ' ∇‖·‖² / ‖·‖, which is twice as much.
 *
 * Guidance moves the step, as ever; the misfit is that of the model's own, unguided prediction.
 */
import { add, combine, mapElements, norm, scale, subtract } from '../tensor/arithmetic.ts';
import { at } from '../tensor/at.ts';
import { checkFinite, checkOptions, checkTensor, finite, type Checks } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { extentOf, sameShape, shapeText, type DType, type Tensor } from '../tensor/tensor.ts';
import { originalPerPrediction, originalPerSample } from '../schedulers/original-slope.ts';
import { aScheduler, type Scheduler } from '../schedulers/scheduler.ts';
import { aMeasurement, measure, measureBack, type Measurement } from './measurement.ts';
import { aModelSlope, type ModelSlope } from '../models/slope.ts';

/** A picture that was measured, and how much the measurement counts. */
export interface InverseProblem {
  /** A. */
  readonly measurement: Measurement;
  /** y, [B,C,H′,W′]. */
  readonly measured: Tensor;
  /** ζ, from 0: how far a step goes towards what was measured. With 0 it is not looked at. */
  readonly weight: number;
}

/** What these may be. */
export const measuredChecks: Checks<InverseProblem> = {
  measurement: aMeasurement,
  measured: checkTensor,
  weight: finite(0),
};

/** Schedulers whose model sees x_t as it is, with α and σ of a fixed variance. */
const supported = ['DDPMScheduler', 'DDIMScheduler'];

/** @throws InputError for a scheduler that posterior sampling does not go with */
export function checkRestored(scheduler: Scheduler): void {
  aScheduler('the scheduler', scheduler);
  if (supported.includes(scheduler.name)) return;
  throw new InputError(
    `posterior sampling goes with ${supported.join(' and ')}, but the scheduler is ${scheduler.name}`,
  );
}

/**
 * The scheduler, each step of which is followed by one towards the measurement.
 * @param slopeAt of the model's prediction: called once a step with x_t and the timestep
 * @param noise of the run, [B,C,H,W]: its shape and precision
 * @throws InputError for another scheduler than DDPM and DDIM, or where measurement, picture and noise do not fit
 */
export function restoring<State>(
  scheduler: Scheduler<State>,
  problem: InverseProblem,
  slopeAt: ModelSlope,
  noise: Tensor,
): Scheduler<State> {
  checkRestored(scheduler);
  checkOptions('an inverse problem', problem, measuredChecks);
  aModelSlope('slopeAt', slopeAt);
  checkTensor('the noise', noise);
  checkMeasured(problem, noise.shape, noise.dtype);
  if (problem.weight === 0) return scheduler;
  return movedSteps(scheduler, slopeAt, (original) => towardsMeasured(problem, original));
}

/** −∇ ζ ‖y − A x‖ at a picture x: ζ Aᵀ (y − A x)/‖y − A x‖, of its shape. */
export function towardsMeasured({ measurement, measured, weight }: InverseProblem, picture: Tensor): Tensor {
  const misfit = subtract(measured, measure(measurement, picture));
  return scale(measureBack(measurement, unit(misfit), [extentOf(picture, 2), extentOf(picture, 3)]), weight);
}

/**
 * The scheduler, each step of which is followed by a move along what lessens a misfit of x̂₀.
 * @param lessening −∂misfit/∂x̂₀, of the shape of x̂₀
 */
export function movedSteps<State>(
  scheduler: Scheduler<State>,
  slopeAt: ModelSlope,
  lessening: (original: Tensor) => Tensor,
): Scheduler<State> {
  return {
    ...scheduler,
    step(state, input) {
      const result = scheduler.step(state, input);
      const { index, sample } = input;
      const slope = slopeAt(sample, at(scheduler.timesteps, index));
      const towards = lessening(scheduler.predictOriginal(sample, slope.prediction, index));
      const perSample = originalPerSample(scheduler, index);
      const perPrediction = originalPerPrediction(scheduler, index);
      // x̂₀ = a x + b p(x): what lessens the misfit of x̂₀ does so along (a + Jᵀ b).
      const rise = combine([
        [perSample, towards],
        [1, slope.transposed(scale(towards, perPrediction))],
      ]);
      return { ...result, sample: add(result.sample, rise) };
    },
  };
}

/** Each sample divided by its length; nothing of what is nothing. */
export function unit(x: Tensor): Tensor {
  const lengths = norm(x);
  const size = x.data.length / lengths.length;
  return mapElements(x, (value, i) => {
    const length = at(lengths, Math.floor(i / size));
    return length === 0 ? 0 : value / length;
  });
}

/** @throws InputError unless y is what is measured of pictures of a shape, in their precision, and finite */
export function checkMeasured(
  { measurement, measured }: InverseProblem,
  pictures: readonly number[],
  dtype: DType,
): void {
  const [batch = 0, channels = 0, height = 0, width = 0] = pictures;
  const expected = [batch, channels, ...measurement.sizeOf([height, width])];
  if (!sameShape(measured.shape, expected) || measured.dtype !== dtype)
    throw new InputError(
      `what was measured is ${shapeText(measured.shape)} in ${measured.dtype}; of pictures of ` +
        `${shapeText(pictures)}, ${measurement.name} measures ${shapeText(expected)} in ${dtype}`,
    );
  checkFinite('what was measured', measured);
}
