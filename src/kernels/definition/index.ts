/**
 * What every operation is: one file each, its formula and the naive loop of it, every product written out, every
 * rounding visible. `rounding.ts` says where numbers round, `sums.ts` in which order they are added; the rest of a file
 * is all there is to know. The letters of dimensions are those of `kernels.ts`; in the loops b runs to B, c to C, and
 * so on.
 *
 * These loops are slow. `plain/` has quicker ones and `simd/` fast ones, held to the bits of these by test/kernels.
 */
import type { Backend, Kernels } from '../kernels.ts';
import { checked } from '../operations/index.ts';
import { kernelsInOrder, orderOf, type OrderOptions } from '../order.ts';
import { runOn } from '../run.ts';
import { activation } from './activation.ts';
import { activationDerivative } from './activation-derivative.ts';
import { applyAttentionMap, attention, attentionMap, attentionScores } from './attention.ts';
import { concatBatch, concatChannels, reshape, sliceBatch, sliceChannels } from './concat-and-slice.ts';
import { conv2d } from './conv2d.ts';
import { conv2dWeightGradient } from './conv2d-weight-gradient.ts';
import { add, affine, divide, multiply, subtract } from './elementwise.ts';
import { groupNorm } from './group-norm.ts';
import { groupNormGradient, groupNormSums } from './group-norm-gradient.ts';
import { joinedConv2d } from './joined-conv2d.ts';
import { entmax } from './entmax.ts';
import { layerNorm } from './layer-norm.ts';
import { limitNorm } from './limit-norm.ts';
import { linear } from './linear.ts';
import { placePixels } from './place-pixels.ts';
import { averagePool2x, resizeNearest, upsampleNearest2x } from './resampling.ts';
import { softmax } from './softmax.ts';
import { fromTokens, toTokens } from './tokens.ts';
import { transposeMap } from './transpose-map.ts';
import { transposeWeight } from './transpose-weight.ts';
import { upsampleConv2d } from './upsample-conv2d.ts';
import { winogradConv2d } from './winograd-conv2d.ts';

/** The definitions. Their bits are those of `referenceKernels`; they take some ten times as long. */
export const definitionKernels: Kernels = checked({
  conv2d,
  winogradConv2d,
  joinedConv2d,
  upsampleConv2d,
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
 * Runs programs with the definitions, in any dtype.
 * @throws InputError for options that are none
 */
export function definitionBackend(options: OrderOptions = {}): Backend {
  const kernels = kernelsInOrder(definitionKernels, orderOf('definitionBackend', options));
  return {
    name: 'definition',
    run: runOn(kernels),
    dispose: () => {},
  };
}
