/**
 * A SiLU that stands behind a group norm. There, one step does both; back, one step as well, which computes the norm's
 * result again, so that nobody keeps it.
 */
import type { Node, Value } from '../../graph.ts';
import type { Attributes } from '../../operations/index.ts';
import type { Lowering } from './lowering.ts';
import { isOf, maker, type NodeOf } from './rule.ts';

/** The way back through a SiLU behind a group norm, which the norm's gradient does on its way. */
export interface SiluBack {
  readonly norm: NodeOf<'groupNorm'>;
  /** ∂L/∂ of the SiLU's result. */
  readonly gradient: Value;
  /** That times the derivative: what comes back to the norm. */
  readonly product: Node;
}

/** What is left to the norm's gradient of this derivative, if nobody but that needs it. */
export function siluBackOf(lowering: Lowering, derivative: NodeOf<'activationDerivative'>): SiluBack | undefined {
  const [y] = derivative.inputs;
  const norm = maker(y, 'groupNorm');
  const product = lowering.onlyUser(derivative.output);
  if (derivative.operation.activation !== 'silu' || !norm || !isOf(product, 'multiply')) return undefined;
  const [gradient, factor] = product.inputs;
  const users = lowering.isOutput(product.output) ? [] : lowering.usersOf(product.output);
  const isLeft =
    factor === derivative.output &&
    gradient.shape.length === y.shape.length &&
    users.some(({ operation }) => operation.kind === 'groupNormGradient') &&
    users.every((user) => isGradientOf(norm, product.output, user));
  return isLeft ? { norm, gradient, product } : undefined;
}

/** Whether a node is a part of the way back through a norm, of this gradient. */
function isGradientOf({ operation, inputs: [x, weight] }: NodeOf<'groupNorm'>, gradient: Value, user: Node): boolean {
  if (!isOf(user, 'groupNormGradient') && !isOf(user, 'groupNormSums')) return false;
  const [, , itsWeight = weight] = user.inputs;
  return isBackThrough(operation, x, gradient, user) && itsWeight === weight && x !== gradient;
}

/** The operations of the way back through a group norm. */
export type NormBack = 'groupNormGradient' | 'groupNormSums';

/** Whether one of them is of these groups and this eps, of x and of this gradient. */
export function isBackThrough(
  { groups, eps }: Attributes[NormBack],
  x: Value,
  gradient: Value,
  { operation, inputs }: NodeOf<NormBack>,
): boolean {
  return operation.groups === groups && operation.eps === eps && inputs[0] === x && inputs[1] === gradient;
}

/** The SiLU that a gradient has come back through on its way to a norm, if the norm's gradient is to do that. */
export function siluBefore(lowering: Lowering, gradient: Value): SiluBack | undefined {
  const derivative = maker(maker(gradient, 'multiply')?.inputs[1], 'activationDerivative');
  return derivative && siluBackOf(lowering, derivative);
}

/** The SiLU that alone reads what a norm gives, but for a derivative that is left to the norm's gradient. */
export function siluBehind(lowering: Lowering, y: Value): Node | undefined {
  if (lowering.isOutput(y)) return undefined;
  const isLeft = (user: Node): boolean =>
    isOf(user, 'activationDerivative') && siluBackOf(lowering, user) !== undefined;
  const [user, ...others] = lowering.usersOf(y).filter((each) => !isLeft(each));
  return others.length === 0 && isOf(user, 'activation') && user.operation.activation === 'silu' ? user : undefined;
}
