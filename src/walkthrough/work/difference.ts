/** How far runs are apart. */
import type { SamplingStep } from '../../sampling/sample.ts';
import { norm, subtract } from '../../tensor/arithmetic.ts';
import type { Tensor } from '../../tensor/tensor.ts';

/** ‖x′ − x‖ / ‖x‖ after each step that both have taken. */
export function differences(right: readonly SamplingStep[], wrong: readonly SamplingStep[]): readonly number[] {
  return wrong
    .slice(0, right.length)
    .map(({ sample }, i) => norm(subtract(sample, right[i].sample))[0] / norm(right[i].sample)[0]);
}

/** The largest |x′ − x|. */
export function largestDifference(right: Tensor, wrong: Tensor): number {
  return Math.max(...subtract(wrong, right).data.map(Math.abs));
}
