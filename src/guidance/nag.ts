/** Normalised attention guidance (Chen et al. 2025, arXiv 2505.21179). */
import { checkOptions, finite, optional, type Checks } from '../tensor/checks.ts';
import { normalizedAttention } from '../nn/attention-perturbations/index.ts';
import { onEveryPass } from './every-pass.ts';
import { aGuidance, type Guidance } from './guidance.ts';
import { checkLayers, layerNames } from './layers.ts';
import { none } from './none.ts';

/** How far NAG goes away from the other text, and how that is held back. */
export interface NagOptions {
  /** φ; 0 switches NAG off. (The authors' code has a `nag_scale`, which is φ + 1.) */
  readonly nagScale: number;
  /** τ ≥ 0: how many times as long as without guidance a token may be; the authors' 2.5 unless given. */
  readonly nagTau?: number;
  /** α in [0, 1]: the share of the guided tokens in the result, 0 switches NAG off; the authors' 0.25 unless given. */
  readonly nagAlpha?: number;
  /** The cross-attention layers, at least one unless φ = 0: paths, or selectors as `cross` (all) and `cross:mid`. */
  readonly layers: readonly string[];
}

const checks: Checks<NagOptions> = {
  nagScale: finite(),
  nagTau: optional(finite(0)),
  nagAlpha: optional(finite(0, 1)),
  layers: layerNames,
};

/**
 * `guidance` of ε_NAG(c) in the place of ε(c): in cross-attention Z̃ = Z + φ (Z − Z⁻), cut token by token to τ ‖Z‖₁,
 * then α Z̃ + (1 − α) Z, where Z is what the pixels read of the text and Z⁻ what they read of the other one, that of
 * the condition `null`. Every pass that is given the text is one of NAG, also those that `guidance` perturbs besides.
 * @throws InputError when an option is unknown or out of range, or there is no layer although φ is not 0; at a step,
 *   when the model has no cross-attention, or the conditions no text
 */
export function nag(options: NagOptions, guidance: Guidance = none): Guidance {
  checkOptions('nag', options, checks);
  aGuidance('the guidance', guidance);
  const { nagScale, nagTau = 2.5, nagAlpha = 0.25, layers } = options;
  checkLayers(layers, 'nagScale', nagScale);
  if (nagScale === 0 || nagAlpha === 0) return { ...guidance, name: 'nag' };
  return onEveryPass(guidance, {
    name: 'nag',
    layers,
    mixer: normalizedAttention({ scale: nagScale, tau: nagTau, alpha: nagAlpha }),
    concerns: ({ condition }) => condition === 'given',
    against: 'null',
  });
}
