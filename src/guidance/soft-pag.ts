/** SoftPAG (Ahn et al. 2025, "Where and How to Perturb", arXiv 2506.10978). */
import { softIdentity } from '../nn/attention-perturbations/index.ts';
import type { PerSample } from '../tensor/arithmetic.ts';
import { checkOptions, optional, type Checks } from '../tensor/checks.ts';
import type { Guidance } from './guidance.ts';
import { cfgPag, pagChecks, type PagOptions } from './pag.ts';
import { aScale } from './scales.ts';

/** λ of all heads, or of each head. */
export type HeadLambda = number | readonly number[];

/** How strongly SoftPAG pushes, and how far it perturbs. */
export interface SoftPagOptions extends Omit<PagOptions, 'mixer'> {
  /** λ in [0, 1]: 0 leaves a head as it is, 1 perturbs it as PAG does. A function gives each layer its own. */
  readonly lambda: HeadLambda | ((layer: string) => HeadLambda);
  /** g of classifier-free guidance; 1 is without. */
  readonly guidanceScale?: PerSample;
}

const { mixer: _identity, ...common } = pagChecks;
// What a λ may be, its mixer says, also of those that a function gives.
const checks: Checks<SoftPagOptions> = { ...common, lambda: () => {}, guidanceScale: optional(aScale) };

/**
 * PAG whose perturbed map lies between attention and the identity, A ← (1 − λ) A + λ I, for each head as far as one
 * likes.
 * @throws InputError when an option is unknown, a λ outside [0, 1], there is none, or as `cfgPag` does; at a step, when
 *   the λ are not as many as the heads
 */
export function softPag(options: SoftPagOptions): Guidance {
  checkOptions('softPag', options, checks);
  const { lambda, guidanceScale = 1, ...others } = options;
  const lambdaOf = typeof lambda === 'function' ? lambda : () => lambda;
  return {
    ...cfgPag(guidanceScale, { ...others, mixer: (layer) => softIdentity(lambdaOf(layer)) }),
    name: 'soft-pag',
  };
}
