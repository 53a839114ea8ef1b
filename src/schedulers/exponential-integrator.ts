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
import { at } from '../tensor/at.ts';
import type { SolverLevel } from './solver-table.ts';

/** The values of algorithm_type. */
export const algorithmTypes = ['dpmsolver', 'dpmsolver++', 'sde-dpmsolver', 'sde-dpmsolver++'] as const;
/** dpmsolver: of the ODE, m = ε. dpmsolver++: of the ODE, m = x̂₀. sde-: of the SDE, which adds noise in each step. */
export type AlgorithmType = (typeof algorithmTypes)[number];

/** The values of solver_type. */
export const solverTypes = ['midpoint', 'heun'] as const;
/** How D₁ counts: `heun` by its integral E₂, `midpoint` by E₁/2, which is as good up to the second order. */
export type SolverType = (typeof solverTypes)[number];

/**
 * Names of other solvers that a config may hold when its scheduler was exchanged; as in diffusers they mean `midpoint`.
 */
export const foreignSolverTypes = { logrho: 'midpoint', bh1: 'midpoint', bh2: 'midpoint' } as const;

/** What a step of DPM-Solver is to be. */
export interface SolverRule {
  /** algorithm_type. */
  readonly algorithm: AlgorithmType;
  /** solver_type. */
  readonly solver: SolverType;
}

/**
 * x' = A x − B (E₁ D₀ + E₂ D₁ + E₃ D₂) + kick · z   (Lu et al. 2022, arXiv 2206.00927 and 2211.01095).
 * @param from the level of x
 * @param to that of x'
 * @param x like D₀, D₁, D₂ and z [B,C,H,W]
 * @param differences D₀, D₁, D₂: as many as the step has orders
 * @param z standard normal, for the algorithms of the SDE
 */
export function solverStep(
  { algorithm, solver }: SolverRule,
  from: SolverLevel,
  to: SolverLevel,
  x: Tensor,
  differences: readonly Tensor[],
  z?: Tensor,
): Tensor {
  const { keep, front, exponent, kick } = coefficients(algorithm, from, to);
  const weights = integrals(exponent, differences.length).map((integral, k, [first = 0]) => {
    if (k === 1 && solver === 'midpoint') return first / 2;
    // diffusers has a slip of sign in the third order of sde-dpmsolver++, which makes it a method of lower order; kept,
    // so that runs agree.
    return k === 2 && algorithm === 'sde-dpmsolver++' ? integral + 1 : integral;
  });
  return combine([
    [keep, x],
    ...differences.map((difference, k) => [-front * at(weights, k), difference] as const),
    ...(z ? [[kick, z] as const] : []),
  ]);
}

/** A, B, the exponent whose integrals count (h, −h or −2h), and the factor of the noise. */
function coefficients(algorithm: AlgorithmType, from: SolverLevel, to: SolverLevel) {
  const h = to.lambda - from.lambda;
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
        kick: to.noise * Math.sqrt(Math.max(0, expm1(2 * h))),
      };
    case 'sde-dpmsolver++':
      return {
        keep: (to.noise / from.noise) * exp(-h),
        front: to.signal,
        exponent: -2 * h,
        kick: to.noise * Math.sqrt(Math.max(0, -expm1(-2 * h))),
      };
  }
}

/**
 * E₁ … E_count: E₁ = eʰ − 1, E_{k+1} = E_k/h − 1/k! .
 * @param h not 0, unless the count is 1
 */
export function integrals(h: number, count: number): number[] {
  const all: number[] = [];
  let [integral, factorial] = [expm1(h), 1];
  for (let k = 1; k <= count; k++) {
    all.push(integral);
    integral = integral / h - 1 / factorial;
    factorial *= k + 1;
  }
  return all;
}
