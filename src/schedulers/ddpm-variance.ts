/** The noise of a step of DDPM: its variance, fixed or learned (`diffusers.DDPMScheduler`, `_get_variance`). */
import { add, mapElements, multiply, scale } from '../tensor/arithmetic.ts';
import { InputError } from '../tensor/errors.ts';
import { exp, log } from '../tensor/math/index.ts';
import { allocate, sameShape, tensor, type Tensor } from '../tensor/tensor.ts';
import type { AlphaStep } from './alpha-levels.ts';
import type { Options } from './options.ts';
import { f32, oneMinus, root } from './single.ts';

/** The values of variance_type. */
export const varianceTypes = [
  'fixed_small',
  'fixed_small_log',
  'fixed_large',
  'fixed_large_log',
  'learned',
  'learned_range',
] as const;
/**
 * `fixed_small` is β̃, `fixed_large` β (each `_log` the same by its logarithm), `learned` what the model says,
 * `learned_range` between β̃ and β, as it says.
 */
export type VarianceType = (typeof varianceTypes)[number];

/** Reads variance_type. @throws InputError for one that is not known */
export function readVariance(options: Options): VarianceType {
  return options.choice('variance_type', varianceTypes, 'fixed_small');
}

/** Refuses a step without noise, whose ln β is not finite, where the variance is learned between β̃ and β. */
export function checkVariance(type: VarianceType, settings: string, steps: readonly AlphaStep[]): void {
  const still = steps.find(({ alpha, next }) => oneMinus(f32(alpha / next)) === 0);
  if (type === 'learned_range' && still)
    throw new InputError(
      `DDPMScheduler: with ${settings} the step from timestep ${still.t} has β = 0, and variance_type ` +
        '"learned_range" takes its logarithm; take fewer steps, or make β larger',
    );
}

/**
 * √variance · z, with β = 1 − ᾱ/ᾱ' and β̃ = β (1−ᾱ')/(1−ᾱ) (Ho et al. 2020, arXiv 2006.11239, section 3.2); learned
 * between the two: ln variance = f ln β + (1 − f) ln β̃ (Nichol & Dhariwal 2021, arXiv 2102.09672, eq. 15).
 * @param alpha ᾱ of x, from 0 to 1, float32
 * @param next ᾱ' of x', above ᾱ
 * @param z standard normal, [B,C,H,W]
 * @param predicted what the model says of the variance, [B,C,H,W]: itself, or 2f − 1
 * @throws InputError where the variance is to be learned and the model predicts none
 */
export function kickOf(type: VarianceType, alpha: number, next: number, z: Tensor, predicted?: Tensor): Tensor {
  const beta = oneMinus(f32(alpha / next));
  const smallest = Math.max(f32(f32(oneMinus(next) / oneMinus(alpha)) * beta), f32(1e-20));
  switch (type) {
    case 'fixed_small':
      return scale(z, root(smallest));
    case 'fixed_small_log':
      return scale(z, f32(exp(f32(0.5 * f32(log(smallest))))));
    case 'fixed_large':
    // β by its logarithm. diffusers forgets to take it back, and its root of ln β is not a number for any β below 1.
    case 'fixed_large_log':
      return scale(z, root(beta));
    case 'learned':
      return multiply(mapElements(required(predicted, type), Math.sqrt), z);
    case 'learned_range': {
      const fraction = mapElements(required(predicted, type), (value) => (value + 1) / 2);
      const rest = mapElements(fraction, (value) => 1 - value);
      const logarithm = add(scale(fraction, f32(log(beta))), scale(rest, f32(log(smallest))));
      return multiply(mapElements(scale(logarithm, 0.5), exp), z);
    }
  }
}

function required(predicted: Tensor | undefined, type: VarianceType): Tensor {
  if (!predicted) {
    throw new InputError(
      `DDPMScheduler: variance_type "${type}" needs a model that predicts a variance: ` +
        'with twice as many channels out as in',
    );
  }
  return predicted;
}

/**
 * The prediction, and the variance that a model with twice the channels of the sample predicts behind it.
 * @param output [B,C,H,W] or [B,2C,H,W], the sample being [B,C,H,W]
 */
export function splitVariance(output: Tensor, sample: Tensor): { output: Tensor; variance?: Tensor } {
  if (sameShape(output.shape, sample.shape)) return { output };
  const [batch = 1] = sample.shape;
  const size = sample.data.length / batch;
  const half = (part: 0 | 1): Tensor => {
    const data = allocate(output.dtype, sample.data.length);
    for (let b = 0; b < batch; b++)
      data.set(output.data.subarray((2 * b + part) * size, (2 * b + part + 1) * size), b * size);
    return tensor(output.dtype, sample.shape, data);
  };
  return { output: half(0), variance: half(1) };
}
