/** Which rule lowers which operation. */
import type { Node } from '../../graph.ts';
import type { Kind } from '../../operations/index.ts';
import { applyAttentionMap, attention, attentionMap, attentionScores, transposeMap } from './attention.ts';
import { conv2d, upsampleConv2d } from './convolution.ts';
import { activation, activationDerivative, affine, combine, divide } from './elementwise.ts';
import { conv2dWeightGradient, placePixels, transposeWeight } from './gradients.ts';
import { groupNorm } from './group-norm.ts';
import { groupNormGradient, groupNormSums } from './group-norm-gradient.ts';
import { host } from './host.ts';
import { concatBatch, concatChannels } from './joining.ts';
import { linear } from './linear.ts';
import type { Lowering } from './lowering.ts';
import { averagePool2x, resizeNearest, upsampleNearest2x } from './resample.ts';
import { layerNorm, softmax } from './rows.ts';
import type { Rule } from './rule.ts';
import { fromTokens, reshape, sliceBatch, sliceChannels, toTokens } from './views.ts';
import { winogradConv2d } from './winograd.ts';

/** One rule for each kind: an operation without one is a type error here. */
const rules: { readonly [K in Kind]: Rule<K> } = {
  conv2d,
  winogradConv2d,
  upsampleConv2d,
  linear,
  groupNorm,
  layerNorm,
  softmax,
  entmax: host,
  limitNorm: host,
  attention,
  attentionScores,
  attentionMap,
  applyAttentionMap,
  activation,
  affine,
  divide,
  add: combine,
  subtract: combine,
  multiply: combine,
  upsampleNearest2x,
  resizeNearest,
  averagePool2x,
  concatChannels,
  concatBatch,
  sliceChannels,
  sliceBatch,
  reshape,
  toTokens,
  fromTokens,
  conv2dWeightGradient,
  transposeWeight,
  transposeMap,
  placePixels,
  activationDerivative,
  groupNormGradient,
  groupNormSums,
};

/** Lowers an operation by the rule of its kind. */
export function lowerNode(lowering: Lowering, node: Node): void {
  // The table gives each kind the rule for nodes of that kind, which TypeScript cannot follow from one to the other.
  const rule = rules[node.operation.kind] as Rule<Kind>;
  rule(lowering, node);
}
