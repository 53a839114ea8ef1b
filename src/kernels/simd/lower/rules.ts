/** Which rule lowers which operation. */
import { doubleActivations } from '../tiles/activations.ts';
import { floatActivations } from '../tiles/elementary.ts';
import { applyAttentionMap, attentionMap, attentionScores, transposeMap } from './attention.ts';
import { activationBy } from './elementwise.ts';
import {
  activationDerivative,
  conv2dWeightGradient,
  groupNormGradient,
  placePixels,
  transposeWeight,
} from './gradients.ts';
import { host } from './host.ts';
import { leanRules } from './lean-rules.ts';
import { layerNorm, softmax } from './rows.ts';
import type { Rules } from './rule.ts';
import { winogradConv2d } from './winograd.ts';

/**
 * One rule for each kind: an operation without one is a type error here. By the plain loops are tanh, which models have
 * on small tensors only, and what is rare.
 */
export const rules: Rules = {
  ...leanRules,
  layerNorm,
  softmax,
  attentionScores,
  attentionMap,
  applyAttentionMap,
  activation: activationBy({ ...floatActivations, ...doubleActivations }, host),
  winogradConv2d,
  entmax: host,
  limitNorm: host,
  resizeNearest: host,
  conv2dWeightGradient,
  transposeWeight,
  transposeMap,
  placePixels,
  activationDerivative,
  groupNormGradient,
};
