/** Classifier guidance (Dhariwal & Nichol 2021, arXiv 2105.05233), from which PAG's paper sets out. */
import type { PerSample } from '../tensor/arithmetic.ts';
import { aFunction, checkOptions, oneOf, optional, type Checks } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Guidance, GuidanceStep } from './guidance.ts';
import { none } from './none.ts';
import { cfgPag, type PagOptions } from './pag.ts';
import { aScale, isAll, mapScale, push } from './scales.ts';

/**
 * ∇ log p(y|x_t) of the pictures at a step, [B,C,H,W]: `classSlope` makes one of a noise-aware classifier and labels,
 * `throughModel` of one that sees whole pictures.
 */
export type SlopeAt = (step: GuidanceStep) => Tensor;

/** How strongly a classifier pulls, and in which form. */
export interface ClassifierOptions {
  /** s, any finite number; 0 is without. */
  readonly classifierScale: PerSample;
  /** Of the classifier; not asked where s = 0. */
  readonly slopeAt: SlopeAt;
  /** `ddim` unless given. */
  readonly form?: ClassifierForm;
}

/**
 * What the slope is added to.
 * - `ddim`: the prediction, ε̂ = ε − s √(1−ᾱ) ∇ log p(y|x_t) (algorithm 2). For every scheduler and model: ε and x̂₀ of
 *   other predictions go the same way.
 * - `ddpm`: the mean of the scheduler's step, μ + s Σ ∇ log p(y|x_t) (algorithm 1), Σ being the variance of the noise
 *   that the step adds. For schedulers that add some.
 */
export type ClassifierForm = 'ddim' | 'ddpm';

/** The forms that there are. */
export const classifierForms: readonly ClassifierForm[] = ['ddim', 'ddpm'];

/** How strongly a classifier of whole pictures pulls: on the prediction. */
export type UniversalOptions = Omit<ClassifierOptions, 'form'>;

const universalChecks: Checks<UniversalOptions> = {
  classifierScale: aScale,
  slopeAt: aFunction('a function of a step, as classSlope(classifier, backend, labels) or throughModel(…) makes it'),
};

const checks: Checks<ClassifierOptions> = {
  ...universalChecks,
  form: optional(oneOf(classifierForms)),
};

/**
 * Towards the pictures that a classifier takes for what is asked.
 * @throws InputError when an option is unknown, the scale not finite, or the form none; (a step in the
 *   `ddim` form) where there is noise alone
 */
export function classifier(options: ClassifierOptions): Guidance {
  checkOptions('classifier', options, checks);
  return { ...towardsClass(none, options), name: 'classifier' };
}

/**
 * Classifier guidance and PAG together: each step goes both ways.
 * @throws InputError as `classifier` and `pag`
 */
export function classifierPag(options: ClassifierOptions, pagOptions: PagOptions): Guidance {
  checkOptions('classifierPag', options, checks);
  return { ...towardsClass(cfgPag(1, pagOptions), options), name: 'classifier+pag' };
}

/**
 * Universal guidance: towards the pictures of which a classifier that knows no noise says what is asked.
 * @param options `slopeAt` as `throughModel(slopeAt, pulling)` makes it
 * @throws InputError as `classifier`
 */
export function universal(options: UniversalOptions): Guidance {
  checkOptions('universal', options, universalChecks);
  return { ...towardsClass(none, options), name: 'universal' };
}

/**
 * Universal guidance and PAG together.
 * @throws InputError as `universal` and `pag`
 */
export function universalPag(options: UniversalOptions, pagOptions: PagOptions): Guidance {
  checkOptions('universalPag', options, universalChecks);
  return { ...towardsClass(cfgPag(1, pagOptions), options), name: 'universal+pag' };
}

function towardsClass(guidance: Guidance, { classifierScale, slopeAt, form = 'ddim' }: ClassifierOptions): Guidance {
  if (isAll(classifierScale, 0)) return guidance;
  if (form === 'ddpm')
    return { ...guidance, meanShift: (step) => ({ scale: classifierScale, direction: slopeAt(step) }) };
  return {
    ...guidance,
    guide(step) {
      const guided = guidance.guide(step);
      // A whole picture, with which an inverse scheduler begins: the limit of σ to 0 is no pull.
      if (step.noise === 0) return guided;
      if (step.signal === 0) throw withoutLimit(step);
      const factor = predictionPerSlope(step);
      return push(
        guided,
        mapScale(classifierScale, (s) => s * factor),
        slopeAt(step),
      );
    },
  };
}

function withoutLimit({ index, timestep }: GuidanceStep): InputError {
  return new InputError(
    `step ${index} (timestep ${timestep}) begins with noise alone, where what a classifier pulls with has no limit; ` +
      'give a guidanceStart above 0, or a scheduler without rescale_betas_zero_snr',
  );
}

/**
 * By how much a prediction changes with the slope of log p(x_t): for ε it is −σ_t, −√(1−ᾱ) where variance is kept. In
 * general x̂₀ = (x_t + σ² ∇ log p(x_t))/α (Tweedie), and p follows from x̂₀.
 */
function predictionPerSlope({ signal, noise, originalPerPrediction }: GuidanceStep): number {
  return (noise * noise) / signal / originalPerPrediction;
}
