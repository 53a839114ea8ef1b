/** The attention of normalised attention guidance (Chen et al. 2025, arXiv 2505.21179): away from another text. */
import { checkOptions, finite, type Checks } from '../../tensor/checks.ts';
import { InputError } from '../../tensor/errors.ts';
import type { AttentionMixer } from '../attention.ts';

/** How far away it goes, and how that is held back. */
export interface NormalizedAttentionOptions {
  /** φ, any finite number; 0 is attention to the text alone. (The authors' code has a `nag_scale`, which is φ + 1.) */
  readonly scale: number;
  /** τ ≥ 0: how many times as long as without guidance a token may be, in the L1 norm. */
  readonly tau: number;
  /** α in [0, 1]: the share of the guided tokens in the result. */
  readonly alpha: number;
}

const checks: Checks<NormalizedAttentionOptions> = { scale: finite(), tau: finite(0), alpha: finite(0, 1) };

/**
 * Z = SA(Q, K, V) of the text, Z⁻ that of the other text; Z̃ = Z + φ (Z − Z⁻), cut token by token to τ ‖Z‖₁, all heads
 * together; α Z̃ + (1 − α) Z (algorithm 1). In cross-attention, before the projection out.
 * @throws InputError when an option is unknown or out of range; when it runs, where no other text is given
 */
export function normalizedAttention(options: NormalizedAttentionOptions): AttentionMixer {
  checkOptions('normalizedAttention', options, checks);
  const { scale: phi, tau, alpha } = options;
  return {
    key: `normalized-attention(${phi},${tau},${alpha})`,
    site: 'cross',
    mix({ kernels, query, key, value, other, heads, scale }) {
      if (!other) {
        throw new InputError('normalised attention goes away from a text, but the model is given none beside its own');
      }
      const given = kernels.attention(query(), key(), value, heads, scale);
      const worse = kernels.attention(query(), other.key(), other.value(), heads, scale);
      const away = kernels.add(given, kernels.affine(kernels.subtract(given, worse), phi, 0));
      const cut = kernels.limitNorm(away, given, tau);
      return kernels.add(kernels.affine(cut, alpha, 0), kernels.affine(given, 1 - alpha, 0));
    },
  };
}
