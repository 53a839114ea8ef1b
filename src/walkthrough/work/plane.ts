/**
 * The plane in which guidance moves. Through ε(c) go two directions: away from the perturbed prediction, and away from
 * the unconditional one. Every ε̃ = ε(c) + s (ε(c) − ε̂(c)) + (g − 1) (ε(c) − ε(∅)) lies in the plane that they span.
 * (That is ε(∅) + g (ε(c) − ε(∅)) + s (ε(c) − ε̂(c)), CFG + PAG.)
 */
import { add, dot, norm, scale, subtract } from '../../tensor/arithmetic.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { push } from '../../guidance/scales.ts';
import type { PassesResult } from '../protocol.ts';

export interface GuidancePlane {
  /** ε(c) − ε̂(c) and ε(c) − ε(∅). */
  readonly away: Tensor;
  readonly toCondition: Tensor;
  /** Their lengths. */
  readonly lengths: readonly [number, number];
  /**
   * Where s and g − 1 lead from ε(c), in units of ‖ε(c) − ε̂(c)‖: the first axis points away from ε̂, the second is at
   * right angles to it, on the side of ε(c) − ε(∅).
   */
  place(s: number, more: number): readonly [number, number];
  /** The s and g − 1 of a place. */
  scalesAt(place: readonly [number, number]): readonly [number, number];
  /** ε̃. */
  guided(s: number, more: number): Tensor;
}

/** @param result with ε̂ as its first perturbed prediction, and ε(∅) */
export function guidancePlane({ plain, perturbed, unconditional }: Required<PassesResult>): GuidancePlane {
  const away = subtract(plain, perturbed[0]);
  const toCondition = subtract(plain, unconditional);
  const [unit] = norm(away);
  const [length] = norm(toCondition);
  const along = unit === 0 ? 0 : dot(away, toCondition)[0] / (unit * unit);
  const across = unit === 0 ? 0 : Math.sqrt(Math.max(length * length - along * along * unit * unit, 0)) / unit;
  return {
    away,
    toCondition,
    lengths: [unit, length],
    place: (s, more) => [s + more * along, more * across],
    scalesAt([x, y]) {
      const more = across === 0 ? 0 : y / across;
      return [x - more * along, more];
    },
    guided: (s, more) => add(push(plain, s, away), scale(toCondition, more)),
  };
}
