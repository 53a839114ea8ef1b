import type { AttentionMixer } from '../attention.ts';

/**
 * The whole attention layer is left out: its output is its input (skip-layer guidance; diffusers' `skip_attention`).
 */
export const skip: AttentionMixer = { key: 'skip', mix: undefined };
