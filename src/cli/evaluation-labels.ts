/** Which class labels an evaluation asks for. */
import type { UNet } from '../models/unet2d/unet.ts';
import { InputError } from '../tensor/errors.ts';

/**
 * Class labels from `--labels`, `0-25` for a range; the label that means "no class" where none are given; none for a
 * model without classes.
 * @throws InputError for what the model does not take
 */
export function chooseLabels(
  listed: readonly string[] | undefined,
  nullLabel: number | undefined,
  { config: { classEmbedding, numClassEmbeds = Infinity } }: UNet,
): readonly number[] {
  if (classEmbedding === 'none') {
    if (listed || nullLabel !== undefined)
      throw new InputError('the model is not class-conditional; leave out --labels and --null-label');
    return [];
  }
  if (classEmbedding === 'identity')
    throw new InputError(
      'the model takes class embeddings, not labels (class_embed_type "identity"); it cannot be evaluated',
    );
  const unasked = nullLabel === undefined ? [] : [nullLabel];
  const labels = listed?.flatMap(labelRange) ?? unasked;
  if (labels.length === 0)
    throw new InputError(
      'the model is class-conditional; give --labels, as 0-25, or --null-label to draw without a class',
    );
  const most = classEmbedding === 'lookup' ? numClassEmbeds - 1 : Infinity;
  const wrong = [...labels, ...unasked].find((label) => label > most);
  if (wrong !== undefined)
    throw new InputError(`class label ${wrong} is outside the model's table: whole numbers from 0 to ${most}`);
  return labels;
}

function labelRange(text: string): readonly number[] {
  const match = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(text);
  const [from, to] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (!(from <= to))
    throw new InputError(`--labels has "${text}"; expected whole numbers or ranges as 0-25, between commas`);
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
