/**
 * Saliency-adaptive noise fusion of classifier-free guidance and PAG, as pamparamm's ComfyUI node offers it for
 * rescaling. The idea, for two models, is Wang et al. 2023, arXiv 2311.10329.
 */
import { at } from '../tensor/at.ts';
import { add, mapElements, scale, subtract, type PerSample } from '../tensor/arithmetic.ts';
import { checkOptions, optional, type Checks } from '../tensor/checks.ts';
import { exp, log } from '../tensor/math/index.ts';
import { cast } from '../tensor/rounding.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { identity } from '../nn/attention-perturbations/index.ts';
import { cfg } from './cfg.ts';
import {
  aMixerChoice,
  conditional,
  perturbed,
  predictEach,
  unconditional,
  type Guidance,
  type MixerChoice,
} from './guidance.ts';
import { checkLayers, layerNames } from './layers.ts';
import { samePass } from './same-pass.ts';
import { aScale, extrapolate, isAll, keep, scalesFor } from './scales.ts';
import { blurred } from './separable.ts';

/** How strongly the two push that are fused, and what PAG perturbs. */
export interface SnfOptions {
  /** g of classifier-free guidance, which fusion needs: also g = 1 takes a pass without a condition. */
  readonly guidanceScale: PerSample;
  /** s of PAG; 0 is classifier-free guidance alone. */
  readonly pagScale: PerSample;
  /** The self-attention layers that are perturbed, at least one unless s = 0. */
  readonly layers: readonly string[];
  /** What takes the place of their attention: the identity, unless given. */
  readonly mixer?: MixerChoice;
}

const checks: Checks<SnfOptions> = {
  guidanceScale: aScale,
  pagScale: aScale,
  layers: layerNames,
  mixer: optional(aMixerChoice),
};

/**
 * T = g (ε(c) − ε(∅)), S = s (ε(c) − ε̂(c)); ε̃ = ε(∅) + (T where softmax(Ω_T) ≥ softmax(Ω_S), else S), Ω = blur(|·|),
 * a Gaussian of 3 × 3 pixels with σ = 1, softmax over the pixels of a channel: each element takes the term in whose
 * picture it stands out more, and not their sum. So s and g decide both how far and where.
 * @throws InputError when an option is unknown, a scale not finite, or there is no layer although s is not 0
 */
export function snf(options: SnfOptions): Guidance {
  checkOptions('snf', options, checks);
  const { guidanceScale, pagScale, layers, mixer = identity } = options;
  checkLayers(layers, 'pagScale', pagScale);
  const away = perturbed(layers, mixer);
  const plain = cfg(guidanceScale);
  return {
    name: 'snf',
    guide(step) {
      if (isAll(pagScale, 0) || samePass(away, conditional)) return plain.guide(step);
      const [given, nothing, worse] = predictEach(step, [conditional, unconditional, away]);
      const shares = scalesFor(pagScale, given);
      const text = scale(subtract(given, nothing), guidanceScale);
      const structure = scale(subtract(given, worse), shares);
      const fused = add(nothing, moreSalient(text, structure));
      return keep(extrapolate(nothing, given, guidanceScale), fused, (b) => shares[b] === 0);
    },
  };
}

/** Of each element that of a or of b whose share of its channel's saliency is larger; a's where they are equal. */
function moreSalient(a: Tensor, b: Tensor): Tensor {
  const [ofA, ofB] = [logSaliency(a), logSaliency(b)];
  return mapElements(a, (value, i) => (at(ofA, i) >= at(ofB, i) ? value : at(b.data, i)));
}

/** log softmax(blur(|x|)) over the pixels of each channel, in double precision. */
function logSaliency(x: Tensor): Float64Array {
  const [, , height, width] = x.shape as [number, number, number, number];
  const data = Float64Array.from(blurred(mapElements(cast(x, 'f64'), Math.abs), 1, 3).data);
  const out = new Float64Array(data.length);
  for (let start = 0; start < data.length; start += height * width) {
    const plane = data.subarray(start, start + height * width);
    const largest = plane.reduce((most, value) => Math.max(most, value), 0);
    const total = plane.reduce((sum, value) => sum + exp(value - largest), 0);
    plane.forEach((value, i) => {
      out[start + i] = value - largest - log(total);
    });
  }
  return out;
}
