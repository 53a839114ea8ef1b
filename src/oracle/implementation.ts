/**
 * Everything in which two implementations may differ, as one value. The reference is one; an honest port that adds in
 * another order is another, and so is a port with a mistake. A mistake is therefore a function from implementations to
 * implementations.
 */
import type { Stage } from '../models/stage.ts';
import type { UNetState } from '../models/unet2d/state.ts';
import type { Kernels } from '../kernels/kernels.ts';
import { fourierFeatures, sinusoid } from '../nn/embeddings.ts';
import type { UNetConfig } from '../models/unet2d/config.ts';
import type { Guidance, Pass } from '../guidance/guidance.ts';
import { cfgPag } from '../guidance/pag.ts';
import { rescaled } from '../guidance/rescale.ts';
import type { Config } from '../schedulers/options.ts';
import { createScheduler, type SchedulerChoices } from '../schedulers/registry.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import type { GuidanceSetting, Weights } from './case.ts';
import { quickKernels } from './matrix/kernels.ts';

/** All in which a port may differ from this library. */
export interface Implementation {
  /** How it computes. */
  readonly kernels: Kernels;
  /** What positional time embeddings make of numbers. */
  readonly sinusoid: typeof sinusoid;
  /** What Fourier time embeddings make of numbers. */
  readonly fourierFeatures: typeof fourierFeatures;
  /** How a config is understood. */
  readonly config: (config: UNetConfig) => UNetConfig;
  /** How the weights are laid out. */
  readonly weights: (weights: Weights) => Weights;
  /** What becomes of the stages of a model. */
  readonly stages: (stages: readonly Stage<UNetState>[]) => readonly Stage<UNetState>[];
  /** What becomes of a pass that is asked for, together with others. */
  readonly pass: (pass: Pass, attentionLayers: readonly string[], asked: readonly Pass[]) => Pass;
  /** What the model makes of a timestep that it is given. */
  readonly timestep: (t: number) => number;
  /** What becomes of class labels. */
  readonly labels: (labels: readonly number[]) => readonly number[];
  /** The step of a run whose noise is taken at a step, of so many. */
  readonly noiseStep: (index: number, steps: number) => number;
  /** What the model is given as its timestep at a step of a run. */
  readonly modelTimestep: (scheduler: Scheduler, index: number) => number;
  /** The guidance that a case's setting describes. */
  readonly guidance: (setting: GuidanceSetting) => Guidance;
  /** The scheduler that a case's config describes. */
  readonly scheduler: (config: Config, steps: number, choices: SchedulerChoices) => Scheduler;
}

const same = <T>(value: T): T => value;

/** This library. */
export const reference: Implementation = {
  kernels: quickKernels,
  sinusoid,
  fourierFeatures,
  config: same,
  weights: same,
  stages: same,
  pass: same,
  timestep: same,
  labels: same,
  noiseStep: same,
  modelTimestep: (scheduler, index) => scheduler.timesteps[index],
  guidance: ({ guidanceScale, pagScale, pagAdaptiveScale, pagLayers, guidanceRescale }) =>
    rescaled(cfgPag(guidanceScale, { pagScale, pagAdaptiveScale, layers: pagLayers }), guidanceRescale),
  scheduler: createScheduler,
};
