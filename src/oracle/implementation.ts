/**
 * Everything in which two implementations may differ, as one value. The reference is one; an honest port that adds in
 * another order is another, and so is a port with a mistake. A mistake is therefore a function from implementations to
 * implementations.
 */
import type { Stage } from '../models/stage.ts';
import type { Kernels, Tensors } from '../kernels/kernels.ts';
import { fourierFeatures, sinusoid, type NumberEmbeddings } from '../nn/embeddings.ts';
import type { AutoencoderKLConfig } from '../models/autoencoder-kl/config.ts';
import type { ClipTextConfig } from '../models/clip-text/config.ts';
import type { UNetConditionConfig } from '../models/unet2d-condition/config.ts';
import type { UNetConfig } from '../models/unet2d/config.ts';
import type { Guidance, Pass } from '../guidance/guidance.ts';
import { cfgPag } from '../guidance/pag.ts';
import { rescaled } from '../guidance/rescale.ts';
import type { Config } from '../schedulers/options.ts';
import { createScheduler, type SchedulerChoices } from '../schedulers/registry.ts';
import type { Scheduler } from '../schedulers/scheduler.ts';
import { at } from '../tensor/at.ts';
import { adamwStep } from '../training/adamw.ts';
import { clipped, globalNorm } from '../training/clip.ts';
import { averaged } from '../training/ema.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { GuidanceSetting, ToldSizes, Weights } from './case.ts';
import { quickKernels } from './matrix/kernels.ts';

/** All in which a port may differ from this library. */
export interface Implementation extends NumberEmbeddings {
  /** How it computes. */
  readonly kernels: Kernels;
  /** How the config of a UNet2DModel is understood. */
  readonly config: (config: UNetConfig) => UNetConfig;
  /** How those of the models from words to pictures are. */
  readonly conditionConfig: (config: UNetConditionConfig) => UNetConditionConfig;
  /** How those of text encoders are. */
  readonly textConfig: (config: ClipTextConfig) => ClipTextConfig;
  /** How those of autoencoders are. */
  readonly autoencoderConfig: (config: AutoencoderKLConfig) => AutoencoderKLConfig;
  /** How the weights are laid out. */
  readonly weights: (weights: Weights) => Weights;
  /** What becomes of the stages of a model. */
  readonly stages: <State extends object>(stages: readonly Stage<State>[]) => readonly Stage<State>[];
  /** What becomes of a pass that is asked for, together with others. */
  readonly pass: (pass: Pass, attentionLayers: readonly string[], asked: readonly Pass[]) => Pass;
  /** What the model makes of a timestep that it is given. */
  readonly timestep: (t: number) => number;
  /** What becomes of class labels. */
  readonly labels: (labels: readonly number[]) => readonly number[];
  /** What a text encoder is run with: tokens, positions, and where the text is pooled. */
  readonly textTensors: (tensors: Tensors, inputIds: readonly (readonly number[])[]) => Tensors;
  /** Of the hidden states of SDXL's text encoders, none of them normed, the one that the UNet is told. */
  readonly penultimate: (hiddenStates: readonly Tensor[], finalLayerNorm: (x: Tensor) => Tensor) => Tensor;
  /** Whether zeros stand for the text of passes without the prompt. */
  readonly zeroNegative: (asked: boolean) => boolean;
  /** The numbers that SDXL is told of sizes. */
  readonly timeIds: (sizes: ToldSizes) => readonly number[];
  /** By what a loss and its gradients are multiplied, of so many numbers in so many samples. */
  readonly lossScale: (numbers: number, samples: number) => number;
  /** Gradients brought down to a length. */
  readonly clipGradients: (gradients: ReadonlyMap<string, Tensor>, most: number) => ReadonlyMap<string, Tensor>;
  /** A step of AdamW. */
  readonly adamw: typeof adamwStep;
  /** The running average after a step. @param before the parameter before the step */
  readonly average: (average: Tensor, parameter: Tensor, decay: number, before: Tensor) => Tensor;
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
  conditionConfig: same,
  textConfig: same,
  autoencoderConfig: same,
  weights: same,
  stages: same,
  pass: same,
  timestep: same,
  labels: same,
  textTensors: same,
  penultimate: (hiddenStates) => at(hiddenStates, hiddenStates.length - 2),
  zeroNegative: same,
  timeIds: ({ original, crop, target }) => [...original, ...crop, ...target],
  lossScale: () => 1,
  clipGradients: (gradients, most) => clipped(gradients, globalNorm(gradients.values()), most),
  adamw: adamwStep,
  average: averaged,
  noiseStep: same,
  modelTimestep: (scheduler, index) => scheduler.timesteps[index],
  guidance: ({ guidanceScale, pagScale, pagAdaptiveScale, pagLayers, guidanceRescale }) =>
    rescaled(cfgPag(guidanceScale, { pagScale, pagAdaptiveScale, layers: pagLayers }), guidanceRescale),
  scheduler: createScheduler,
};
