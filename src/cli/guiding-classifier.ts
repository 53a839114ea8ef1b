/** The classifier that `--guidance classifier` or `universal` follows, and the labels that it is asked for. */
import { createClassifier, letterCount } from '../evaluation/classifier.ts';
import { letterSlope } from '../evaluation/letter-slope.ts';
import { labelsOf } from '../evaluation/record.ts';
import { loadClassifierFolder } from '../formats/classifier-folder.ts';
import { folderReader } from '../formats/node-files.ts';
import { readTensors } from '../formats/safetensors.ts';
import { classSlope } from '../guidance/class-slope.ts';
import type { SlopeAt } from '../guidance/classifier.ts';
import { throughModel } from '../guidance/original-slope.ts';
import type { ClassifierKind } from '../guidance/registry/index.ts';
import type { Backend } from '../kernels/kernels.ts';
import type { Condition } from '../models/condition.ts';
import type { Weights } from '../models/model.ts';
import { modelSlope } from '../models/slope.ts';
import type { UNet } from '../models/unet2d/unet.ts';
import { createUNetClassifier } from '../models/unet2d-classifier/unet-classifier.ts';
import type { Config } from '../schedulers/options.ts';
import { InputError } from '../tensor/errors.ts';
import { cast } from '../tensor/rounding.ts';
import type { DType } from '../tensor/tensor.ts';
import { noiseOf } from '../training/training.ts';
import { listedLabels } from './class-labels.ts';
import { followedClassifier, givenGuidance, guidanceName } from './guidance-options.ts';
import { warn } from './messages.ts';
import { openSafetensors, schedulerNamed } from './model.ts';
import { refuseIdle, type OptionKinds, type ParsedOptions } from './options.ts';
import { noiseClassifier, shippedClassifier } from './shipped.ts';

/** The options that choose it. */
export const classifierOptions: OptionKinds = {
  'noise-classifier': 'text',
  'clean-classifier': 'text',
  'classifier-labels': 'text',
};

/** Those that guide the model that ships where no option names one. */
export const classifiersThatShip: Readonly<Record<`${ClassifierKind}-classifier`, string>> = {
  'noise-classifier': noiseClassifier,
  'clean-classifier': shippedClassifier,
};

/** The part of a command's help that explains them. */
export const classifierHelp = `\
  --noise-classifier DIR          of --guidance classifier: what pag train --classifier has made (the classifier of
                                  letters that ships, where the model is the one that ships)
  --clean-classifier FILE         of --guidance universal: a classifier of letters without noise, .safetensors (the
                                  one that ships, where the model is the one that ships)
  --classifier-labels 0-4,7       what it is asked for, repeated as often as needed (--labels)`;

/** A classifier that guides. */
export interface GuidingClassifier {
  /** The option that names it. */
  readonly option: `${ClassifierKind}-classifier`;
  readonly weights: Weights;
  /** What it is asked for, repeated as often as needed. */
  readonly labels: readonly number[];
  /** The slope for pictures of these numbers, each asked to be of its label, that the model draws on a condition. */
  slopeFor(numbers: readonly number[], condition: Condition | undefined): SlopeAt;
}

/** The model that is guided. */
export interface GuidedModel {
  readonly unet: UNet;
  readonly schedulerConfig: Config | undefined;
}

/**
 * The classifier that the options choose; undefined where they choose none, or no labels for it.
 * @throws InputError for files that cannot be read, labels that it does not know, another noise than the model's, and
 *   options without effect
 */
export async function chooseClassifier(
  options: ParsedOptions,
  dtype: DType,
  backend: Backend,
  guided: GuidedModel,
): Promise<GuidingClassifier | undefined> {
  const kind = followedClassifier(options);
  const own = kind === undefined ? [] : [`${kind}-classifier`, 'classifier-labels'];
  const idle = Object.keys(classifierOptions).filter((name) => !own.includes(name));
  refuseIdle(options, idle, `with --guidance ${guidanceName(options)}`);
  if (kind === undefined) return undefined;
  const option = `${kind}-classifier` as const;
  const path = options.text(option) ?? (options.has('model') ? undefined : classifiersThatShip[option]);
  const labels = listedLabels(options, 'classifier-labels') ?? listedLabels(options);
  if (path === undefined || labels === undefined) return refuseUnpulled(options, kind, path);
  const { weights, classes, slopeFor } =
    kind === 'noise'
      ? await noisePull(path, dtype, backend, guided.schedulerConfig)
      : await cleanPull(path, dtype, backend, guided.unet);
  checkAsked(options, labels, classes);
  // Weights that are none are refused before anything is drawn.
  slopeFor(labels, undefined);
  return {
    option,
    labels,
    weights,
    slopeFor: (numbers, condition) => slopeFor(labelsOf(numbers, labels), condition),
  };
}

/** @throws InputError where a classifier or labels for it are missing, and the guidance is to act */
function refuseUnpulled(options: ParsedOptions, kind: ClassifierKind, path: string | undefined): undefined {
  const scale = givenGuidance(options).values.find(([name]) => name === 'classifierScale')?.[1];
  if ([scale].flat().every((ofSample) => ofSample === 0)) return undefined;
  const wanted = path === undefined ? wayOut[kind] : 'labels for its classifier: give --labels or --classifier-labels';
  throw new InputError(`--guidance ${guidanceName(options)} needs ${wanted}, or --classifier-scale 0`);
}

const wayOut: Readonly<Record<ClassifierKind, string>> = {
  noise: 'a classifier: give --noise-classifier DIR (pag train --classifier makes one)',
  clean: 'a classifier: give --clean-classifier FILE.safetensors',
};

/** @throws InputError for labels that the classifier does not know */
function checkAsked(options: ParsedOptions, labels: readonly number[], classes: number): void {
  const unknown = labels.find((label) => label >= classes);
  if (unknown === undefined) return;
  const instead = options.has('classifier-labels') ? '' : '; give --classifier-labels: what it is asked for instead';
  throw new InputError(
    `the label ${unknown} is none of the classifier's: whole numbers from 0 to ${classes - 1}${instead}`,
  );
}

/** A classifier that is loaded: what it knows, and where it pulls for the labels that are asked for. */
interface Pull extends Pick<GuidingClassifier, 'weights'> {
  readonly classes: number;
  readonly slopeFor: (labels: readonly number[], condition: Condition | undefined) => SlopeAt;
}

async function noisePull(folder: string, dtype: DType, backend: Backend, noise: Config | undefined): Promise<Pull> {
  const found = await loadClassifierFolder(await folderReader(folder), folder);
  warn(found.warnings);
  checkNoise(folder, found.schedulerConfig, noise);
  const model = createUNetClassifier(found.config, found.weights, dtype, folder);
  return {
    weights: model.weights,
    classes: model.outChannels,
    slopeFor: (labels) => classSlope(model, backend, labels),
  };
}

async function cleanPull(file: string, dtype: DType, backend: Backend, unet: UNet): Promise<Pull> {
  const stored = readTensors(await openSafetensors(file));
  const weights = new Map([...stored].map(([name, weight]) => [name, cast(weight, dtype)] as const));
  const classifier = createClassifier(weights, file);
  return {
    weights,
    classes: letterCount,
    slopeFor: (labels, condition) =>
      throughModel(modelSlope(unet, backend, condition), letterSlope(classifier, backend, labels)),
  };
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
