/**
 * The plane in which guidance moves. Through ε(c) go two directions: away from the perturbed prediction, and away from
 * the unconditional one. Every ε̃ = ε(c) + s (ε(c) − ε̂(c)) + (g − 1) (ε(c) − ε(∅)) lies in the plane that they span.
 * (That is ε(∅) + g (ε(c) − ε(∅)) + s (ε(c) − ε̂(c)), CFG + PAG.)
 */
import { dot, norm, subtract } from '../../tensor/arithmetic.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { GuidanceStep, Pass } from '../../guidance/guidance.ts';
import { cfgPag } from '../../guidance/pag.ts';
import { only, present } from '../checked.ts';
import type { PassesResult } from '../protocol.ts';

/** The plane for one picture at one step. */
export interface GuidancePlane {
  /** ε(c) − ε̂(c). */
  readonly away: Tensor;
  /**
   * Where s and g − 1 lead from ε(c), in units of ‖ε(c) − ε̂(c)‖: the first axis points away from ε̂, the second is at
   * right angles to it, on the side of ε(c) − ε(∅).
   */
  place(s: number, more: number): readonly [number, number];
  /** The s and g − 1 of a place. */
  scalesAt(place: readonly [number, number]): readonly [number, number];
  /** ε̃, as the guidance itself combines the predictions. */
  guided(s: number, g: number): Tensor;
}

/** What spans a plane. */
type ThreePredictions = Pick<Required<PassesResult>, 'plain' | 'perturbed' | 'unconditional'>;

/**
 * The plane through these predictions.
 * @param result with ε̂ as its first perturbed prediction, and ε(∅)
 */
export function guidancePlane(result: ThreePredictions): GuidancePlane {
  const { plain, perturbed, unconditional } = result;
  const spoilt = present(perturbed[0], 'perturbed prediction');
  const away = subtract(plain, spoilt);
  const toCondition = subtract(plain, unconditional);
  const [unit, length] = [only(norm(away)), only(norm(toCondition))];
  const along = unit === 0 ? 0 : only(dot(away, toCondition)) / (unit * unit);
  const across = unit === 0 ? 0 : Math.sqrt(Math.max(length * length - along * along * unit * unit, 0)) / unit;
  return {
    away,
    place: (s, more) => [s + more * along, more * across],
    scalesAt([x, y]) {
      const more = across === 0 ? 0 : y / across;
      return [x - more * along, more];
    },
    guided: (s, g) => guidedBy(result, s, g),
  };
}

/** ε̃ with s of PAG and g of CFG, of one picture or several, as the guidance itself combines the predictions. */
export function guidedBy({ plain, perturbed, unconditional }: ThreePredictions, s: number, g: number): Tensor {
  const spoilt = present(perturbed[0], 'perturbed prediction');
  return cfgPag(g, { pagScale: s, layers: ['any'] }).guide(stepWith(plain, spoilt, unconditional));
}

/** A step at which the model has spoken already. */
function stepWith(plain: Tensor, spoilt: Tensor, unconditional: Tensor): GuidanceStep {
  const answer = ({ condition, perturbation }: Pass): Tensor => {
    if (condition === 'null') return unconditional;
    return perturbation.size > 0 ? spoilt : plain;
  };
  const unknown = (): never => {
    throw new Error('only the predictions of this step are known');
  };
  return {
    index: 0,
    count: 1,
    timestep: 0,
    sample: plain,
    signal: 0,
    noise: 1,
    memory: new Map(),
    predict: (passes) => passes.map(answer),
    tap: unknown,
    toOriginal: unknown,
    originalPerPrediction: 1,
    originalPerSample: 0,
    inputPerSample: 1,
  };
}
