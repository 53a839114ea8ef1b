/**
 * What convolutions want of the pictures that they read: a border of zeros around each plane, or, where they read one
 * pixel of all channels after another, planes that lie apart (`NO_PADDING`). Group norms, attention and
 * nearest-neighbour upsampling write a picture so at once if it has no other users; what others write is copied.
 */
import type { Node, Value } from '../../graph.ts';
import type { Padding, WinogradWidth } from '../../kernels.ts';
import { keyOf } from '../../key.ts';
import { crowded, hasBorder, planesOf } from '../memory/planes.ts';
import { GROUP } from '../tiles/winograd.ts';
import type { Lowering } from './lowering.ts';
import { maker, type NodeOf } from './rule.ts';
import { isProduct, type ProductKind } from './weights.ts';

/** What four phases of 2 × 2 pixels see beyond the picture. */
export const UPSAMPLE_PADDING: Padding = { top: 1, bottom: 1, left: 1, right: 1 };
/** No border, but planes that lie apart. */
export const NO_PADDING: Padding = { top: 0, bottom: 0, left: 0, right: 0 };

/**
 * What Winograd's tiles see beyond the picture: its padding, and as far as the last group of four tiles reaches.
 * @param padding of the convolution
 * @param out shape of its result
 * @param width of a tile
 */
export function groupPadding(
  padding: Padding,
  [, , outHeight, outWidth]: readonly number[],
  width: WinogradWidth,
): Padding {
  const [bottom, right] = [2 * Math.ceil(outHeight / 2), GROUP * width * Math.ceil(outWidth / (GROUP * width))];
  return { ...padding, bottom: padding.bottom + bottom - outHeight, right: padding.right + right - outWidth };
}

/** The picture of which these tokens are a view, or the value itself. */
export function pictureOf(value: Value): Value {
  return maker(value, 'toTokens')?.inputs[0] ?? value;
}

/** Whether a product on planes sees each pixel alone. */
export function isPointwise({ operation, inputs: [x, weight] }: NodeOf<ProductKind>): boolean {
  if (operation.kind === 'linear') return x.shape.length === 3;
  if (operation.kind !== 'conv2d') return false;
  const [, , kernelHeight, kernelWidth] = weight.shape;
  return operation.stride === 1 && !hasBorder(operation.padding) && kernelHeight * kernelWidth === 1;
}

/** Whether the value's planes, if they were dense, would compete for the same places of the cache. */
export function isCrowded(value: Value): boolean {
  const { channels, height, width } = planesOf(value.shape);
  return crowded(channels, height * width);
}

/**
 * If all users of a value are products that want one and the same border around it, or want its planes apart: that
 * border, or `NO_PADDING`.
 */
export function wantedBorder(lowering: Lowering, value: Value): Padding | undefined {
  if (lowering.isOutput(value)) return undefined;
  const [first, ...others] = lowering.usersOf(value).map((user) => borderFor(lowering, value, user));
  return first && others.every((padding) => padding && keyOf(padding) === keyOf(first)) ? first : undefined;
}

/** The border that one user of a value wants around it. */
function borderFor(lowering: Lowering, value: Value, user: Node): Padding | undefined {
  if (user.inputs.some((input, i) => (i === 0) !== (input === value))) return undefined;
  if (user.operation.kind === 'toTokens') return wantedBorder(lowering, user.output);
  if (user.operation.kind === 'conv2dWeightGradient') {
    const { padding, tileWidth: width } = user.operation;
    const wanted = width === undefined ? padding : groupPadding(padding, user.inputs[1].shape, width);
    return hasBorder(wanted) ? wanted : undefined;
  }
  if (!isProduct(user)) return undefined;
  if (user.operation.kind === 'winogradConv2d')
    return groupPadding(user.operation.padding, user.output.shape, user.operation.width);
  if (user.operation.kind === 'upsampleConv2d') return UPSAMPLE_PADDING;
  if (user.operation.kind === 'conv2d' && hasBorder(user.operation.padding)) return user.operation.padding;
  return isPointwise(user) && isCrowded(value) ? NO_PADDING : undefined;
}
