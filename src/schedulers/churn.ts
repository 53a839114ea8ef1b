/** Noise on the way down (Karras et al. 2022, arXiv 2206.00364, algorithm 2). */
import { addScaled } from '../tensor/arithmetic.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { NoiseSource } from './scheduler.ts';
import { f32 } from './single.ts';

/** How much noise a run adds, and where; the names are diffusers' `s_churn`, … */
export interface Churn {
  /** S_churn, from 0: how much, spread over all steps; 0 by default, which is none. */
  readonly sChurn?: number;
  /** S_tmin, from 0: the least σ at which noise is added; 0 by default. */
  readonly sTmin?: number;
  /** S_tmax: the largest, Infinity by default. */
  readonly sTmax?: number;
  /** S_noise, from 0: the deviation of the noise, 1 by default; a little more makes up for detail that is lost. */
  readonly sNoise?: number;
}

/**
 * x̂ = x + √(σ̂² − σ²) S_noise z at σ̂ = σ (1 + γ), γ = min(S_churn/N, √2 − 1) where σ lies in [S_tmin, S_tmax], else 0
 * (arXiv 2206.00364, algorithm 2). In diffusers, and so here, the model is not asked again: what it said of x at σ is
 * taken for x̂ at σ̂.
 * @param x at σ, [B,C,H,W]
 * @param steps N, how many steps the run has
 * @param noise asked for z where γ is above 0
 */
export function churned(
  x: Tensor,
  sigma: number,
  { sChurn = 0, sTmin = 0, sTmax = Infinity, sNoise = 1 }: Churn,
  steps: number,
  noise: NoiseSource,
): { readonly x: Tensor; readonly sigma: number } {
  const gamma = sigma >= sTmin && sigma <= sTmax ? Math.min(sChurn / steps, Math.SQRT2 - 1) : 0;
  if (gamma === 0) return { x, sigma };
  const higher = sigma * (gamma + 1);
  return { x: addScaled(x, Math.sqrt(higher ** 2 - sigma ** 2) * sNoise, noise(x.shape)), sigma: higher };
}

/**
 * Refuses noise beyond what float32 holds.
 * @param sigmas of the calls
 * @throws InputError where σ S_noise has no finite square
 */
export function checkNoiseSize(scheduler: string, sigmas: readonly number[], sNoise = 1): void {
  const most = Math.max(...sigmas);
  if (f32((most * sNoise) ** 2) < Infinity) return;
  throw new InputError(
    `${scheduler}: sNoise is ${sNoise}, which with σ = ${most} makes noise whose square is not finite; ` +
      'take a smaller one (1, or a little more)',
  );
}
