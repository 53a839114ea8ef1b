/** Perturbed-Attention Guidance (Ahn et al., ECCV 2024, arXiv 2403.17377). */
import type { PerSample } from '../tensor/arithmetic.ts';
import { checkOptions, checkParts, finite, oneOf, optional, type Checks } from '../tensor/checks.ts';
import { identity } from '../nn/attention-perturbations/index.ts';
import { awayFrom } from './away.ts';
import { aMixerChoice, perturbed, type Guidance, type GuidanceStep, type MixerChoice } from './guidance.ts';
import { checkLayers, layerNames } from './layers.ts';
import { aScale, mapScale } from './scales.ts';

/** How strongly PAG pushes, when, and away from what. */
export interface PagOptions {
  /** s, any finite number; 0 switches PAG off. The authors' code has a `guide_scale`, which is s + 1. */
  readonly pagScale: PerSample;
  /** a ≥ 0: s falls as the picture gets clearer. 0 (the default): it does not. */
  readonly pagAdaptiveScale?: number;
  /** How it falls with the timestep t, which is counted down from 1000; `diffusers` unless given. */
  readonly pagAdaptiveRule?: AdaptiveRule;
  /** The self-attention layers that are perturbed, at least one unless s = 0. */
  readonly layers: readonly string[];
  /** What takes the place of their attention: the identity, unless an ablation says otherwise. */
  readonly mixer?: MixerChoice;
}

/**
 * How an adaptive scale falls.
 * - `diffusers`: s(t) = max(0, s − a (1000 − t)). In the units of s: with s = 3, a = 0.2 switches PAG off below t =
 *   985.
 * - `comfyui`, the rule of pamparamm's node: s(t) = max(0, s − s a⁴ (1000 − t)). Relative to s, and gentler for small
 *   a.
 */
export type AdaptiveRule = 'diffusers' | 'comfyui';

/** What the options may be. */
export const pagChecks: Checks<PagOptions> = {
  pagScale: aScale,
  pagAdaptiveScale: optional(finite(0)),
  pagAdaptiveRule: optional(oneOf(['diffusers', 'comfyui'])),
  layers: layerNames,
  mixer: optional(aMixerChoice),
};

const { pagScale: scaleCheck, pagAdaptiveScale, pagAdaptiveRule } = pagChecks;
/** Of those that say how strong it is. */
const strengthChecks = { pagScale: scaleCheck, pagAdaptiveScale, pagAdaptiveRule };

/**
 * ε̃ = ε(c) + s (ε(c) − ε̂(c)): away from what the model draws when its pixels cannot see one another (eq. 15).
 * @throws InputError as `cfgPag` does
 */
export function pag(options: PagOptions): Guidance {
  checkOptions('pag', options, pagChecks);
  return { ...cfgPag(1, options), name: 'pag' };
}

/**
 * ε̃ = ε(∅) + g (ε(c) − ε(∅)) + s (ε(c) − ε̂(c)): classifier-free guidance and PAG, together (appendix of the paper;
 * diffusers).
 * @param guidanceScale g; 1 is without classifier-free guidance
 * @throws InputError when an option is unknown, a scale not finite, the adaptive scale negative, its rule unknown, or
 *   there is no layer although s is not 0
 */
export function cfgPag(guidanceScale: PerSample, options: PagOptions): Guidance {
  checkOptions('cfgPag', options, pagChecks);
  checkLayers(options.layers, 'pagScale', options.pagScale);
  return awayFrom({
    name: 'cfg+pag',
    guidanceScale,
    scaleAt: (step) => pagScaleAt(options, step),
    perturbed: perturbed(options.layers, options.mixer ?? identity),
  });
}

/** s at the timestep of this step. An adaptive scale never makes it negative: a negative s is then 0 throughout. */
export function pagScaleAt(
  options: Omit<PagOptions, 'layers' | 'mixer'>,
  step: Pick<GuidanceStep, 'timestep'>,
): PerSample {
  checkParts('pagScaleAt', options, strengthChecks);
  checkParts('the step', step, { timestep: finite() });
  const { pagScale, pagAdaptiveScale: a = 0, pagAdaptiveRule = 'diffusers' } = options;
  const { timestep } = step;
  if (a === 0) return pagScale;
  return mapScale(pagScale, (s) =>
    Math.max(0, s - (pagAdaptiveRule === 'diffusers' ? a : s * a ** 4) * (1000 - timestep)),
  );
}
