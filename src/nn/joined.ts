/**
 * Convolutions whose input is two pictures: on the way up of a UNet the hidden one and the skip, joined at a *seam*,
 * the channel with which the second begins. They sum what each picture has to say apart. Passes of a guidance that
 * differ in the hidden picture alone then have the other sum in common.
 */
import type { Padding } from '../kernels/kernels.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { weightAndBias, type Context } from './context.ts';
import { conv2d } from './layers.ts';

/**
 * torch.nn.Conv2d with stride 1: x [B,C,H,W] → [B,O,H′,W′], (Σ first picture + bias) + Σ second picture.
 * @param seam the channel with which the second picture begins, 0 < seam < C; undefined where x is one picture
 * @throws InputError when the weight is missing, or does not fit
 */
export function joinedConv2d(
  context: Context,
  path: string,
  x: Tensor,
  padding: Padding,
  seam: number | undefined,
): Tensor {
  if (seam === undefined) return conv2d(context, path, x, 1, padding);
  const [weights, bias] = weightAndBias(context, path);
  return context.tap(path, context.kernels.joinedConv2d(x, weights, bias, 1, padding, seam));
}

/**
 * The seam that a group norm leaves of one: a group that straddles it mixes both pictures, so from the next group on
 * there is the second alone. Undefined when no group is left, or there was no seam.
 * @param channels of both pictures; `groups` divides them
 */
export function seamAfterNorm(seam: number | undefined, channels: number, groups: number): number | undefined {
  if (seam === undefined) return undefined;
  const size = channels / groups;
  const next = Math.ceil(seam / size) * size;
  return next < channels ? next : undefined;
}
