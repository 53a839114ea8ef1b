/** What a model is told of the picture that it shall see in the noise. */
import { finite, mustBe, optional, type Check } from '../tensor/checks.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** What is asked for; an empty condition is that of an unconditional model. */
export interface Condition {
  /**
   * Class labels, one for each sample or one for all: whole numbers from 0 on where the model looks them up. For
   * class_embed_type "identity" their embeddings, [B,D].
   */
  readonly classLabels?: readonly number[] | Tensor;
}

/**
 * Conditions by the names that guidances call them: `given` is what was asked for, `null` is "nothing in particular",
 * ∅. A guidance that asks for a name that is missing here is refused.
 */
export type Conditions = Readonly<Record<string, Condition>>;

/** Class labels; whether the model has them, the model finds out. */
export const areLabels: Check = mustBe(
  'a list of numbers, as [0, 1]',
  (labels) => Array.isArray(labels) && labels.every((label) => typeof label === 'number'),
);

/**
 * The conditions of a class-conditional model.
 * @param labels one for each sample, or one for all; undefined for an unconditional model
 * @param nullLabel the label that means "no class", where the model has one
 * @throws InputError when the labels are no list of numbers, or the null label is no number
 */
export function classConditions(labels: readonly number[] | undefined, nullLabel: number | undefined): Conditions {
  optional(areLabels)('labels', labels);
  optional(finite())('nullLabel', nullLabel);
  return {
    given: labels ? { classLabels: labels } : {},
    ...(nullLabel !== undefined && { null: { classLabels: [nullLabel] } }),
  };
}
