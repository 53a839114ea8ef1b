/** What a model is told of the picture that it shall see in the noise. */
import { InputError } from '../tensor/errors.ts';
import { finite, mustBe, optional, type Check } from '../tensor/checks.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** What is asked for; an empty condition is that of an unconditional model. */
export interface Condition {
  /**
   * Class labels, one for each sample or one for all: whole numbers from 0 on where the model looks them up. For
   * class_embed_type "identity" their embeddings, [B,D].
   */
  readonly classLabels?: readonly number[] | Tensor;
  /** The text as its encoder gives it, [B,M,D], M tokens; or [1,M,D] for all samples, and so below. */
  readonly encoderHiddenStates?: Tensor;
  /** A text that perturbed cross-attention goes away from (NAG), as its encoder gives it, [B,M′,D]. */
  readonly negativeHiddenStates?: Tensor;
  /** Which tokens count, [B,M]: 1 for one that does, 0 for one that does not; all, unless given. */
  readonly encoderAttentionMask?: Tensor;
  /** The text as a whole, [B,P] (SDXL). */
  readonly textEmbeds?: Tensor;
  /**
   * Original size, crop and target size in pixels, [B,6], height before width; whatever else the model learnt (SDXL).
   */
  readonly timeIds?: Tensor;
  /** The guidance scale that a distilled model embeds, as numbers, [B,m] (LCM). */
  readonly timestepCond?: Tensor;
  /** A picture as its encoder gives it, [B,E] (Kandinsky). */
  readonly imageEmbeds?: Tensor;
}

/**
 * Fails if something is given that the model takes no notice of.
 * @param taken what it does take
 * @throws InputError that names it
 */
export function expectOnly(condition: Condition, taken: readonly (keyof Condition)[]): void {
  const known: readonly string[] = taken;
  for (const name of conditionNames) {
    if (condition[name] === undefined || known.includes(name)) continue;
    throw new InputError(`${name} is given, but the model takes none; it takes ${taken.join(', ') || 'no condition'}`);
  }
}

/** What of a condition is always a tensor. */
export const conditionTensors = [
  'encoderHiddenStates',
  'encoderAttentionMask',
  'negativeHiddenStates',
  'textEmbeds',
  'timeIds',
  'timestepCond',
  'imageEmbeds',
] as const satisfies readonly (keyof Condition)[];
const conditionNames = ['classLabels', ...conditionTensors] as const;

/**
 * Conditions by the names that guidances call them: `given` is what was asked for, `null` is "nothing in particular",
 * ∅. A guidance that asks for a name that is missing here is refused.
 */
export type Conditions = Readonly<Record<string, Condition>>;

/** A condition, and no key that nobody reads. */
export const aCondition: Check = (name, value) => {
  mustBe('an object, as { classLabels: [0] }', (one) => typeof one === 'object' && one !== null)(name, value);
  const unknown = Object.keys(Object(value)).find((key) => !(conditionNames as readonly string[]).includes(key));
  if (unknown !== undefined) throw new InputError(`${name} has no ${unknown}; it has { ${conditionNames.join(', ')} }`);
};

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
