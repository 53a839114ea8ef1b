/**
 * The convolution of two pictures joined channel by channel, as the ResNet blocks on a UNet's way up have it: what
 * comes from below, and what the skip connection brings.
 *
 *     out = (conv2d(x[:, :seam], weight[:, :seam]) + bias) + conv2d(x[:, seam:], weight[:, seam:])
 *
 * It is the one operation that is made for another pass: the second sum does not know the first picture, so whoever
 * has computed it once need not do so again where only the first picture differs, as between the passes of PAG.
 */
import { cast } from '../../tensor/rounding.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Padding } from '../kernels.ts';
import { sliceChannels } from './concat-and-slice.ts';
import { conv2d } from './conv2d.ts';
import { add } from './elementwise.ts';

/**
 * Two convolutions and their sum. Of f16 and bf16 all three are taken in f32, and the result alone is rounded.
 * @param x [B,C,H,W]
 * @param weight [O,C,kh,kw]
 * @param bias [O]
 * @param stride in pixels
 * @param padding zeros around x
 * @param seam the channel with which the second picture begins, 0 < seam < C
 * @returns [B,O,H′,W′], as conv2d
 */
export function joinedConv2d(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  stride: number,
  padding: Padding,
  seam: number,
): Tensor {
  const C = x.shape[1];
  const wide = (narrow: Tensor): Tensor => cast(narrow, x.dtype === 'f64' ? 'f64' : 'f32');
  const part = (start: number, end: number, offset: Tensor | undefined): Tensor =>
    conv2d(wide(sliceChannels(x, start, end)), wide(sliceChannels(weight, start, end)), offset, stride, padding);
  return cast(add(part(0, seam, bias && wide(bias)), part(seam, C, undefined)), x.dtype);
}
