/** Perturbed-Attention Guidance (Ahn et al., ECCV 2024, arXiv 2403.17377). */
import type { PerSample } from '../tensor/arithmetic.ts';
import { identity } from '../nn/attention-perturbations/index.ts';
import { awayFrom } from './away.ts';
import { perturbed, type Guidance, type GuidanceStep, type MixerChoice } from './guidance.ts';
import { checkScale, mapScale } from './scales.ts';

export interface PagOptions {
  /** s; 0 switches PAG off. The authors' code has a `guide_scale`, which is s + 1. */
  readonly pagScale: PerSample;
  /** a ≥ 0: s falls as the picture gets clearer. 0: it does not. */
  readonly pagAdaptiveScale?: number;
  /** How it falls with the timestep t (of 1000). */
  readonly pagAdaptiveRule?: AdaptiveRule;
  /** The paths of the self-attention layers that are perturbed. Without any, PAG is off. */
  readonly layers: readonly string[];
  /** What takes the place of their attention: the identity, unless an ablation says otherwise. */
  readonly mixer?: MixerChoice;
}

/**
 * - `diffusers`: s(t) = max(0, s − a (1000 − t)). In the units of s: with s = 3, a = 0.2 switches PAG off below t =
 *   985.
 * - `comfyui`, the rule of pamparamm's node: s(t) = max(0, s − s a⁴ (1000 − t)). Relative to s, and gentler for small
 *   a.
 */
export type AdaptiveRule = 'diffusers' | 'comfyui';

/** ε̃ = ε(c) + s (ε(c) − ε̂(c)): away from what the model draws when its pixels cannot see one another (eq. 15). */
export function pag(options: PagOptions): Guidance {
  return { ...cfgPag(1, options), name: 'pag' };
}

/**
 * ε̃ = ε(∅) + g (ε(c) − ε(∅)) + s (ε(c) − ε̂(c)): classifier-free guidance and PAG, together (appendix of the paper;
 * diffusers). Throws an InputError when a scale is not finite or the adaptive scale is negative.
 */
export function cfgPag(guidanceScale: PerSample, options: PagOptions): Guidance {
  checkScale('pagScale', options.pagScale);
  checkScale('pagAdaptiveScale', options.pagAdaptiveScale ?? 0, 0);
  return awayFrom({
    name: 'cfg+pag',
    guidanceScale,
    scaleAt: (step) => pagScaleAt(options, step),
    perturbed: perturbed(options.layers, options.mixer ?? identity),
  });
}

/** s at the timestep of this step; 0 when no layer is selected. */
export function pagScaleAt(options: PagOptions, { timestep }: Pick<GuidanceStep, 'timestep'>): PerSample {
  const { pagScale, pagAdaptiveScale: a = 0, pagAdaptiveRule = 'diffusers', layers } = options;
  if (layers.length === 0) return 0;
  if (a === 0) return pagScale;
  return mapScale(pagScale, (s) =>
    Math.max(0, s - (pagAdaptiveRule === 'diffusers' ? a : s * a ** 4) * (1000 - timestep)),
  );
}
