/** The way back through a group norm: what x, weight and bias get is one step, with the SiLU behind the norm. */
import { sizeOf } from '../../../tensor/tensor.ts';
import type { Node } from '../../graph.ts';
import { strideOf, tensorBytes, type Place } from '../memory/place.ts';
import { groupNormGradientKernel } from '../tiles/group-norm-gradient.ts';
import { isThere } from './following.ts';
import { contiguous, dense } from './layout.ts';
import type { Lowering } from './lowering.ts';
import { isBackThrough, siluBefore, type NormBack } from './norm-with-silu.ts';
import { isOf, type NodeOf } from './rule.ts';

type Gradient = NodeOf<'groupNormGradient'>;
type Sums = NodeOf<'groupNormSums'>;

/** One step, which makes the sums that weight and bias get as well. */
export function groupNormGradient(lowering: Lowering, node: Gradient): void {
  const { output, inputs } = node;
  const sums = otherPart(lowering, node, 'groupNormSums');
  if (sums) lowering.done.add(sums);
  const out = lowering.placeFor(output);
  step(lowering, node, sums, { weight: contiguous(lowering, inputs[2]), out });
  lowering.finish(output, 'dense', out);
}

/** The same step, or one for the sums alone. */
export function groupNormSums(lowering: Lowering, node: Sums): void {
  const whole = otherPart(lowering, node, 'groupNormGradient');
  if (!whole || !isThere(lowering, whole.inputs[2])) {
    step(lowering, node, node, undefined);
    return;
  }
  lowering.done.add(whole);
  groupNormGradient(lowering, whole);
}

/**
 * Adds the step.
 * @param sums the sums, if they are wanted
 * @param back where the gradient of x goes, if it is wanted
 */
function step(
  lowering: Lowering,
  { operation, inputs: [x, given] }: Gradient | Sums,
  sums: Sums | undefined,
  back: { readonly weight: Place; readonly out: Place } | undefined,
): void {
  const { groups, eps } = operation;
  const [batch, channels, ...picture] = x.shape;
  const before = siluBefore(lowering, given);
  const [from, gradient] = [x, before?.gradient ?? given].map((value) => dense(lowering, value));
  const bytes = tensorBytes([batch, 2 * channels]);
  const ofBoth = lowering.newPlace(bytes, bytes / Math.max(1, batch));
  if (sums) lowering.finish(sums.output, 'dense', ofBoth);
  const { weight, out } = back ?? { weight: ofBoth, out: ofBoth };
  const bias = before ? contiguous(lowering, before.norm.inputs[2]) : weight;
  const strides = {
    xStride: strideOf(from, batch),
    gradientStride: strideOf(gradient, batch),
    outStride: strideOf(out, batch),
  };
  const parts = { silu: before !== undefined, back: back !== undefined };
  const spec = { batch, channels, groups, pixels: sizeOf(picture), eps, ...parts, ...strides };
  lowering.emit(
    `groupNormGradient${before ? '+silu' : ''} ${channels}@${picture.join('×')}`,
    [from, gradient, ofBoth, weight, bias, out],
    (lib) => groupNormGradientKernel(lib, spec),
  );
}

/** The operation of this kind that is of the same norm and gradient, if there is one. */
function otherPart<K extends NormBack>(
  lowering: Lowering,
  { operation, inputs: [x, gradient] }: Gradient | Sums,
  kind: K,
): (Node & NodeOf<K>) | undefined {
  return lowering
    .usersOf(gradient)
    .find((user): user is Node & NodeOf<K> => isOf(user, kind) && isBackThrough(operation, x, gradient, user));
}
