/** Perturbed-Attention Guidance (Ahn et al., ECCV 2024, arXiv 2403.17377). */
import { add, scale, subtract } from '../tensor/arithmetic.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { identity } from '../nn/attention-perturbations.ts';
import type { AttentionMixer } from '../nn/attention.ts';
import { conditional, perturbed, predictOne, unconditional, type Guidance, type GuidanceStep } from './guidance.ts';

export interface PagOptions {
  /** s; 0 switches PAG off. The authors' code has a `guide_scale`, which is s + 1. */
  readonly pagScale: number;
  /** a: s falls with time, s(t) = max(0, s − a (1000 − t)), as in diffusers' `pag_adaptive_scale`. 0: it does not. */
  readonly pagAdaptiveScale?: number;
  /** The paths of the self-attention layers that are perturbed. */
  readonly layers: readonly string[];
  /** What takes the place of their attention: the identity, unless an ablation says otherwise. */
  readonly mixer?: AttentionMixer;
}

/** ε̃ = ε(c) + s (ε(c) − ε̂(c)): away from what the model draws when its pixels cannot see one another (eq. 15). */
export function pag(options: PagOptions): Guidance {
  const spoilt = perturbed(options.layers, options.mixer ?? identity);
  return {
    name: 'pag',
    guide(step) {
      const s = pagScaleAt(options, step);
      if (s === 0) return predictOne(step, conditional);
      const [epsilon, epsilonHat] = step.predict([conditional, spoilt]) as [Tensor, Tensor];
      return add(epsilon, scale(subtract(epsilon, epsilonHat), s));
    },
  };
}

/** ε̃ = ε(∅) + g (ε(c) − ε(∅)) + s (ε(c) − ε̂(c)): classifier-free guidance and PAG, together (appendix of the paper; diffusers). */
export function cfgPag(guidanceScale: number, options: PagOptions): Guidance {
  const spoilt = perturbed(options.layers, options.mixer ?? identity);
  return {
    name: 'cfg+pag',
    guide(step) {
      const s = pagScaleAt(options, step);
      if (guidanceScale === 1) return pag(options).guide(step);
      const passes = s === 0 ? [conditional, unconditional] : [conditional, unconditional, spoilt];
      const [given, nothing, epsilonHat] = step.predict(passes) as [Tensor, Tensor, Tensor?];
      const guided = add(nothing, scale(subtract(given, nothing), guidanceScale));
      return epsilonHat ? add(guided, scale(subtract(given, epsilonHat), s)) : guided;
    },
  };
}

/** s at the timestep of this step; 0 when no layer is selected. */
export function pagScaleAt({ pagScale, pagAdaptiveScale = 0, layers }: PagOptions, step: GuidanceStep): number {
  if (layers.length === 0) return 0;
  return pagAdaptiveScale === 0 ? pagScale : Math.max(0, pagScale - pagAdaptiveScale * (1000 - step.timestep));
}
