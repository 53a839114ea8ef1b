/** How much of a sample is picture, and how much is noise. */
import { add, scale } from '../tensor/arithmetic.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { at } from '../tensor/at.ts';
import { withParts } from '../tensor/checks.ts';
import { oneMinus, root } from './single.ts';

/** α and σ, the two factors in x_t = α x₀ + σ ε. */
export interface NoiseLevel {
  /** α, from 0 to 1. */
  readonly signal: number;
  /** σ, from 0. */
  readonly noise: number;
}

/** A level. */
export const aLevel = withParts<NoiseLevel>('a level, as scheduler.levelAt gives it', 'signal', 'noise');

/**
 * α = √ᾱ and σ = √(1 − ᾱ) (Ho et al. 2020, arXiv 2006.11239, eq. 4), float32 as in PyTorch.
 * @param alphaCumprod ᾱ, from 0 to 1
 */
export function levelOfAlpha(alphaCumprod: number): NoiseLevel {
  return { signal: root(alphaCumprod), noise: root(oneMinus(alphaCumprod)) };
}

/**
 * x = α x₀ + σ ε: the picture and the noise of a level. All of one shape.
 * @param epsilon ε: fresh standard normal noise in the forward process q(x_t | x₀), the model's ε in a step of DDIM
 */
export function diffuse(x0: Tensor, epsilon: Tensor, { signal, noise }: NoiseLevel): Tensor {
  return add(scale(x0, signal), scale(epsilon, noise));
}

/** The forward process q(x_t | x₀) at the calls of a run, by their index from 0. */
export interface ForwardProcess {
  /** α and σ of x_t = α x₀ + σ ε at call `index`. */
  levelAt(index: number): NoiseLevel;
  /** α x₀ + σ ε with the level of call `index`. Both of one shape. */
  addNoise(original: Tensor, noise: Tensor, index: number): Tensor;
}

/**
 * The forward process at the calls of a run.
 * @param levels one for each call of the model
 */
export function forwardProcess(levels: readonly NoiseLevel[]): ForwardProcess {
  return {
    levelAt(index) {
      const { signal, noise } = at(levels, index);
      return { signal, noise };
    },
    addNoise: (original, noise, index) => diffuse(original, noise, at(levels, index)),
  };
}
