/** The way back through a group norm: what x, weight and bias get is one step, with the SiLU behind the norm. */
import { sizeOf } from '../../../tensor/tensor.ts';
import type { Node } from '../../graph.ts';
import { strideOf, tensorBytes, type Place } from '../memory/place.ts';
import { groupNormGradientKernel } from '../tiles/group-norm-gradient.ts';
import { contiguous, dense } from './layout.ts';
import type { Lowering } from './lowering.ts';
import { siluBefore } from './norm-with-silu.ts';
import type { NodeOf } from './rule.ts';

type Gradient = NodeOf<'groupNormGradient'>;
type Sums = NodeOf<'groupNormSums'>;

/** One step, which makes the sums that weight and bias get as well. */
export function groupNormGradient(lowering: Lowering, node: Gradient): void {
  const { output, inputs } = node;
  const sums = lowering.usersOf(inputs[1]).find((user): user is Node & Sums => isPart(node, user, 'groupNormSums'));
  if (sums) lowering.done.add(sums);
  const out = lowering.placeFor(output);
  step(lowering, node, sums, { weight: contiguous(lowering, inputs[2]), out });
  lowering.finish(output, 'dense', out);
}

/** The same step, or one for the sums alone. */
export function groupNormSums(lowering: Lowering, node: Sums): void {
  const whole = lowering
    .usersOf(node.inputs[1])
    .find((user): user is Node & Gradient => isPart(node, user, 'groupNormGradient'));
  const weight = whole?.inputs[2];
  if (!whole || !weight || !(weight.source.kind === 'constant' || lowering.isStored(weight))) {
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

/** Whether `user` is of this kind, and of the same norm and gradient. */
function isPart(
  { operation, inputs }: Gradient | Sums,
  user: Node,
  kind: 'groupNormGradient' | 'groupNormSums',
): boolean {
  if (user.operation.kind !== kind) return false;
  const { groups, eps } = user.operation;
  const same = groups === operation.groups && eps === operation.eps;
  return same && user.inputs[0] === inputs[0] && user.inputs[1] === inputs[1];
}
