/**
 * The layers that are one kernel and its weights, found by module path as in torch.nn: `path.weight`, and `path.bias`
 * where there is one. Each shows its output under its path. They throw an InputError when a weight is missing, or does
 * not fit.
 */
import type { Tensor } from '../tensor/tensor.ts';
import type { Padding } from '../kernels/kernels.ts';
import { weight, weightAndBias, type Context } from './context.ts';

/** torch.nn.Linear: x [… ,C] → [… ,O]. */
export function linear(context: Context, path: string, x: Tensor): Tensor {
  const [weights, bias] = weightAndBias(context, path);
  return context.tap(path, context.kernels.linear(x, weights, bias));
}

/** The same padding on all four sides, in pixels. */
export function evenPadding(pixels: number): Padding {
  return { top: pixels, bottom: pixels, left: pixels, right: pixels };
}

/** torch.nn.Conv2d: x [B,C,H,W] → [B,O,H′,W′], H′ = ⌊(H + top + bottom − kh)/stride⌋ + 1, the stride in pixels. */
export function conv2d(context: Context, path: string, x: Tensor, stride: number, padding: Padding): Tensor {
  const [weights, bias] = weightAndBias(context, path);
  return context.tap(path, context.kernels.conv2d(x, weights, bias, stride, padding));
}

/** torch.nn.Conv2d with kernel 3 and padding 1 on the doubled picture: x [B,C,H,W] → [B,O,2H,2W]. */
export function upsampleConv2d(context: Context, path: string, x: Tensor): Tensor {
  const [weights, bias] = weightAndBias(context, path);
  return context.tap(path, context.kernels.upsampleConv2d(x, weights, bias));
}

/** torch.nn.LayerNorm: x [… ,C] → the same shape; `eps` is added to the variance. */
export function layerNorm(context: Context, path: string, x: Tensor, eps: number): Tensor {
  const scale = weight(context, `${path}.weight`);
  return context.tap(path, context.kernels.layerNorm(x, scale, weight(context, `${path}.bias`), eps));
}

/** torch.nn.GroupNorm: x [B,C,…] → the same shape. The groups divide the channels; `eps` is added to the variance. */
export function groupNorm(context: Context, path: string, x: Tensor, groups: number, eps: number): Tensor {
  const scale = weight(context, `${path}.weight`);
  return context.tap(path, context.kernels.groupNorm(x, groups, scale, weight(context, `${path}.bias`), eps));
}
