/** All faults. */
import { attentionFaults } from './attention.ts';
import { autoencoderFaults } from './autoencoder.ts';
import type { Fault } from './fault.ts';
import { guidanceFaults } from './guidance.ts';
import { layerFaults } from './layers.ts';
import { normFaults } from './norms.ts';
import { numericFaults } from './numerics.ts';
import { pagFaults } from './pag.ts';
import { resamplingFaults } from './resampling.ts';
import { schedulerFaults } from './scheduler.ts';
import { textFaults } from './text.ts';
import { timeAndWiringFaults } from './time-and-wiring.ts';
import { trainingFaults } from './training.ts';
import { transformerFaults } from './transformer.ts';

/** In the order in which equally good explanations are named: what is particular to PAG first. */
export const bank: readonly Fault[] = [
  ...pagFaults,
  ...guidanceFaults,
  ...transformerFaults,
  ...textFaults,
  ...autoencoderFaults,
  ...attentionFaults,
  ...layerFaults,
  ...normFaults,
  ...resamplingFaults,
  ...timeAndWiringFaults,
  ...schedulerFaults,
  ...trainingFaults,
  ...numericFaults,
];

/** Mistakes that are known and that nobody could see in the numbers of these cases, with the reason. */
export const invisible: readonly { readonly name: string; readonly why: string }[] = [
  {
    name: 'rescale-biased-deviation',
    why: 'the factor n − 1 or n is in both standard deviations and cancels in their ratio',
  },
  {
    name: 'key-bias-missing',
    why:
      'a bias of to_k adds the same number to all logits of a query, and the softmax does not see it; ' +
      'only the tap of to_k does',
  },
  {
    name: 'tokens-column-first',
    why: 'self-attention treats all tokens alike: any order in which they are written and read back gives the same',
  },
];
