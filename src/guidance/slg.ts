/**
 * Skip-layer guidance (Stability AI 2024, for Stable Diffusion 3.5; spatiotemporal skip guidance, arXiv 2411.18664).
 */
import type { PerSample } from '../tensor/arithmetic.ts';
import { checkOptions, optional, type Checks } from '../tensor/checks.ts';
import { skip } from '../nn/attention-perturbations/index.ts';
import { awayFrom } from './away.ts';
import { perturbed, type Guidance } from './guidance.ts';
import { checkLayers, layerNames } from './layers.ts';
import { aScale } from './scales.ts';

/** How strongly SLG pushes, and what it leaves out. */
export interface SlgOptions {
  /** s; 0 switches SLG off. */
  readonly slgScale: PerSample;
  /** The self-attention layers that are skipped, at least one unless s = 0. */
  readonly layers: readonly string[];
  /** g of classifier-free guidance; 1 is without. */
  readonly guidanceScale?: PerSample;
}

const checks: Checks<SlgOptions> = { slgScale: aScale, layers: layerNames, guidanceScale: optional(aScale) };

/**
 * ε̃ = ε(∅) + g (ε(c) − ε(∅)) + s (ε(c) − ε̂(c)), where the perturbed pass leaves whole attention layers out.
 * @throws InputError when an option is unknown, a scale not finite, or there is no layer although s is not 0
 */
export function slg(options: SlgOptions): Guidance {
  checkOptions('slg', options, checks);
  const { slgScale, layers, guidanceScale = 1 } = options;
  checkLayers(layers, 'slgScale', slgScale);
  return awayFrom({ name: 'slg', guidanceScale, scaleAt: () => slgScale, perturbed: perturbed(layers, skip) });
}
