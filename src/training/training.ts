/** What stays the same over a training: its config, the model to begin with, the noise, and what is learned. */
import type { Backend } from '../kernels/kernels.ts';
import { classGradient } from '../models/class-gradient.ts';
import { lossGradient } from '../models/loss-gradient.ts';
import { aModel, type Model, type ModelInput, type Weights } from '../models/model.ts';
import type { UNetConfig } from '../models/unet2d/config.ts';
import type { UNetState } from '../models/unet2d/state.ts';
import type { UNet } from '../models/unet2d/unet.ts';
import type { UNetClassifierConfig } from '../models/unet2d-classifier/config.ts';
import type { UNetClassifier } from '../models/unet2d-classifier/unet-classifier.ts';
import { betaSchedules, readNoiseSchedule, type NoiseSchedule } from '../schedulers/noise-schedule.ts';
import { readOptions, type Config as SchedulerConfig } from '../schedulers/options.ts';
import { predictionTypes, type PredictionType } from '../schedulers/prediction.ts';
import { createScheduler, schedulers } from '../schedulers/registry.ts';
import { mustBe, withMethods } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { cast } from '../tensor/rounding.ts';
import { shown } from '../tensor/shown.ts';
import type { DType, Tensor } from '../tensor/tensor.ts';
import { at } from '../tensor/at.ts';
import type { Batch } from './batches.ts';
import type { TrainingConfig } from './config.ts';
import { levelsAt, minSnrWeight, noised, targetOf } from './targets.ts';

/** What a step of a training goes by, whatever is trained. */
export interface Learner {
  readonly config: TrainingConfig;
  /** What is trained, with its first weights, in f32 or f64. */
  readonly model: Pick<Model, 'dtype' | 'weights' | 'stages'>;
  /** The loss of a batch, and how it changes with each weight that is learned. */
  gradientOf(backend: Backend, weights: Weights, batch: Batch, checkpointing: boolean): BatchGradient;
}

/** A learner. */
export const aLearner = withMethods<Learner>('a training, as createTraining gives it', 'gradientOf');

/** A training that can begin. */
export interface Training<Config = unknown> extends Learner {
  /** What is trained. */
  readonly kind: 'denoiser' | 'classifier';
  /** With its first weights, in f32 or f64. Its programs are those of all steps. */
  readonly model: Model<Config, ModelInput, UNetState>;
  /** What the pictures must be: those of a UNet2DModel of this config, whose classes are theirs. */
  readonly learns: UNetConfig;
  /** β and ᾱ over the timesteps. */
  readonly noiseSchedule: NoiseSchedule;
  /** What the model is given of a batch. */
  inputOf(batch: Batch): ModelInput;
}

/** The loss of a batch and its gradients by parameter. */
export interface BatchGradient {
  readonly loss: number;
  readonly parameters: ReadonlyMap<string, Tensor>;
}

/**
 * A training of a model that says what is noise.
 * @param config from `parseTrainingConfig`
 * @param model with its first weights, as `createUNet(config, initialWeights(config, manualSeed(0)))`
 * @param schedulerConfig noise and prediction type, as a scheduler_config.json has them; read as its own class does
 * @throws InputError for a model in 16 bits, and a scheduler of other models than those of noise at whole timesteps
 */
export function createTraining(
  config: TrainingConfig,
  model: UNet,
  schedulerConfig: SchedulerConfig = { _class_name: 'DDPMScheduler' },
): Training<UNetConfig> {
  const learner = denoisingLearner(config, model, schedulerConfig);
  return { ...learner, kind: 'denoiser', learns: model.config };
}

/** What learns to remove noise: a learner, the noise, and what its model is given of a batch. */
export type DenoisingLearner<Config, State> = Learner &
  Pick<Training, 'noiseSchedule' | 'inputOf'> & { readonly model: Model<Config, ModelInput, State> };

/**
 * A learner of a model of any family that says what is noise; `createTraining` for a UNet2DModel.
 * @param config from `parseTrainingConfig`; its `model` is not read
 * @param model with its first weights
 * @param schedulerConfig as for `createTraining`
 * @throws InputError as `createTraining`
 */
