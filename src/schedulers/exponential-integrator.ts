/**
 * The step that DPM-Solver, DPM-Solver++ and UniPC share. In λ, half the logarithm of the signal-to-noise ratio, the
 * ODE is linear but for the model. Its linear part is solved exactly, the model m is replaced by a polynomial in λ:
 *
 *     x' = A x − B (E₁ D₀ + E₂ D₁ + E₃ D₂),   h = λ' − λ
 *
 * D₀, D₁, D₂ are m, h m' and h² m'' by finite differences; E_k = ∫₀ʰ eʰ⁻ʷ (w/h)ᵏ⁻¹/(k−1)! dw is what each adds up to
 * over the step.
 */
import { combine } from '../tensor/arithmetic.ts';
import { exp, expm1 } from '../tensor/math/index.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { SolverLevel } from './solver-table.ts';

/** E₁ … E_count: E₁ = eʰ − 1, E_{k+1} = E_k/h − 1/k! . */
export function integrals(h: number, count: number): number[] {
  const all = [expm1(h)];
  for (let k = 1, factorial = 1; k < count; k++, factorial *= k) all.push(all[k - 1] / h - 1 / factorial);
  return all;
}

export const algorithmTypes = ['dpmsolver', 'dpmsolver++', 'sde-dpmsolver', 'sde-dpmsolver++'] as const;
/** dpmsolver: of the ODE, m = ε. dpmsolver++: of the ODE, m = x̂₀. sde-: of the SDE, which adds noise in each step. */
export type AlgorithmType = (typeof algorithmTypes)[number];

/** How D₁ counts: `heun` by its integral E₂, `midpoint` by E₁/2, which is as good up to the second order. */
export const solverTypes = ['midpoint', 'heun'] as const;
export type SolverType = (typeof solverTypes)[number];

/**
 * Names of other solvers that a config may hold when its scheduler was exchanged; as in diffusers they mean `midpoint`.
 */
export const foreignSolverTypes = { logrho: 'midpoint', bh1: 'midpoint', bh2: 'midpoint' } as const;

/**
 * One step. @param differences D₀, D₁, D₂: as many as the step has orders
 * @param noise standard normal, for the algorithms of the SDE
 */
export function solverStep(
  algorithm: AlgorithmType,
  solver: SolverType,
  from: SolverLevel,
  to: SolverLevel,
  sample: Tensor,
  differences: readonly Tensor[],
  noise: Tensor | undefined,
): Tensor {
  const h = to.lambda - from.lambda;
  const { keep, front, exponent, kick } = coefficients(algorithm, from, to, h);
  const [first, second, third] = integrals(exponent, differences.length);
  // diffusers has a slip of sign in the third order of sde-dpmsolver++, which makes it a method of lower order; kept,
  // so that runs agree.
  const weights = [
    first,
    solver === 'midpoint' ? first / 2 : second,
    algorithm === 'sde-dpmsolver++' ? third + 1 : third,
  ];
  return combine([
    [keep, sample],
    ...differences.map((difference, k) => [-front * weights[k], difference] as const),
    ...(noise ? [[kick, noise] as const] : []),
  ]);
}

/** A, B, the exponent whose integrals count (h, −h or −2h), and the factor of the noise. */
function coefficients(algorithm: AlgorithmType, from: SolverLevel, to: SolverLevel, h: number) {
  switch (algorithm) {
    case 'dpmsolver':
      return { keep: to.signal / from.signal, front: to.noise, exponent: h, kick: 0 };
    case 'dpmsolver++':
      return { keep: to.noise / from.noise, front: to.signal, exponent: -h, kick: 0 };
    case 'sde-dpmsolver':
      return {
        keep: to.signal / from.signal,
        front: 2 * to.noise,
        exponent: h,
        kick: to.noise * Math.sqrt(expm1(2 * h)),
      };
    case 'sde-dpmsolver++':
      return {
        keep: (to.noise / from.noise) * exp(-h),
        front: to.signal,
        exponent: -2 * h,
        kick: to.noise * Math.sqrt(-expm1(-2 * h)),
      };
  }
}
