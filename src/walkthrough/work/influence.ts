/** How much a layer matters at a step: by how much of its length the prediction moves when that layer is spoilt. */
import { norm, subtract } from '../../tensor/arithmetic.ts';
import { only } from '../checked.ts';
import type { PassesResult } from '../protocol.ts';

/** ‖ε − ε̂‖ / ‖ε‖ for each perturbed pass. */
export function influences({ plain, perturbed }: PassesResult): readonly number[] {
  const length = only(norm(plain));
  return perturbed.map((spoilt) => only(norm(subtract(plain, spoilt))) / length);
}
