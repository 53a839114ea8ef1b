/**
 * What may take the place of softmax attention in the perturbed pass: the identity, which is PAG, and beside it the
 * other perturbations of the paper's ablation (PAG, section 6.3) and of the guidances that came after it.
 */
export { identity } from './identity.ts';
export { offDiagonalMask, randomMask, type RandomMaskOptions } from './masks.ts';
export { additiveNoise, type AdditiveNoiseOptions } from './additive-noise.ts';
export { queryBlur } from './query-blur.ts';
export { uniform } from './uniform.ts';
export { skip } from './skip.ts';
export { tokenShuffle } from './token-shuffle.ts';
export { sparseAttention, type SparseAttentionOptions } from './sparse-attention.ts';
export { normalizedAttention, type NormalizedAttentionOptions } from './normalized-attention.ts';
export { softIdentity } from './soft-identity.ts';
