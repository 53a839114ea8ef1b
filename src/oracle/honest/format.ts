/** The precisions in which a port may compute, by their unit roundoffs: the largest relative error of one rounding. */
import type { DType } from '../../tensor/tensor.ts';

/** The precisions that a port may compute in. `mixed`: stored in 16 bits, computed in float32. */
export const formatNames = ['f32', 'tf32', 'bf16', 'f16', 'mixed'] as const;
/** The name of a precision. */
export type FormatName = (typeof formatNames)[number];

/** What a precision rounds, and how coarsely: unit roundoffs. */
export interface Format {
  readonly name: FormatName;
  /** One line. */
  readonly summary: string;
  /** What inputs, weights and results are stored in. */
  readonly storage: DType;
  /** Of storing a result. */
  readonly stored: number;
  /** Of what is multiplied, where it is rounded once more for that; otherwise 0. */
  readonly multiplied: number;
  /** Of each addition of a long sum. */
  readonly added: number;
}

const [single, half, brain] = [2 ** -24, 2 ** -11, 2 ** -8];

/** The precisions, by name. */
export const formats: Readonly<Record<FormatName, Format>> = {
  f32: { name: 'f32', summary: 'float32 throughout', storage: 'f32', stored: single, multiplied: 0, added: single },
  tf32: {
    name: 'tf32',
    summary: 'float32, but products of numbers rounded to 11 bits',
    storage: 'f32',
    stored: single,
    multiplied: half,
    added: single,
  },
  bf16: {
    name: 'bf16',
    summary: 'bfloat16 storage, float32 sums',
    storage: 'bf16',
    stored: brain,
    multiplied: 0,
    added: single,
  },
  f16: {
    name: 'f16',
    summary: 'float16 throughout, sums too',
    storage: 'f16',
    stored: half,
    multiplied: 0,
    added: half,
  },
  mixed: {
    name: 'mixed',
    summary: 'float16 storage, float32 sums',
    storage: 'f16',
    stored: half,
    multiplied: 0,
    added: single,
  },
};
