/** Halving and doubling the picture (`diffusers.models.downsampling`, `upsampling`). */
import { extentOf, type Tensor } from '../tensor/tensor.ts';
import type { Context } from './context.ts';
import { conv2d, evenPadding, upsampleConv2d } from './layers.ts';
import { convolutionParameters, type Parameter } from './parameters.ts';

/**
 * Downsample2D with its convolution: x [B,C,H,W] → [B,C,H/2,W/2], kernel 3, stride 2.
 * @param padding in pixels, on all sides. With 0 the picture gets one row of zeros below and one column at the right,
 *   as in the original DDPM.
 */
export function downsample(context: Context, path: string, x: Tensor, padding: number): Tensor {
  const border = padding === 0 ? { top: 0, bottom: 1, left: 0, right: 1 } : evenPadding(padding);
  return context.tap(path, conv2d(context, `${path}.conv`, x, 2, border));
}

/** A size in pixels. */
export interface PictureSize {
  readonly height: number;
  readonly width: number;
}

/**
 * Upsample2D with its convolution: x [B,C,H,W] → [B,C,2H,2W], nearest neighbour, then kernel 3.
 * @param size the wanted one, where it may be another than 2H × 2W: that of the skip, for pictures of odd sizes
 */
export function upsample(context: Context, path: string, x: Tensor, size?: PictureSize): Tensor {
  const doubles = !size || (size.height === 2 * extentOf(x, 2) && size.width === 2 * extentOf(x, 3));
  if (doubles) return context.tap(path, upsampleConv2d(context, `${path}.conv`, x));
  const resized = context.kernels.resizeNearest(x, size.height, size.width);
  return context.tap(path, conv2d(context, `${path}.conv`, resized, 1, evenPadding(1)));
}

/** The parameters of Downsample2D and Upsample2D with a convolution from `channels` to as many. */
export function resamplingParameters(path: string, channels: number): readonly Parameter[] {
  return convolutionParameters(`${path}.conv`, channels, channels, 3);
}
