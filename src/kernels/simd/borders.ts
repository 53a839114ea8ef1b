/**
 * What convolutions want of the pictures that they read: a border of zeros around each plane, or, where they read one
 * pixel of all channels after another, planes that lie apart (`NO_PADDING`). Group norms, attention and
 * nearest-neighbour upsampling write a picture so at once if it has no other users; what others write is copied.
 */
import { sizeOf, type Tensor } from '../../tensor/tensor.ts';
import type { Padding } from '../kernels.ts';
import { keyOf } from '../key.ts';
import { crowded } from './planes.ts';
import { constantOf, type Node, type Value } from '../graph.ts';

/** What four phases of 2 × 2 pixels see beyond the picture. */
export const UPSAMPLE_PADDING: Padding = {
  top: 1,
  bottom: 1,
  left: 1,
  right: 1,
};
export const NO_PADDING: Padding = { top: 0, bottom: 0, left: 0, right: 0 };

export function hasBorder({ top, bottom, left, right }: Padding): boolean {
  return top + bottom + left + right > 0;
}

/** Height and width of the planes of a tensor [B, C, …]. */
export function planeSize(shape: readonly number[]): {
  height: number;
  width: number;
} {
  return shape.length === 4 ? { height: shape[2]!, width: shape[3]! } : { height: 1, width: sizeOf(shape.slice(2)) };
}

/** The planes of a picture [B,C,H,W], or of tokens [B,N,C] that lie as planes. */
export function planesOf(shape: readonly number[]): {
  batch: number;
  channels: number;
  height: number;
  width: number;
} {
  const [batch, second, third] = shape as [number, number, number];
  return shape.length === 3
    ? { batch, channels: third, height: 1, width: second }
    : { batch, channels: second, ...planeSize(shape) };
}

/** A constant as a whole. */
export function constantTensor(value: Value): Tensor | undefined {
  return value.source.kind === 'constant' ? value.source.tensor : undefined;
}

/** The weight of a product: a constant, from input channel `first` on. */
export interface ConstantWeight {
  readonly tensor: Tensor;
  readonly first: number;
}

/** The weight that a value is; undefined where it is no constant, nor some input channels of one. */
export function weightOf(value: Value): ConstantWeight | undefined {
  const { tensor, slice } = constantOf(value) ?? {};
  if (!tensor || slice?.kind === 'sliceBatch') return undefined;
  return { tensor, first: slice?.start ?? 0 };
}

/**
 * Whether the weight and the bias of a product are constants, so that they can be packed. If not, the plain loops do
 * it, on dense planes.
 */
export function packs({ operation, inputs: [, weight, bias] }: Node): boolean {
  const packable = operation.kind === 'upsampleConv2d' ? constantTensor(weight) : weightOf(weight);
  return packable !== undefined && (bias === undefined || constantTensor(bias) !== undefined);
}

/** The picture of which these tokens are a view, or the value itself. */
export function pictureOf(value: Value): Value {
  return value.source.kind === 'node' && value.source.node.operation.kind === 'toTokens'
    ? value.source.node.inputs[0]!
    : value;
}

/** A convolution of each pixel with itself alone. */
export function isPointwise({ operation, inputs: [, weight] }: Node): boolean {
  return (
    operation.kind === 'conv2d' &&
    operation.stride === 1 &&
    !hasBorder(operation.padding) &&
    weight!.shape[2]! * weight!.shape[3]! === 1
  );
}

export function isCrowded(value: Value): boolean {
  const { channels, height, width } = planesOf(value.shape);
  return crowded(channels, height * width);
}

/**
 * If all users of a value are products that want one and the same border around it, or want its planes apart: that
 * border, or `NO_PADDING`.
 */
export function wantedBorder(
  value: Value,
  usersOf: (value: Value) => readonly Node[],
  isOutput: (value: Value) => boolean,
): Padding | undefined {
  if (isOutput(value)) return undefined;
  const [first, ...others] = usersOf(value).map((user): Padding | undefined => {
    const {
      operation,
      inputs: [x],
      output,
    } = user;
    if (x !== value) return undefined;
    if (operation.kind === 'toTokens') return wantedBorder(output, usersOf, isOutput);
    if (operation.kind !== 'conv2d' && operation.kind !== 'upsampleConv2d' && operation.kind !== 'linear')
      return undefined;
    if (!packs(user)) return undefined;
    if (operation.kind === 'upsampleConv2d') return UPSAMPLE_PADDING;
    if (operation.kind === 'conv2d' && hasBorder(operation.padding)) return operation.padding;
    const pointwise = operation.kind === 'linear' ? x.shape.length === 3 : isPointwise(user);
    return pointwise && isCrowded(value) ? NO_PADDING : undefined;
  });
  return first && others.every((padding) => padding && keyOf(padding) === keyOf(first)) ? first : undefined;
}
