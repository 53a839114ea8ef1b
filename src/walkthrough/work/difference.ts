/** How far runs are apart. */
import type { SamplingStep } from '../../sampling/sample.ts';
import { norm, subtract } from '../../tensor/arithmetic.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { only } from '../checked.ts';

/** ‖x′ − x‖ / ‖x‖ after each step that both have taken. The runs are of one letter. */
export function differences(right: readonly SamplingStep[], wrong: readonly SamplingStep[]): readonly number[] {
  return right.flatMap(({ sample }, i) => {
    const other = wrong[i]?.sample;
    return other ? [only(norm(subtract(other, sample))) / only(norm(sample))] : [];
  });
}

/** The largest |x′ − x|. */
export function largestDifference(right: Tensor, wrong: Tensor): number {
  return Math.max(...subtract(wrong, right).data.map(Math.abs));
}
