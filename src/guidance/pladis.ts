/** PLADIS: sparse attention to the text (Kim & Sim 2025, arXiv 2503.07677). */
import type { EntmaxAlpha } from '../kernels/kernels.ts';
import { checkOptions, finite, mustBe, optional, type Checks } from '../tensor/checks.ts';
import { sparseAttention } from '../nn/attention-perturbations/index.ts';
import { onEveryPass } from './every-pass.ts';
import { aGuidance, type Guidance } from './guidance.ts';
import { checkLayers, layerNames } from './layers.ts';
import { none } from './none.ts';

/** How far PLADIS goes beyond sparse attention, and how sparse that is. */
export interface PladisOptions {
  /** λ; 0 switches PLADIS off, 1 is sparse attention alone. */
  readonly pladisScale: number;
  /** α of α-entmax: 1.5 unless given, or 2, which is sparsemax. */
  readonly pladisAlpha?: EntmaxAlpha;
  /** The cross-attention layers, at least one unless λ = 0: paths, or selectors as `cross` (all) and `cross:mid`. */
  readonly layers: readonly string[];
}

const checks: Checks<PladisOptions> = {
  pladisScale: finite(),
  pladisAlpha: optional(mustBe('1.5 or 2', (alpha) => alpha === 1.5 || alpha === 2)),
  layers: layerNames,
};

/**
 * `guidance`, in all of whose passes the pixels read the text with λ α-entmax(Q Kᵀ/√d) + (1 − λ) softmax(Q Kᵀ/√d): the
 * words that matter little do not count at all.
 * @throws InputError when an option is unknown or out of range, or there is no layer although λ is not 0; at a step,
 *   when the model has no cross-attention
 */
export function pladis(options: PladisOptions, guidance: Guidance = none): Guidance {
  checkOptions('pladis', options, checks);
  aGuidance('the guidance', guidance);
  const { pladisScale, pladisAlpha = 1.5, layers } = options;
  checkLayers(layers, 'pladisScale', pladisScale);
  if (pladisScale === 0) return { ...guidance, name: 'pladis' };
  return onEveryPass(guidance, {
    name: 'pladis',
    layers,
    mixer: sparseAttention({ scale: pladisScale, alpha: pladisAlpha }),
    concerns: () => true,
  });
}
