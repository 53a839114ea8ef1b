/** Which class labels a command asks for. */
import type { UNet } from '../models/unet2d/unet.ts';
import { InputError } from '../tensor/errors.ts';

/** What a command says to a user whose model it cannot serve as asked. */
export interface LabelAdvice {
  /** How `--labels` is given, as `--labels, as 0-25`, for a model that wants classes. */
  readonly labels: string;
  /** What a model that takes embeddings is good for. */
  readonly embeddings: string;
}

/**
 * The labels that are asked for; the one that means "no class" where none are; none for a model without classes.
 * @param listed what `--labels` says
 * @param nullLabel what `--null-label` says
 * @throws InputError for what the model does not take, and where it wants a label and is given none
 */
export function chooseLabels(
  listed: readonly number[] | undefined,
  nullLabel: number | undefined,
  { config: { classEmbedding, numClassEmbeds = Infinity } }: UNet,
  advice: LabelAdvice,
): readonly number[] {
  if (classEmbedding === 'none') {
    if (listed || nullLabel !== undefined)
      throw new InputError('the model is not class-conditional; leave out --labels and --null-label');
    return [];
  }
  if (classEmbedding === 'identity')
    throw new InputError(
      `the model takes class embeddings, not labels (class_embed_type "identity"); ${advice.embeddings}`,
    );
  const unasked = nullLabel === undefined ? [] : [nullLabel];
  const labels = listed ?? unasked;
  if (labels.length === 0)
    throw new InputError(
      `the model is class-conditional; give ${advice.labels}, or --null-label to draw without a class`,
    );
  const most = classEmbedding === 'lookup' ? numClassEmbeds - 1 : Infinity;
  const wrong = [...labels, ...unasked].find((label) => label > most);
  if (wrong !== undefined)
    throw new InputError(`class label ${wrong} is outside the model's table: whole numbers from 0 to ${most}`);
  return labels;
}