export function denoisingLearner<Config, State>(
  config: TrainingConfig,
  model: Model<Config, ModelInput, State>,
  schedulerConfig: SchedulerConfig,
): DenoisingLearner<Config, State> {
  checkParts(config, model);
  const { noiseSchedule, predictionType } = noiseOf(schedulerConfig);
  const inputOf = ({ timesteps, labels, ...batch }: Batch): ModelInput => ({
    sample: noisedBatch(batch, timesteps, noiseSchedule, model.dtype),
    timesteps,
    ...(labels && { classLabels: labels }),
  });
  const gamma = config.loss.min_snr_gamma;
  return {
    config,
    model,
    noiseSchedule,
    inputOf,
    gradientOf(backend, weights, batch, checkpointing) {
      const { sample, noise, timesteps } = batch;
      const levels = levelsAt(noiseSchedule, timesteps, model.dtype);
      const target = targetOf(predictionType, cast(sample, model.dtype), cast(noise, model.dtype), levels);
      const { loss, parameters } = lossGradient({ ...model, weights }, backend, inputOf(batch), target, {
        checkpointing,
        ...(gamma !== null && {
          importance: levelsAt(noiseSchedule, timesteps, 'f32').map((level) =>
            minSnrWeight(predictionType, level, gamma),
          ),
        }),
      });
      return { loss: at(loss.data, 0), parameters };
    },
  };
}

/**
 * A training of a noise-aware classifier: the cross-entropy of what it says of noised pictures.
 * @param config from `parseTrainingConfig`; without what only drawing models have
 * @param model with its first weights, as `createUNetClassifier(config, initialClassifierWeights(…))`
 * @param schedulerConfig the noise, as a scheduler_config.json has it
 * @throws InputError as `createTraining`, and for keys that mean nothing here
 */
export function createClassifierTraining(
  config: TrainingConfig,
  model: UNetClassifier,
  schedulerConfig: SchedulerConfig = { _class_name: 'DDPMScheduler' },
): Training<UNetClassifierConfig> {
  checkParts(config, model);
  refuseDrawing(config);
  const { noiseSchedule } = noiseOf(schedulerConfig);
  const inputOf = ({ timesteps, ...batch }: Batch): ModelInput => ({
    sample: noisedBatch(batch, timesteps, noiseSchedule, model.dtype),
    timesteps,
  });
  return {
    kind: 'classifier',
    config,
    model,
    learns: picturesOfClasses(model.config),
    noiseSchedule,
    inputOf,
    gradientOf: (backend, weights, batch, checkpointing) =>
      classGradient({ ...model, weights }, backend, inputOf(batch), batch.labels ?? [], { checkpointing }),
  };
}

/** What the pictures of a classifier's training must be: those of a UNet2DModel of this config, with its classes. */
export function picturesOfClasses({ encoder, sampleSize, numClasses }: UNetClassifierConfig): UNetConfig {
  return { ...encoder, sampleSize, classEmbedding: 'lookup', numClassEmbeds: numClasses };
}

/** x_t of a batch, in the precision of the model. */
function noisedBatch(
  { sample, noise }: Pick<Batch, 'sample' | 'noise'>,
  timesteps: readonly number[],
  schedule: NoiseSchedule,
  dtype: DType,
): Tensor {
  return noised(cast(sample, dtype), cast(noise, dtype), levelsAt(schedule, timesteps, dtype));
}

function checkParts(config: TrainingConfig, model: Model): void {
  isConfig('the config', config);
  aModel('the model', model);
  if (model.dtype !== 'f32' && model.dtype !== 'f64')
    throw new InputError(
      `the model is in ${model.dtype}; a training is in f32 or f64, for small steps vanish in 16 bits`,
    );
}

const isConfig = mustBe('what parseTrainingConfig makes of a CONFIG.json', (value) => {
  const { optimiser, steps } = Object(value) as Partial<TrainingConfig>;
  return typeof optimiser === 'object' && typeof steps === 'number';
});

/**
 * The noise that a model of whole timesteps knows, and what it says.
 * @throws InputError for a scheduler of other models
 */
export function noiseOf(schedulerConfig: SchedulerConfig): {
  readonly noiseSchedule: NoiseSchedule;
  readonly predictionType: PredictionType;
} {
  const { name, config: whole } = createScheduler(schedulerConfig, 1);
  if (schedulers[name]?.kind !== 'discrete')
    throw new InputError(`${name} is for another kind of models; supported in training is DDPMScheduler`);
  const said = whole['prediction_type'] ?? 'epsilon';
  const predictionType = predictionTypes.find((type) => type === said);
  if (predictionType === undefined)
    throw new InputError(`${name}: prediction_type is ${shown(said)}; supported is ${predictionTypes.join(', ')}`);
  const noiseSchedule = readNoiseSchedule(readOptions(whole, name), [...betaSchedules, 'exp'], name);
  return { noiseSchedule, predictionType };
}

/** Refuses what a classifier has no use for. */
function refuseDrawing({ batch, loss, samples }: TrainingConfig): void {
  const given = [
    ['batch.label_dropout', batch.label_dropout > 0],
    ['batch.null_label', batch.null_label !== null],
    ['loss.min_snr_gamma', loss.min_snr_gamma !== null],
    ['samples.every', samples.every > 0],
  ] as const;
  for (const [key, isGiven] of given)
    if (isGiven) throw new InputError(`the config has ${key}, which a classifier has no use for; leave it out`);
}
