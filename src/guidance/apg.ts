/** Adaptive Projected Guidance (Sadat et al. 2024, arXiv 2410.02416): high scales without oversaturation. */
import { addScaled, dot, norm, scale, subtract, type PerSample } from '../tensor/arithmetic.ts';
import { checkOptions, finite, optional, type Checks } from '../tensor/checks.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { identity } from '../nn/attention-perturbations/index.ts';
import {
  conditional,
  perturbed,
  predictEach,
  predictOne,
  unconditional,
  type Guidance,
  type Pass,
} from './guidance.ts';
import { checkLayers } from './layers.ts';
import { pagChecks, type PagOptions } from './pag.ts';
import { samePass } from './same-pass.ts';
import { aScale, isAll, mapScale, push } from './scales.ts';

/** What is done to an update before it is applied. */
export interface ProjectionOptions {
  /**
   * η, any finite number: how much of the update's part parallel to ε(c) stays. 1 (the default) is all, 0 (the paper)
   * none.
   */
  readonly eta?: number;
  /** r ≥ 0: the update's norm, that of a whole sample [C,H,W], is cut to it; 0 does not cut. The default is 15. */
  readonly normThreshold?: number;
  /**
   * β, any finite number: how much of the former updates is added; a negative one (the paper: −0.5) pushes away from
   * them. 0 (the default) is without.
   */
  readonly momentum?: number;
}

/** How strongly APG pushes away from ε(∅), and with which update. */
export interface ApgOptions extends ProjectionOptions {
  /** g; 1 is unguided. */
  readonly guidanceScale: PerSample;
}

/** How strongly APG pushes away from ε̂(c), what is perturbed there, and with which update. */
export type PagApgOptions = ProjectionOptions & Pick<PagOptions, 'pagScale' | 'layers' | 'mixer'>;

const projectionChecks: Checks<ProjectionOptions> = {
  eta: optional(finite()),
  normThreshold: optional(finite(0)),
  momentum: optional(finite()),
};
const apgChecks: Checks<ApgOptions> = { guidanceScale: aScale, ...projectionChecks };
const { pagScale, layers, mixer } = pagChecks;
const pagApgChecks: Checks<PagApgOptions> = { pagScale, layers, mixer, ...projectionChecks };

/**
 * Δ = ε(c) − ε(∅) + β Δ_before, cut to the norm r; split into Δ∥ along ε(c) and Δ⊥ across it; ε̃ = ε(c) + (g − 1)(Δ⊥ +
 * η Δ∥). The paper's formula; diffusers starts from ε(∅) and so needs `use_original_formulation`, with g − 1 for its
 * scale. Both act on what the model predicts; the paper's x̂₀ is parallel to it only in part.
 * @throws InputError when an option is unknown or no finite number, or r is negative
 */
export function apg(options: ApgOptions): Guidance {
  checkOptions('apg', options, apgChecks);
  return projectedFrom(
    'apg',
    unconditional,
    mapScale(options.guidanceScale, (g) => g - 1),
    options,
  );
}

/**
 * The same along the direction of PAG: Δ = ε(c) − ε̂(c) + β Δ_before; ε̃ = ε(c) + s (Δ⊥ + η Δ∥).
 * @throws InputError when an option is unknown or no finite number, r is negative, or there is no layer although s is
 *   not 0
 */
export function pagApg(options: PagApgOptions): Guidance {
  checkOptions('pagApg', options, pagApgChecks);
  const { pagScale, layers, mixer = identity } = options;
  checkLayers(layers, 'pagScale', pagScale);
  return projectedFrom('pag+apg', perturbed(layers, mixer), pagScale, options);
}

function projectedFrom(
  name: string,
  from: Pass,
  strength: PerSample,
  { eta = 1, normThreshold = 15, momentum = 0 }: ProjectionOptions,
): Guidance {
  const memoryKey = {};
  return {
    name,
    guide(step) {
      if (isAll(strength, 0) || samePass(from, conditional)) return predictOne(step, conditional);
      const [given, worse] = predictEach(step, [conditional, from]);
      const before = momentum === 0 ? undefined : step.memory.get(memoryKey);
      const difference = subtract(given, worse);
      const direction = before ? addScaled(difference, momentum, before) : difference;
      if (momentum !== 0) step.memory.set(memoryKey, direction);

      const update = projected(cutToNorm(direction, normThreshold), given, eta);
      return push(given, strength, update);
    },
  };
}

/** x with a norm of at most r, per sample. */
function cutToNorm(x: Tensor, r: number): Tensor {
  if (r === 0) return x;
  const factors = norm(x).map((length) => (length > r ? r / length : 1));
  return scale(x, factors);
}

/** x⊥ + η x∥, parallel and orthogonal to `reference`, per sample. η = 1 is x itself. */
function projected(x: Tensor, reference: Tensor, eta: number): Tensor {
  if (eta === 1) return x;
  const shares = dot(x, reference);
  const squares = dot(reference, reference);
  const parallel = scale(
    reference,
    shares.map((share, b) => (squares[b] === 0 ? 0 : share / squares[b])),
  );
  return addScaled(subtract(x, parallel), eta, parallel);
}
