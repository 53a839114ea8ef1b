/** Self-Attention Guidance (Hong et al., ICCV 2023, arXiv 2210.00939). */
import { addScaled, mapElements, subtract, type PerSample } from '../tensor/arithmetic.ts';
import { checkOptions, mustBe, optional, text, type Checks } from '../tensor/checks.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { conditional, unconditional, type Guidance, type GuidanceStep, type Pass } from './guidance.ts';
import { aScale, extrapolate, isAll, push } from './scales.ts';
import { blurred } from './separable.ts';

/** How strongly SAG pushes, where it looks, and how it blurs. */
export interface SagOptions {
  /** s; 0 switches SAG off. The authors' code has a guide scale g = 1 + s. */
  readonly sagScale: PerSample;
  /** The self-attention layer that says where to blur: its module path, or a selector (`mid`). */
  readonly layer: string;
  /** σ of the blur in pixels, above 0; the authors' 9 unless given (diffusers has 1). */
  readonly blurSigma?: number;
  /** How many pixels the blur sees, an odd number; the authors' 31 unless given (diffusers has 9). */
  readonly blurWindow?: number;
  /** g of classifier-free guidance; 1 is without. With it, SAG is applied to ε(∅), as in eq. 25 and in diffusers. */
  readonly guidanceScale?: PerSample;
}

const checks: Checks<SagOptions> = {
  sagScale: aScale,
  layer: optional(text),
  blurSigma: optional(mustBe('a number above 0', (sigma) => Number.isFinite(sigma) && (sigma as number) > 0)),
  blurWindow: optional(
    mustBe('an odd whole number', (width) => Number.isInteger(width) && (width as number) % 2 === 1),
  ),
  guidanceScale: optional(aScale),
};
const aLayer = mustBe('the name of an attention layer', (layer) => typeof layer === 'string' && layer !== '');

/**
 * ε̃ = ε + s (ε − ε(x̄)), where ε = ε(x_t) and x̄ is x_t with the details blurred away that the model attends to:
 * x̂₀ is blurred where the attention that a pixel receives is above average, and noised with ε again.
 * @throws InputError when an option is unknown, a scale not finite, σ not positive, the window is not odd, or no layer
 *   is named although s is not 0; at a step, when the model does not have the layer
 */
export function sag(options: SagOptions): Guidance {
  checkOptions('sag', options, checks);
  const { sagScale, layer, blurSigma = 9, blurWindow = 31, guidanceScale = 1 } = options;
  if (!isAll(sagScale, 0)) aLayer('layer', layer);
  const map = `${layer}.map`;
  return {
    name: 'sag',
    guide(step) {
      const classifierFree = !isAll(guidanceScale, 1);
      const active = !isAll(sagScale, 0);
      const plain = classifierFree ? unconditional : conditional;
      const base: Pass = active ? { ...plain, taps: [map] } : plain;
      const predictions = step.predict(classifierFree ? [base, conditional] : [base]);
      const guided = classifierFree ? extrapolate(predictions[0], predictions[1], guidanceScale) : predictions[0];
      if (!active) return guided;

      const sample = degraded(step, predictions[0], step.tap(base, map), (x) => blurred(x, blurSigma, blurWindow));
      const [worse] = step.predict([{ ...plain, sample }]);
      return push(guided, sagScale, subtract(predictions[0], worse));
    },
  };
}

/**
 * x̄ = α x̃₀ + σ ε, x̃₀ being x̂₀ blurred where the mask is, and ε the noise of x_t: hence x̄ = x_t + α (x̃₀ − x̂₀).
 */
function degraded(step: GuidanceStep, prediction: Tensor, map: Tensor, blur: (x: Tensor) => Tensor): Tensor {
  const original = step.toOriginal(prediction);
  const loss = subtract(blur(original), original);
  const masked = attentionMask(map, original);
  return addScaled(
    step.sample,
    step.signal,
    mapElements(loss, (value, i) => (masked(i) ? value : 0)),
  );
}

/**
 * Whether the element i of a picture [B,C,H,W] receives more than its share of attention: the sum over all queries of
 * the map's mean over the heads is above 1. The map's grid is that of the picture, coarser; each of its tokens covers a
 * square.
 * @param map [B,h,N,N]
 */
function attentionMask(map: Tensor, picture: Tensor): (i: number) => boolean {
  const [batch, heads, queries, tokens] = map.shape as [number, number, number, number];
  const [, channels, height, width] = picture.shape as [number, number, number, number];
  const received = new Float64Array(batch * tokens);
  map.data.forEach((attention, i) => {
    const sample = Math.floor(i / (heads * queries * tokens));
    received[sample * tokens + (i % tokens)] += attention / heads;
  });
  const factor = Math.sqrt((height * width) / tokens);
  return (i) => {
    const sample = Math.floor(i / (channels * height * width));
    const [y, x] = [Math.floor(i / width) % height, i % width];
    return received[sample * tokens + Math.floor(y / factor) * (width / factor) + Math.floor(x / factor)] > 1;
  };
}
