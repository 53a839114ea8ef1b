/** What a run is made of. Its parts must be what they are called, and its numbers stay finite: each step sees to it. */
import { aGuidance, type Guidance, type GuidanceStep } from '../guidance/guidance.ts';
import { aScheduler, type NoiseSource, type Scheduler } from '../schedulers/scheduler.ts';
import {
  aFunction,
  areFinite,
  checkParts,
  checkTensor,
  isTensor,
  mustBe,
  optional,
  type Checks,
} from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { aDenoiser, type Denoiser } from './denoiser.ts';

/** What a run is made of. */
export interface SamplingRun {
  /** The model. */
  readonly denoiser: Denoiser;
  /** How its predictions are combined; `none` takes them as they are. */
  readonly guidance: Guidance;
  /** From which noise level to which the steps go. */
  readonly scheduler: Scheduler;
  /** Standard normal noise, [B,C,H,W], in the precision of the run, which is that of the model. */
  readonly noise: Tensor;
  /**
   * What the run begins with instead of the noise alone, like it in shape and precision: the picture that
   * `noisedPicture` has noised to the level of the first call.
   */
  readonly start?: Tensor;
  /** Where schedulers that add noise draw it, in the same precision. */
  readonly noiseSource: NoiseSource;
}

const checks: Checks<SamplingRun> = {
  denoiser: aDenoiser,
  guidance: aGuidance,
  scheduler: aScheduler,
  noise: mustBe('a tensor [B,C,H,W], as manualSeed(0).randn([1, 3, 32, 32])', isTensor),
  start: optional(mustBe('a tensor [B,C,H,W], as noisedPicture(…) gives it', isTensor)),
  noiseSource: aFunction('a function of a shape, as manualSeed(0).randn'),
};

/** @throws InputError when a part of the run is missing, or of another kind */
export function checkRun(run: SamplingRun): void {
  checkParts('a run', run, checks);
}

/**
 * The same guidance, which refuses predictions that are not finite, and must itself give a tensor that is.
 * @throws InputError (its `guide`) naming the step
 */
export function watched(guidance: Guidance): Guidance {
  return {
    ...guidance,
    guide(step) {
      const guided = guidance.guide({
        ...step,
        predict(passes) {
          const predictions = step.predict(passes);
          for (const { data } of predictions) {
            if (areFinite(data)) continue;
            throw new InputError(
              `at step ${step.index} (timestep ${step.timestep}) the model predicts numbers that are not finite; ` +
                'look at its weights, or compute in a wider dtype',
            );
          }
          return predictions;
        },
      });
      checkTensor(`what the guidance "${guidance.name}" gives`, guided);
      checkStep(step, guided);
      return guided;
    },
  };
}

/** @throws InputError, naming the step, for numbers that are not finite */
export function checkStep({ index, timestep }: Pick<GuidanceStep, 'index' | 'timestep'>, { data }: Tensor): void {
  if (areFinite(data)) return;
  throw new InputError(
    `step ${index} (timestep ${timestep}) gave numbers that are not finite; ` +
      'a smaller scale or a wider dtype may help',
  );
}
