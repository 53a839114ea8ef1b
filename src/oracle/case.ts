/**
 * A case: something that a port computes, with all that it needs and all that should come out. It is a folder that any
 * language can read: `case.json`, `inputs.safetensors`, `weights.safetensors`, `expected.safetensors`.
 */
import type { Weights } from '../models/model.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Config } from '../schedulers/options.ts';

/** The version of the layout of a case. A change that an older reader would misunderstand raises it. */
export const schemaVersion = 1;
/** The version of the layout of its bands (bands-file.ts), raised likewise. */
export const bandsSchema = 1;

export type { Weights };

/** A case in memory; read-case.ts reads it from its folder. */
export interface Case {
  /** Its folder, as `unets/classic`. */
  readonly name: string;
  /** One line: what is computed. */
  readonly title: string;
  /** Where the expected numbers come from. */
  readonly truth: string;
  readonly subject: Subject;
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly weights: Weights;
  /** By the name of the tap. */
  readonly expected: ReadonlyMap<string, Expected>;
}

/** What a tap should be. */
export interface Expected {
  readonly f64: Tensor;
  /** The same computed in float32 by whoever made the truth, where they could. */
  readonly f32: Tensor | undefined;
}

/** What a case computes. */
export type Subject =
  | OperationSubject
  | EmbeddingSubject
  | StagesSubject
  | UNetSubject
  | ConditionUNetSubject
  | TextEncoderSubject
  | AutoencoderSubject
  | SchedulerSubject
  | GuidanceSubject
  | RunSubject
  | TextToImageSubject
  | DerivativeSubject
  | GradientSubject
  | OptimiserSubject;

/** One operation of `Kernels`, on probes: inputs from different numerical regimes. A probe's output is a tap. */
export interface OperationSubject {
  readonly kind: 'operation';
  readonly operation: string;
  readonly probes: readonly Probe[];
}

/** One call of an operation. */
export interface Probe {
  readonly name: string;
  /** How many tensors the operation is given, a missing bias not counted: the inputs `<probe>/0`, `<probe>/1` … */
  readonly tensors: number;
  /** What follows the tensors. */
  readonly arguments: readonly unknown[];
}

/** The sinusoidal embedding of timesteps, by probes. */
export interface EmbeddingSubject {
  readonly kind: 'embedding';
  readonly probes: readonly EmbeddingProbe[];
}

/** One batch of timesteps [B] to be embedded: [B, size]. */
export interface EmbeddingProbe {
  readonly name: string;
  readonly timesteps: readonly number[];
  readonly size: number;
  readonly flipSinToCos: boolean;
  readonly freqShift: number;
}

/** The classes of diffusers of which a case may have single layers and blocks. */
export const stageFamilies = ['UNet2DModel', 'UNet2DConditionModel', 'AutoencoderKL'] as const;

/**
 * Some stages of a model, one after another: a layer or a block. Inputs: hidden, temb, skips.0 … (the latest last), and
 * encoder_hidden_states, what cross-attention asks. Inside of a transformer hidden is tokens, [B,N,C].
 */
export interface StagesSubject {
  readonly kind: 'stages';
  readonly family: (typeof stageFamilies)[number];
  readonly config: Config;
  readonly stages: readonly string[];
  /** Whether they are run once more with the identity in all their attention layers. */
  readonly perturbed: boolean;
}

/** A forward pass, and one with the identity in some attention layers. Inputs: sample, class_embedding. */
export interface UNetSubject {
  readonly kind: 'unet';
  readonly config: Config;
  readonly timesteps: readonly number[];
  readonly labels: readonly number[] | undefined;
  /** The attention layers of the second pass; empty: there is none. */
  readonly perturbed: readonly string[];
}

/**
 * A forward pass of a UNet2DConditionModel, and one with the identity in some self-attention layers. Inputs: sample,
 * encoder_hidden_states and, as far as the model takes them, text_embeds, time_ids.
 */
export interface ConditionUNetSubject {
  readonly kind: 'unet-condition';
  readonly config: Config;
  readonly timesteps: readonly number[];
  /** The attention layers of the second pass; empty: there is none. */
  readonly perturbed: readonly string[];
}

/** A text encoder of CLIP. */
export interface TextEncoderSubject {
  readonly kind: 'text-encoder';
  readonly config: Config;
  /** One row for each text. */
  readonly inputIds: readonly (readonly number[])[];
}

/**
 * One way of an AutoencoderKL, with what pipelines do to the latents. `encode`: of the input sample the mean, the
 * logarithm of the variance, and latents, the mean as diffusion works on it. `decode`: of the input latents, as
 * diffusion has made them, decoder_input, and of this the sample.
 */
export interface AutoencoderSubject {
  readonly kind: 'autoencoder';
  readonly config: Config;
  readonly way: 'encode' | 'decode';
}

