import type { AttentionMixer } from '../attention.ts';

/**
 * Perturbed self-attention, the heart of PAG: the map is the identity matrix, PSA = I V = V (PAG paper, eq. 12).
 * Every token attends to itself alone. Query and key are never computed.
 */
export const identity: AttentionMixer = {
  key: 'identity',
  mix: ({ value }) => value,
};
