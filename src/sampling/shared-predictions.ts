/** What a model has predicted for the passes of a guidance need not be computed again on the way to its slope. */
import { conditional } from '../guidance/guidance.ts';
import { samePass } from '../guidance/same-pass.ts';
import { aModelSlope, type ModelSlope } from '../models/slope.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { aDenoiser, type Denoiser, type Prediction } from './denoiser.ts';

/**
 * A denoiser and the slope of its model, of which the second knows what the first has said: the unperturbed
 * conditional prediction of the last picture. The same bits: a pass is what it is, whatever it runs beside.
 * @param slopeAt of the denoiser's main model, for the condition that its passes call `given`
 * @throws InputError for what is no denoiser or no slope
 */
export function sharedPredictions(
  denoiser: Denoiser,
  slopeAt: ModelSlope,
): { readonly denoiser: Denoiser; readonly slopeAt: ModelSlope } {
  aDenoiser('the denoiser', denoiser);
  aModelSlope('slopeAt', slopeAt);
  let last: { readonly sample: Tensor; readonly timestep: number; readonly output: Tensor } | undefined;
  const remember = (sample: Tensor, timestep: number, found: Prediction | undefined): void => {
    if (found) last = { sample, timestep, output: found.output };
  };
  return {
    denoiser: {
      predict(sample, timestep, passes) {
        const predictions = denoiser.predict(sample, timestep, passes);
        remember(sample, timestep, predictions[passes.findIndex((pass) => samePass(pass, conditional))]);
        return predictions;
      },
    },
    slopeAt(sample, timestep, prediction) {
      const isLast = last?.sample === sample && last.timestep === timestep;
      return slopeAt(sample, timestep, prediction ?? (isLast ? last?.output : undefined));
    },
  };
}