/** All steps of a scheduler with given model outputs. Inputs: noise, step.<i>.output, step.<i>.noise, original. */
export interface SchedulerSubject {
  readonly kind: 'scheduler';
  readonly scheduler: Config;
  readonly steps: number;
  readonly eta: number;
  /** The step to whose noise level `original` is brought. */
  readonly noisedAt: number;
}

/** One guided prediction from given ones. Inputs: sample, conditional, unconditional, perturbed. */
export interface GuidanceSubject {
  readonly kind: 'guidance';
  readonly guidance: GuidanceSetting;
  readonly timestep: number;
}

/** A whole sampling run. Inputs: noise, step.<i>.noise. */
export interface RunSubject {
  readonly kind: 'run';
  readonly config: Config;
  readonly scheduler: Config;
  readonly steps: number;
  readonly eta: number;
  readonly guidance: GuidanceSetting;
  readonly labels: readonly number[] | undefined;
  readonly nullLabel: number | undefined;
}

/** How pictures or latents are drawn. */
export type RunSetting = Pick<RunSubject, 'scheduler' | 'steps' | 'eta' | 'guidance'>;

/**
 * From token ids to pictures: text encoders, a run of a UNet2DConditionModel, the decoder. Inputs: noise,
 * step.<i>.noise. The weights' names have the part before them: `text_encoder.`, `text_encoder_2.`, `unet.`, `vae.`.
 */
export interface TextToImageSubject {
  readonly kind: 'text-to-image';
  /** One or two. Of two the hidden states stand side by side, and the last one embeds the text as a whole. */
  readonly textEncoders: readonly EncoderSetting[];
  /** Which hidden state the UNet is told: the last one, normed at the end, or the one before it, as it is. */
  readonly hiddenState: 'last' | 'penultimate';
  /** Whether zeros stand for the text of passes without the prompt (force_zeros_for_empty_prompt). */
  readonly zeroNegative: boolean;
  /** What SDXL is told of the picture, in pixels; undefined for models that are told nothing. */
  readonly sizes: ToldSizes | undefined;
  readonly unet: Config;
  readonly vae: Config;
  readonly scheduler: Config;
  readonly steps: number;
  readonly eta: number;
  readonly guidance: GuidanceSetting;
}

/** A text encoder and its tokens, one row for each sample. */
export interface EncoderSetting {
  readonly config: Config;
  readonly inputIds: readonly (readonly number[])[];
  readonly negativeInputIds: readonly (readonly number[])[];
}

/** Sizes of a picture in pixels, height before width, and how far it is cut off above and at the left. */
export interface ToldSizes {
  readonly original: readonly [number, number];
  readonly crop: readonly [number, number];
  readonly target: readonly [number, number];
}

/**
 * The way back through one operation, on probes. A probe has the tensors of the operation's, `<probe>/0` …, and
 * `<probe>/gradient`, ∂L/∂result; its taps `<probe>/grad.0` … are ∂L/∂tensor for each of them.
 */
export interface DerivativeSubject {
  readonly kind: 'derivative';
  readonly operation: string;
  readonly probes: readonly Probe[];
}

/**
 * The mean of (prediction − target)², over all samples and channels, and its gradient. Inputs: sample, target. The
 * taps: prediction, loss [1], `grad.<parameter>` from the last one back to the first, grad.sample.
 */
export interface GradientSubject {
  readonly kind: 'gradient';
  readonly config: Config;
  readonly timesteps: readonly number[];
  readonly labels: readonly number[] | undefined;
}

/**
 * Steps of AdamW on parameters whose gradients are data, and their running average. Inputs: `<parameter>`, and
 * `step.<i>.gradient.<parameter>`. The taps of a step: `step.<i>.clipped.<parameter>`, the gradient after clipping,
 * `step.<i>.<parameter>`, and `step.<i>.average.<parameter>`; the average begins as the parameter.
 */
export interface OptimiserSubject {
  readonly kind: 'optimiser';
  readonly parameters: readonly string[];
  readonly steps: number;
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  /** What √Σ g² over all gradients of a step is brought down to, where it is more. */
  readonly maxGradNorm: number;
  /** How much of the average stays in a step. */
  readonly emaDecay: number;
}

/** ε̃ = ε(∅) + g (ε(c) − ε(∅)) + s(t) (ε(c) − ε̂(c)), s(t) = max(0, s − a (1000 − t)), then rescaled by φ. */
export interface GuidanceSetting {
  /** g; 1 is without. */
  readonly guidanceScale: number;
  /** s; 0 is without. */
  readonly pagScale: number;
  /** a. */
  readonly pagAdaptiveScale: number;
  readonly pagLayers: readonly string[];
  /** φ. */
  readonly guidanceRescale: number;
}
