/** The attention of PLADIS (Kim & Sim 2025, arXiv 2503.07677): beyond its sparse counterpart. */
import type { EntmaxAlpha } from '../../kernels/kernels.ts';
import { checkOptions, finite, mustBe, type Checks } from '../../tensor/checks.ts';
import type { AttentionMixer } from '../attention.ts';

/** How far sparse attention is gone, and how sparse it is. */
export interface SparseAttentionOptions {
  /** λ, any finite number: 0 is softmax attention, 1 the sparse one, more goes beyond it. */
  readonly scale: number;
  /** α: 1.5, or 2, which is sparsemax. */
  readonly alpha: EntmaxAlpha;
}

const checks: Checks<SparseAttentionOptions> = {
  scale: finite(),
  alpha: mustBe('1.5 or 2', (alpha) => alpha === 1.5 || alpha === 2),
};

/**
 * (λ α-entmax(Q Kᵀ/√d) + (1 − λ) softmax(Q Kᵀ/√d)) V, in cross-attention.
 * @throws InputError when an option is unknown, λ not finite, or α neither 1.5 nor 2
 */
export function sparseAttention(options: SparseAttentionOptions): AttentionMixer {
  checkOptions('sparseAttention', options, checks);
  const { scale: lambda, alpha } = options;
  return {
    key: `sparse-attention(${lambda},${alpha})`,
    site: 'cross',
    mix({ kernels, query, key, value, heads, scale }) {
      const scores = kernels.attentionScores(query(), key(), heads, scale);
      const sparse = kernels.affine(kernels.entmax(scores, alpha), lambda, 0);
      const dense = kernels.affine(kernels.softmax(scores), 1 - lambda, 0);
      return kernels.applyAttentionMap(kernels.add(sparse, dense), value);
    },
  };
}
