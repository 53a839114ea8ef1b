/** What only guidances have, which are not derived. */
import { refused, type Rules } from './rule.ts';

const reason = 'stands in perturbed passes only; there is no gradient of it';

/** The operations of perturbed passes. */
export const none: Rules<'entmax' | 'limitNorm'> = {
  entmax: refused('entmax', reason),
  limitNorm: refused('limitNorm', reason),
};
