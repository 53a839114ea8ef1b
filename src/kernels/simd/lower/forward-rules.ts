/** The rules of all that goes forward in the direct order. */
import { activation } from '../../definition/activation.ts';
import { entmax } from '../../definition/entmax.ts';
import { limitNorm } from '../../definition/limit-norm.ts';
import { resizeNearest } from '../../plain/resampling.ts';
import { mishf } from '../tiles/activations.ts';
import { floatActivations } from '../tiles/elementary.ts';
import { geluf } from '../tiles/gelu.ts';
import { applyAttentionMap, attentionMap, attentionScores } from './attention.ts';
import { activationBy } from './elementwise.ts';
import { host } from './host.ts';
import { leanRules } from './lean-rules.ts';
import { layerNorm, softmax } from './rows.ts';
import type { Rules } from './rule.ts';

/**
 * One rule for each kind that it takes. By plain loops are tanh, which models have on small tensors only, pictures of
 * odd sizes, and what is rare.
 */
export const forwardRules = {
  ...leanRules,
  activation: activationBy({ ...floatActivations, gelu: geluf, mish: mishf }, host({ activation })),
  layerNorm,
  softmax,
  attentionScores,
  attentionMap,
  applyAttentionMap,
  entmax: host({ entmax }),
  limitNorm: host({ limitNorm }),
  resizeNearest: host({ resizeNearest }),
} satisfies Partial<Rules>;
