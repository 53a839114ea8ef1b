/** What only guidances have, which are not derived. */
import { InputError } from '../../tensor/errors.ts';
import type { Kind } from '../operations/index.ts';
import type { Rule, Rules } from './rule.ts';

/** The operations of perturbed passes. */
export const none: Rules<'entmax' | 'limitNorm'> = { entmax: refused('entmax'), limitNorm: refused('limitNorm') };

function refused<K extends Kind>(kind: K): Rule<K> {
  return () => {
    throw new InputError(`gradient: ${kind} stands in perturbed passes only; there is no gradient of it`);
  };
}
