/** The classifier of noised pictures that `--guidance classifier` follows, and the labels that it is asked for. */
import { labelsOf } from '../evaluation/record.ts';
import { loadClassifierFolder } from '../formats/classifier-folder.ts';
import { folderReader } from '../formats/node-files.ts';
import { classSlope } from '../guidance/class-slope.ts';
import type { SlopeAt } from '../guidance/classifier.ts';
import type { Backend } from '../kernels/kernels.ts';
import { checkedLabels } from '../models/class-gradient.ts';
import { createUNetClassifier, type UNetClassifier } from '../models/unet2d-classifier/unet-classifier.ts';
import type { Config } from '../schedulers/options.ts';
import { InputError } from '../tensor/errors.ts';
import type { DType } from '../tensor/tensor.ts';
import { noiseOf } from '../training/training.ts';
import { listedLabels } from './class-labels.ts';
import { guidanceName, isClassifierGuidance } from './guidance-options.ts';
import { warn } from './messages.ts';
import { schedulerNamed } from './model.ts';
import { refuseIdle, type OptionKinds, type ParsedOptions } from './options.ts';
import { noiseClassifier } from './shipped.ts';

/** The options that choose it. */
export const classifierOptions: OptionKinds = { 'noise-classifier': 'text', 'classifier-labels': 'text' };

/** The part of a command's help that explains them. */
export const classifierHelp = `\
  --noise-classifier DIR          of --guidance classifier: what pag train --classifier has made (the classifier of
                                  letters that ships, where the model is the one that ships)
  --classifier-labels 0-4,7       what it is asked for, repeated as often as needed (--labels)`;

/** A classifier that guides. */
export interface ChosenClassifier {
  readonly model: UNetClassifier;
  /** What it is asked for, repeated as often as needed. */
  readonly labels: readonly number[];
  /** The slope for pictures of these numbers, each asked to be of its label. */
  slopeFor(numbers: readonly number[]): SlopeAt;
}

/**
 * The classifier that the options choose; undefined where they choose none, or no labels for it.
 * @param schedulerConfig of the model that is guided
 * @throws InputError for a folder that cannot be read, labels that it does not know, another noise than the model's,
 *   and options without effect
 */
export async function chooseClassifier(
  options: ParsedOptions,
  dtype: DType,
  backend: Backend,
  schedulerConfig: Config | undefined,
): Promise<ChosenClassifier | undefined> {
  const guidance = guidanceName(options);
  if (!isClassifierGuidance(guidance)) {
    refuseIdle(options, Object.keys(classifierOptions), `with --guidance ${guidance}`);
    return undefined;
  }
  const folder = options.text('noise-classifier') ?? (options.has('model') ? undefined : noiseClassifier);
  const labels = listedLabels(options, 'classifier-labels') ?? listedLabels(options);
  if (folder === undefined || labels === undefined) return undefined;
  const found = await loadClassifierFolder(await folderReader(folder), folder);
  warn(found.warnings);
  checkNoise(folder, found.schedulerConfig, schedulerConfig);
  const model = createUNetClassifier(found.config, found.weights, dtype, folder);
  checkedLabels(labels, labels.length, model.outChannels);
  return { model, labels, slopeFor: (numbers) => classSlope(model, backend, labelsOf(numbers, labels)) };
}

/** @throws InputError where a classifier was trained with other noise than the model */
function checkNoise(folder: string, own: Config | undefined, ofModel: Config | undefined): void {
  if (!own || !ofModel || schedulerNamed(ofModel['_class_name'])?.kind !== 'discrete') return;
  const [known, given] = [own, ofModel].map((config) => noiseOf(config).noiseSchedule.alphasCumprod);
  if (known?.length === given?.length && known?.every((alpha, t) => alpha === given?.[t])) return;
  throw new InputError(
    `${folder} was trained with other noise than the model has; train one with the model's scheduler_config.json`,
  );
}
