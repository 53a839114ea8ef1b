/** Token Perturbation Guidance (Rajabi et al. 2025, arXiv 2506.10036). */
import type { PerSample } from '../tensor/arithmetic.ts';
import { checkOptions, optional, whole, type Checks } from '../tensor/checks.ts';
import { tokenShuffle } from '../nn/attention-perturbations/index.ts';
import { awayFrom } from './away.ts';
import { perturbed, type Guidance } from './guidance.ts';
import { checkLayers, layerNames } from './layers.ts';
import { aScale } from './scales.ts';

/** How strongly TPG pushes, and before which layers it shuffles the tokens how. */
export interface TpgOptions {
  /** s; 0 switches TPG off. */
  readonly tpgScale: PerSample;
  /** The self-attention layers before which the tokens are shuffled, at least one unless s = 0. */
  readonly layers: readonly string[];
  /** The seed of the first layer's order; each further layer has the next. 0 unless given. */
  readonly seed?: number;
  /** g of classifier-free guidance; 1 is without. */
  readonly guidanceScale?: PerSample;
}

const checks: Checks<TpgOptions> = {
  tpgScale: aScale,
  layers: layerNames,
  seed: optional(whole(0)),
  guidanceScale: optional(aScale),
};

/**
 * ε̃ = ε(∅) + g (ε(c) − ε(∅)) + s (ε(c) − ε̂(c)), where the perturbed pass puts the tokens in a random order before
 * each of the layers, x ← P x. In a transformer the whole block is behind that, as in the authors' code.
 * @throws InputError when an option is unknown, a scale not finite, the seed no whole number of at least 0, or there is
 *   no layer although s is not 0
 */
export function tpg(options: TpgOptions): Guidance {
  checkOptions('tpg', options, checks);
  const { tpgScale, layers, seed = 0, guidanceScale = 1 } = options;
  checkLayers(layers, 'tpgScale', tpgScale);
  return awayFrom({
    name: 'tpg',
    guidanceScale,
    scaleAt: () => tpgScale,
    perturbed: perturbed(layers, (_layer, i) => tokenShuffle(seed + i)),
  });
}
