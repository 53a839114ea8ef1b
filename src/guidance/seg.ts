/** Smoothed Energy Guidance (Hong 2024, arXiv 2408.00760). */
import type { PerSample } from '../tensor/arithmetic.ts';
import { checkOptions, number, optional, type Checks } from '../tensor/checks.ts';
import { queryBlur } from '../nn/attention-perturbations/index.ts';
import { awayFrom } from './away.ts';
import { perturbed, type Guidance } from './guidance.ts';
import { checkLayers, layerNames } from './layers.ts';
import { aScale } from './scales.ts';

/** How strongly SEG pushes, and what it blurs how far. */
export interface SegOptions {
  /** s; 0 switches SEG off. */
  readonly segScale: PerSample;
  /** σ of the blur in tokens; 0 switches SEG off, above 9999 every query is the mean of all. */
  readonly blurSigma: number;
  /** The self-attention layers whose queries are blurred, at least one unless s = 0. */
  readonly layers: readonly string[];
  /** g of classifier-free guidance; 1 is without. */
  readonly guidanceScale?: PerSample;
}

const checks: Checks<SegOptions> = {
  segScale: aScale,
  blurSigma: number,
  layers: layerNames,
  guidanceScale: optional(aScale),
};

/**
 * ε̃ = ε(∅) + g (ε(c) − ε(∅)) + s (ε(c) − ε̂(c)), where the queries of the perturbed pass are blurred over the token
 * grid: its energy landscape is smoother.
 * @throws InputError when an option is unknown, a scale not finite, σ negative or no number, or there is no layer
 *   although s is not 0
 */
export function seg(options: SegOptions): Guidance {
  checkOptions('seg', options, checks);
  const { segScale, blurSigma, layers, guidanceScale = 1 } = options;
  checkLayers(layers, 'segScale', segScale);
  return awayFrom({
    name: 'seg',
    guidanceScale,
    scaleAt: () => segScale,
    perturbed: perturbed(layers, queryBlur(blurSigma)),
  });
}
