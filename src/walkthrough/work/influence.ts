/** How much a layer matters at a step: by how much of its length the prediction moves when that layer is spoilt. */
import { norm, subtract } from '../../tensor/arithmetic.ts';
import { at } from '../../tensor/at.ts';
import { only } from '../checked.ts';
import type { PassesResult } from '../protocol.ts';
import { spectrumOf } from './spectrum.ts';

/** ‖ε − ε̂‖ / ‖ε‖ for each perturbed pass. */
export function influences({ plain, perturbed }: PassesResult): readonly number[] {
  const length = only(norm(plain));
  return perturbed.map((spoilt) => only(norm(subtract(plain, spoilt))) / length);
}

/** Shapes of which at most so many fit across the picture are large. */
const largeShapes = 3;

/**
 * How much of a change of a picture is a change of its large shapes: their share of its power, from 0 to 1, the mean
 * apart.
 * @param before the picture, [H,W] @param after the changed one
 */
export function shareOfShapes(before: ArrayLike<number>, after: ArrayLike<number>): number {
  const power = spectrumOf(Array.from(before, (value, i) => value - at(after, i))).slice(1);
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
  return sum(power.slice(0, largeShapes)) / sum(power);
}
