/** What stays the same over a training: its config, the model to begin with, and the noise. */
import { aModel } from '../models/model.ts';
import type { UNet } from '../models/unet2d/unet.ts';
import { betaSchedules, readNoiseSchedule, type NoiseSchedule } from '../schedulers/noise-schedule.ts';
import { readOptions, type Config } from '../schedulers/options.ts';
import { predictionTypes, type PredictionType } from '../schedulers/prediction.ts';
import { createScheduler, schedulers } from '../schedulers/registry.ts';
import { mustBe } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { shown } from '../tensor/shown.ts';
import type { TrainingConfig } from './config.ts';

/** A training that can begin. */
export interface Training {
  readonly config: TrainingConfig;
  /** With its first weights, in f32 or f64. Its programs are those of all steps. */
  readonly model: UNet;
  /** β and ᾱ over the timesteps. */
  readonly noiseSchedule: NoiseSchedule;
  /** What the model learns to say. */
  readonly predictionType: PredictionType;
}

/**
 * A training of a model.
 * @param config from `parseTrainingConfig`
 * @param model with its first weights, as `createUNet(config, initialWeights(config, manualSeed(0)))`
 * @param schedulerConfig noise and prediction type, as a scheduler_config.json has them; read as its own class does
 * @throws InputError for a model in 16 bits, and a scheduler of other models than those of noise at whole timesteps
 */
export function createTraining(
  config: TrainingConfig,
  model: UNet,
  schedulerConfig: Config = { _class_name: 'DDPMScheduler' },
): Training {
  isConfig('the config', config);
  aModel('the model', model);
  if (model.dtype !== 'f32' && model.dtype !== 'f64')
    throw new InputError(
      `the model is in ${model.dtype}; a training is in f32 or f64, for small steps vanish in 16 bits`,
    );
  const { name, config: whole } = createScheduler(schedulerConfig, 1);
  if (schedulers[name]?.kind !== 'discrete')
    throw new InputError(`${name} is for another kind of models; supported in training is DDPMScheduler`);
  const said = whole['prediction_type'] ?? 'epsilon';
  const predictionType = predictionTypes.find((type) => type === said);
  if (predictionType === undefined)
    throw new InputError(`${name}: prediction_type is ${shown(said)}; supported is ${predictionTypes.join(', ')}`);
  const noiseSchedule = readNoiseSchedule(readOptions(whole, name), [...betaSchedules, 'exp'], name);
  return { config, model, noiseSchedule, predictionType };
}

const isConfig = mustBe('what parseTrainingConfig makes of a CONFIG.json', (value) => {
  const { optimiser, steps } = Object(value) as Partial<TrainingConfig>;
  return typeof optimiser === 'object' && typeof steps === 'number';
});
