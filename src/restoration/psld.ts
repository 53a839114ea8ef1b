/**
 * Posterior sampling in latents: PSLD (Rout et al. 2023, arXiv 2307.00619, algorithm 2), with which PAG's paper
 * restores pictures. After each step the latents are moved against the gradient of two misfits: that of the decoded
 * picture, and how far ẑ₀ is from the latents of that picture with the measurement glued into it,
 *
 *     z_{t−1} ← z_{t−1} − ∇_{z_t} ( ζ ‖y − A D(ẑ₀)‖ + γ ‖ẑ₀ − E(A⁺y + (I − A⁺A) D(ẑ₀))‖ ),
 *
 * D and E the two ways of the autoencoder, A⁺ what hands a measurement back: Aᵀ, or, of means of f² pixels, f² Aᵀ, so
 * that where A A⁺ is the identity the glued picture has the measurement of the given one. The weights are of norms, as
 * in the authors' code; ε is guided in the step and not in ẑ₀, as in `restoring`.
 */
import { add, scale, subtract } from '../tensor/arithmetic.ts';
import { aFunction, checkOptions, checkParts, finite, type Checks } from '../tensor/checks.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import { measure, measureBack, type Size } from './measurement.ts';
import {
  checkMeasured,
  checkRestored,
  measuredChecks,
  movedSteps,
  towardsMeasured,
  unit,
  type InverseProblem,
} from './posterior.ts';
import { aModelSlope, type ModelSlope, type Slope } from '../models/slope.ts';

/** A picture that was measured, and how much measurement and gluing count. */
export interface LatentProblem extends InverseProblem {
  /** γ, from 0: how far a step goes towards latents of the glued picture. */
  readonly gluing: number;
}

const checks: Checks<LatentProblem> = { ...measuredChecks, gluing: finite(0) };

/** What is derived on the way from latents to a measurement. All latents are scaled for diffusion. */
export interface LatentSlopes {
  /** Of the model's prediction for z_t at a timestep. */
  readonly predict: ModelSlope;
  /** D: latents to a picture. */
  readonly decode: (latents: Tensor) => Slope;
  /** E: a picture to (the mean of) its latents. */
  readonly encode: (picture: Tensor) => Slope;
}

const slopesChecks: Checks<LatentSlopes> = {
  predict: aModelSlope,
  decode: aFunction('a function of latents'),
  encode: aFunction('a function of a picture'),
};

/**
 * The scheduler, each step of which is followed by one towards the measurement.
 * @param noise of the run, [B,C,h,w]: its precision
 * @param picture of the pictures that latents stand for, [B,C,H,W]
 * @throws InputError for another scheduler than DDPM and DDIM, or where measurement and pictures do not fit
 */
export function restoringLatents<State>(
  scheduler: Scheduler<State>,
  problem: LatentProblem,
  slopes: LatentSlopes,
  noise: Tensor,
  picture: readonly number[],
): Scheduler<State> {
  checkRestored(scheduler);
  checkOptions('an inverse problem in latents', problem, checks);
  checkParts('the slopes', slopes, slopesChecks);
  checkMeasured(problem, picture, noise.dtype);
  const { decode, encode } = slopes;
  const [, , height = 0, width = 0] = picture;
  const glue = glueing(problem, [height, width]);
  if (problem.weight === 0 && problem.gluing === 0) return scheduler;
  return movedSteps(scheduler, slopes.predict, (original) => {
    const decoded = decode(original);
    const towards = towardsMeasured(problem, decoded.prediction);
    if (problem.gluing === 0) return decoded.transposed(towards);
    const encoded = encode(glue.glued(decoded.prediction));
    const apart = scale(unit(subtract(encoded.prediction, original)), problem.gluing);
    // −∇ of the second norm is Jᵀ of ẑ₀ − E(…), applied to what leads from ẑ₀ to the encoded latents.
    const through = glue.transposed(encoded.transposed(scale(apart, -1)));
    return add(apart, decoded.transposed(add(towards, through)));
  });
}

/** x → A⁺y + (I − A⁺A) x, and v → (I − A⁺A)ᵀ v. */
function glueing({ measurement, measured }: InverseProblem, size: Size) {
  const [, , height = 1, width = 1] = measured.shape;
  const pixelsPerValue = (size[0] * size[1]) / (height * width);
  const back = (y: Tensor): Tensor => scale(measureBack(measurement, y, size), pixelsPerValue);
  const given = back(measured);
  // A⁺A is f² AᵀA, which is its own transpose.
  const transposed = (v: Tensor): Tensor => subtract(v, back(measure(measurement, v)));
  return { glued: (x: Tensor): Tensor => add(transposed(x), given), transposed };
}
