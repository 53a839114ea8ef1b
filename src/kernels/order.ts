/**
 * In which order convolutions add up. `direct` is the order of definition/conv2d. In the `fast` order a convolution by
 * 3 × 3 is a Winograd convolution (definition/winograd-conv2d) where that pays: other bits, defined as well, and again
 * the same on every backend.
 */
import { checkOptions, oneOf, optional, type Check, type Checks } from '../tensor/checks.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { convolveApart } from './joined.ts';
import type { Kernels, WinogradWidth } from './kernels.ts';
import { applyOperation, kernelsFrom, shapeOf, type Operation, type OperationOf } from './operations/index.ts';

/** The orders, by name. */
export const orders = ['direct', 'fast'] as const;

/** The order in which convolutions add up. */
export type Order = (typeof orders)[number];

/** An order, and nothing else. */
export const anOrder: Check = oneOf(orders);

/** How loops are to compute. */
export interface OrderOptions {
  /** In which order convolutions add up: `direct` unless given. `fast` has bits of its own. */
  readonly order?: Order;
}

const checks: Checks<OrderOptions> = { order: optional(anOrder) };

/** The order that options ask for. @throws InputError for options that are none */
export function orderOf(owner: string, options: OrderOptions): Order {
  checkOptions(owner, options, checks);
  return options.order ?? 'direct';
}

/** The operation that stands for another one in an order. @param tensors its own, of shapes that fit */
export function inOrder(order: Order, operation: Operation, tensors: readonly Tensor[]): Operation {
  if (order === 'direct' || operation.kind !== 'conv2d') return operation;
  const width = winogradWidth(operation, tensors);
  return width === undefined ? operation : { kind: 'winogradConv2d', width, padding: operation.padding };
}

/**
 * The kernels, with convolutions in an order. Two pictures that are joined are two convolutions and an addition there,
 * each in its order; of f16 and bf16 they stay one, which rounds once, and all convolutions are direct.
 */
export function kernelsInOrder(kernels: Kernels, order: Order): Kernels {
  if (order === 'direct') return kernels;
  const ordered: Kernels = kernelsFrom({
    operation: (operation, tensors) => applyOperation(kernels, inOrder(order, operation, tensors), tensors),
    joinedConv2d: (x, ...given) =>
      isNarrow(x) ? kernels.joinedConv2d(x, ...given) : convolveApart(ordered, () => undefined, x, ...given),
  });
  return ordered;
}

/** Numbers of 16 bits are computed by plain loops alone, where nothing is gained. */
function isNarrow({ dtype }: Pick<Tensor, 'dtype'>): boolean {
  return dtype === 'f16' || dtype === 'bf16';
}

/**
 * How wide the tiles of a convolution with a stride of 1 are in the fast order; undefined where it stays direct. A
 * convolution by 3 × 3 in f32 or f64, of at least 16 channels on either side, has the tiles that leave it the fewest
 * products, if these are at most 5 an output instead of 9. Backends compute four tiles side by side, so what they do
 * beyond the picture counts as well: pictures of 32 × 32 or 16 × 16 have tiles of 2 × 4 (3 products an output), of
 * 8 × 8 tiles of 2 × 2 (4), of 4 × 4 none (8). Where a picture has few tiles and more transformed weights than caches
 * hold, it would wait for these: such a convolution stays direct, too.
 *
 * It depends on neither batch, nor threads, nor backend: a picture has the same bits however it is computed.
 */
export function winogradWidth(
  operation: OperationOf<'conv2d'>,
  tensors: readonly Pick<Tensor, 'dtype' | 'shape'>[],
): WinogradWidth | undefined {
  const [x, weight] = tensors;
  const [outChannels, channels, ...kernel] = weight.shape;
  const isFew = Math.min(channels, outChannels) < FEWEST_CHANNELS;
  if (operation.stride !== 1 || isNarrow(x) || isFew || kernel.some((extent) => extent !== 3)) return undefined;
  const shapes = tensors.map(({ shape }) => shape);
  const [, , height, width] = shapeOf(operation, shapes);
  const productsOf = (tile: WinogradWidth): number =>
    4 * (tile + 2) * Math.ceil(height / 2) * TOGETHER * Math.ceil(width / (TOGETHER * tile));
  const best = productsOf(2) <= productsOf(4) ? 2 : 4;
  const tiles = Math.ceil(height / 2) * Math.ceil(width / best);
  const weights = 4 * (best + 2) * channels * outChannels;
  const waits = tiles < FEWEST_TILES && weights > MOST_WEIGHTS;
  return !waits && productsOf(best) <= MOST_PRODUCTS * height * width ? best : undefined;
}

/** Of fewer channels, on either side, the transforms cost about what the products save. */
const FEWEST_CHANNELS = 16;
/** Tiles that are computed side by side. */
const TOGETHER = 4;
/** For each output, of a channel. */
const MOST_PRODUCTS = 5;
/** So often a weight is used that comes from memory: a processor does about so many products meanwhile. */
const FEWEST_TILES = 32;
/** Transformed weights of a layer that stay in a cache from pass to pass: 32 MB. */
const MOST_WEIGHTS = 2 ** 23;
