/** Group norm, with the SiLU that follows it, straight into the border that a convolution wants around the result. */
import { strideOf } from '../memory/place.ts';
import { planeSize } from '../memory/planes.ts';
import { groupNormKernel } from '../tiles/group-norm.ts';
import { contiguous, dense } from './layout.ts';
import type { Lowering } from './lowering.ts';
import { siluBehind } from './norm-with-silu.ts';
import { target } from './pictures.ts';
import type { NodeOf } from './rule.ts';

/** One step for the norm and its SiLU. */
export function groupNorm(lowering: Lowering, { operation, inputs, output }: NodeOf<'groupNorm'>): void {
  const { groups, eps } = operation;
  const [x, weight, bias] = inputs;
  const behind = siluBehind(lowering, output);
  if (behind) lowering.done.add(behind);
  const [batch, channels] = x.shape;
  const { height, width } = planeSize(x.shape);
  const input = dense(lowering, x);
  const out = target(lowering, behind?.output ?? output, height, width);
  const [scale, shift] = [weight, bias].map((value) => contiguous(lowering, value));
  const silu = behind !== undefined;
  const inBatchStride = strideOf(input, batch);
  lowering.emit(
    `groupNorm${silu ? '+silu' : ''} ${channels}@${height}×${width}`,
    [input, scale, shift, out.place],
    (lib) =>
      groupNormKernel(lib, { batch, channels, groups, height, width, eps, silu, inBatchStride, out: out.layout }),
  );
}
