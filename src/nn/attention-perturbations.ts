/**
 * What may take the place of softmax attention in the perturbed pass: the identity, which is PAG, and beside it the
 * other perturbations of the paper's ablation (PAG, section 6.3) and of the guidances that came after it.
 */
export { identity } from './attention-perturbations/identity.ts';
export { offDiagonalMask, randomMask } from './attention-perturbations/masks.ts';
export { additiveNoise } from './attention-perturbations/additive-noise.ts';
export { queryBlur } from './attention-perturbations/query-blur.ts';
export { uniform } from './attention-perturbations/uniform.ts';
export { skip } from './attention-perturbations/skip.ts';
export { softIdentity } from './attention-perturbations/soft-identity.ts';
