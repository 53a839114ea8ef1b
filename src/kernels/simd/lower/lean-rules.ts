/**
 * The rules of what a UNet asks for when it draws: forward, in the direct order, with activation functions that are
 * computed in floats, and attention whose map nobody looks at.
 */
import { floatActivations } from '../tiles/elementary.ts';
import { attention } from './attention.ts';
import { conv2d, upsampleConv2d } from './convolution.ts';
import { activationBy, affine, combine, divide } from './elementwise.ts';
import { groupNorm } from './group-norm.ts';
import { concatBatch, concatChannels } from './joining.ts';
import { linear } from './linear.ts';
import { averagePool2x, upsampleNearest2x } from './resample.ts';
import { withoutKernel, type Rules } from './rule.ts';
import { fromTokens, reshape, sliceBatch, sliceChannels, toTokens } from './views.ts';

/** One rule for each kind that it takes. */
export const leanRules = {
  conv2d,
  upsampleConv2d,
  linear,
  groupNorm,
  attention,
  activation: activationBy(floatActivations, (_lowering, { operation }) => {
    throw withoutKernel(operation.activation);
  }),
  affine,
  divide,
  add: combine,
  subtract: combine,
  multiply: combine,
  upsampleNearest2x,
  averagePool2x,
  concatChannels,
  concatBatch,
  sliceChannels,
  sliceBatch,
  reshape,
  toTokens,
  fromTokens,
} satisfies Partial<Rules>;
