/**
 * Every operation as plain loops that do not dawdle: the bits of `definition/`, some ten times as quick. Each file says
 * what it changes against the definition of its operation, and why the bits stay the same; what is quick enough as it
 * is defined is taken from there.
 */
import { activation } from '../definition/activation.ts';
import { activationDerivative } from '../definition/activation-derivative.ts';
import { affine, divide, subtract } from '../definition/elementwise.ts';
import { placePixels } from '../definition/place-pixels.ts';
import { transposeMap } from '../definition/transpose-map.ts';
import { transposeWeight } from '../definition/transpose-weight.ts';
import type { Backend, Kernels } from '../kernels.ts';
import { entmax } from '../definition/entmax.ts';
import { limitNorm } from '../definition/limit-norm.ts';
import { checked } from '../operations/index.ts';
import { kernelsInOrder, orderOf, type OrderOptions } from '../order.ts';
import { runOn } from '../run.ts';
import { applyAttentionMap, attention, attentionMap, attentionScores } from './attention.ts';
import { conv2d, joinedConv2d } from './conv2d.ts';
import { conv2dWeightGradient } from './conv2d-weight-gradient.ts';
import { add, multiply } from './elementwise.ts';
import { groupNorm } from './group-norm.ts';
import { groupNormGradient, groupNormSums } from './group-norm-gradient.ts';
import { layerNorm } from './layer-norm.ts';
import { linear } from './linear.ts';
import { concatBatch, concatChannels, fromTokens, reshape, sliceBatch, sliceChannels, toTokens } from './rearrange.ts';
import { averagePool2x, resizeNearest, upsampleNearest2x } from './resampling.ts';
import { softmax } from './softmax.ts';
import { upsampleConv2d } from './upsample-conv2d.ts';
import { winogradConv2d } from './winograd-conv2d.ts';

/** The plain loops. */
export const referenceKernels: Kernels = checked({
  conv2d,
  winogradConv2d,
  joinedConv2d,
  linear,
  groupNorm,
  layerNorm,
  softmax,
  entmax,
  limitNorm,
  attentionScores,
  attentionMap,
  applyAttentionMap,
  attention,
  activation,
  upsampleNearest2x,
  upsampleConv2d,
  resizeNearest,
  averagePool2x,
  concatChannels,
  sliceChannels,
  concatBatch,
  sliceBatch,
  reshape,
  toTokens,
  fromTokens,
  add,
  subtract,
  multiply,
  affine,
  divide,
  conv2dWeightGradient,
  transposeWeight,
  transposeMap,
  placePixels,
  activationDerivative,
  groupNormGradient,
  groupNormSums,
});

/**
 * Runs programs with the plain loops, in any dtype.
 * @throws InputError for options that are none
 */
export function referenceBackend(options: OrderOptions = {}): Backend {
  const kernels = kernelsInOrder(referenceKernels, orderOf('referenceBackend', options));
  return {
    name: 'reference',
    run: runOn(kernels),
    dispose: () => {},
  };
}
