/** Which rule lowers which operation. */
import { attentionMapOrNone, attentionScoresOrBack } from './attention-gradient.ts';
import { transposeMap } from './attention.ts';
import { forwardRules } from './forward-rules.ts';
import { activationDerivative, conv2dWeightGradient, placePixels, transposeWeight } from './gradients.ts';
import { groupNormGradient, groupNormSums } from './group-norm-gradient.ts';
import type { Rules } from './rule.ts';
import { winogradConv2d } from './winograd.ts';

/** One rule for each kind: an operation without one is a type error here. */
export const rules: Rules = {
  ...forwardRules,
  attentionScores: attentionScoresOrBack,
  attentionMap: attentionMapOrNone,
  winogradConv2d,
  conv2dWeightGradient,
  transposeWeight,
  transposeMap,
  placePixels,
  activationDerivative,
  groupNormGradient,
  groupNormSums,
};
