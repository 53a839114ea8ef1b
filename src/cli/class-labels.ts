/** Which class labels a command asks for. */
import { labelsOf } from '../evaluation/record.ts';
import type { UNet } from '../models/unet2d/unet.ts';
import { InputError } from '../tensor/errors.ts';
import type { ParsedOptions } from './options.ts';

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

/**
 * The class labels of the samples, as the model takes them: what `--labels` and `--null-label` say.
 * @param count how many samples there are
 * @throws InputError for more labels than samples, and as `chooseLabels`
 */
export function conditionsOf(
  options: ParsedOptions,
  unet: UNet,
  count: number,
): { labels?: readonly number[]; nullLabel?: number } {
  const { numClassEmbeds } = unet.config;
  const range = numClassEmbeds === undefined ? '' : ` (0 to ${numClassEmbeds - 1})`;
  const nullLabel = options.integer('null-label', 0);
  const chosen = chooseLabels(listedLabels(options), nullLabel, unet, {
    labels: `--labels${range}`,
    embeddings: 'use pag forward',
  });
  if (chosen.length > count)
    throw new InputError(
      `--labels has ${chosen.length} labels, but ${count} ${count === 1 ? 'sample is' : 'samples are'} drawn; ` +
        'give at most one label for each',
    );
  const numbers = Array.from({ length: count }, (_, i) => i);
  return {
    ...(chosen.length > 0 && { labels: labelsOf(numbers, chosen) }),
    ...(nullLabel !== undefined && { nullLabel }),
  };
}

/** More classes than any model has. */
const mostLabels = 100_000;

/**
 * What `--labels` lists, or another option: whole numbers and ranges of them, as `0-25`.
 * @throws InputError for what is neither, and for too many
 */
export function listedLabels(options: ParsedOptions, name = 'labels'): readonly number[] | undefined {
  const ranges = options.list(name)?.map((text) => labelRange(text, name));
  const count = ranges?.reduce((sum, [first, last]) => sum + last - first + 1, 0) ?? 0;
  if (count > mostLabels)
    throw new InputError(`--${name} ${options.text(name)} is ${count} labels; at most ${mostLabels} can be listed`);
  return ranges?.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
}

function labelRange(text: string, name: string): readonly [first: number, last: number] {
  const match = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (!(first <= last))
    throw new InputError(`--${name} has "${text}"; expected whole numbers or ranges as 0-25, between commas`);
  return [first, last];
}
