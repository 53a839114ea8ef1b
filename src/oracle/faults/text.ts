/** Mistakes in CLIP's text encoders, and in what of them the UNet is told. */
import { at, lastOf } from '../../tensor/at.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import { filled, inKernels, inKernelsOf, inParts, type AnyStage, type Fault } from './fault.ts';

/** The text is pooled at another token. */
function pooledAt(name: string, says: string, placeOf: (inputIds: readonly number[]) => number): Fault {
  return inParts(name, says, ({ textTensors }) => ({
    textTensors: (tensors, inputIds) => {
      const { pool, ...others } = textTensors(tensors, inputIds);
      if (!pool) return { ...others };
      const count = at(inputIds, 0).length;
      const places = inputIds.map(placeOf);
      return { ...others, pool: filled(pool, (i) => Number(at(places, Math.floor(i / count)) === i % count)) };
    },
  }));
}

const isMask = ({ data }: Tensor): boolean => data.some((value) => value === -Infinity);

const isOfText = ({ path }: AnyStage): boolean =>
  /^encoder\.layers\.|^embeddings$|^final_layer_norm$|^text_projection$/.test(path);

const highest = (ids: readonly number[]): number => ids.indexOf(ids.reduce((a, b) => Math.max(a, b)));

/** What the legacy configs say of the token that ends a text. */
const legacyEnd = 2;

/** Mistakes of text encoders. */
export const textFaults: readonly Fault[] = [
  inKernels(
    'causal-mask-missing',
    'leave out the causal mask: in CLIP no token sees those that come after it, in padding neither',
    (k) => ({ add: (a, b) => (isMask(b) ? a : k.add(a, b)) }),
  ),
  inKernels('quick-gelu-is-gelu', 'use GELU where quick_gelu, x · sigmoid(1.702 x), is meant', (k) => ({
    activation: (x, kind) => k.activation(x, kind === 'quick_gelu' ? 'gelu' : kind),
  })),
  inKernels('gelu-is-quick-gelu', 'use quick_gelu, x · sigmoid(1.702 x), where GELU is meant', (k) => ({
    activation: (x, kind) => k.activation(x, kind === 'gelu' ? 'quick_gelu' : kind),
  })),
  pooledAt(
    'pooled-last',
    'take the last token for the pooled text, where it is the first eos_token_id: behind that there is padding',
    (ids) => ids.length - 1,
  ),
  pooledAt(
    'pooled-highest',
    'pool the text at its highest token id (argmax), which is right for eos_token_id 2 alone: ' +
      'tokens that were added later are higher than the end',
    highest,
  ),
  pooledAt('pooled-first', 'take the first token for the pooled text, as BERT does', () => 0),
  pooledAt(
    'pooled-legacy-end',
    'look for token 2 where the config says eos_token_id: 2: ' +
      'old configs say so, and mean the highest token id (argmax)',
    (ids) => Math.max(0, ids.indexOf(legacyEnd)),
  ),
  inParts(
    'penultimate-normed',
    'apply final_layer_norm to hidden_states[-2], which is told as it is',
    ({ penultimate }) => ({ penultimate: (states, norm) => norm(penultimate(states, norm)) }),
  ),
  inParts('penultimate-is-last', 'take the last hidden state where hidden_states[-2] is meant', () => ({
    penultimate: lastOf,
  })),
  inParts(
    'negative-zeros-ignored',
    'encode the empty text where zeros stand for it (force_zeros_for_empty_prompt)',
    () => ({ zeroNegative: () => false }),
  ),
  inKernelsOf(
    isOfText,
    'text-residual-missing',
    "do not add the input of a layer's parts to their output in the text encoder",
    (k) => ({
      add: (a, b) => (a.shape.length === 3 ? b : k.add(a, b)),
    }),
  ),
  inParts('positions-missing', "do not add the positions to the tokens' embeddings", ({ textTensors }) => ({
    textTensors: (tensors, inputIds) => {
      const { positions, ...others } = textTensors(tensors, inputIds);
      return positions ? { ...others, positions: filled(positions, () => 0) } : others;
    },
  })),
];
