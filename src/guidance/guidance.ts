/**
 * A guidance says which passes of the model it needs at a step, and how it combines what they predict.
 *
 * Throughout: ε(c) is the prediction for the condition asked for, ε(∅) the one for no condition, ε̂ the one of a
 * perturbed pass. The model may predict ε, v or x₀: all guidances here are linear or act on directions, so they serve
 * all. A guidance holds no state of a run: what it must remember from step to step, it keeps in the run's memory.
 */
import type { Tensor } from '../tensor/tensor.ts';
import type { AttentionMixer } from '../nn/attention.ts';
import type { Perturbation } from '../models/unet2d/stages.ts';

/** One forward pass of the model at the current step. */
export interface Pass {
  /** `given`: what the user asked for (for an unconditional model: nothing). `null`: no condition, ∅. */
  readonly condition: 'given' | 'null';
  /** The attention layers that are perturbed; empty for a plain pass. */
  readonly perturbation: Perturbation;
  /** Which model: `weak` is a second, worse one, for AutoGuidance. */
  readonly model?: 'main' | 'weak';
  /** Another picture than the current x_t, [B,C,H,W]. */
  readonly sample?: Tensor;
  /** Inner values to be seen by `GuidanceStep.tap`: module paths. */
  readonly taps?: readonly string[];
}

/** What a guidance knows of the step it is asked to guide. */
export interface GuidanceStep {
  /** The number of the step, from 0, and how many there are. */
  readonly index: number;
  readonly count: number;
  /** The timestep that the model is given. */
  readonly timestep: number;
  /** x_t, [B,C,H,W]. */
  readonly sample: Tensor;
  /** α_t and σ_t of x_t = α_t x₀ + σ_t ε. */
  readonly signal: number;
  readonly noise: number;
  /**
   * The model's predictions, one for each pass, [B,C,H,W]. Passes asked for together share what they have in common;
   * a pass that was asked for before at this step is not run again.
   */
  predict(passes: readonly Pass[]): readonly Tensor[];
  /** An inner value of a pass, one that its `taps` name. */
  tap(pass: Pass, path: string): Tensor;
  /** x̂₀, what a prediction says that the picture is, [B,C,H,W], not clipped. */
  toOriginal(prediction: Tensor): Tensor;
  /** What a guidance remembers until the next step of the same run, under a key of its own. */
  readonly memory: Map<object, Tensor>;
}

export interface Guidance {
  readonly name: string;
  /** The guided prediction, [B,C,H,W]. */
  guide(step: GuidanceStep): Tensor;
}

const plain: Perturbation = new Map();

/** ε(c). */
export const conditional: Pass = { condition: 'given', perturbation: plain };

/** ε(∅). */
export const unconditional: Pass = { condition: 'null', perturbation: plain };

/** The conditional pass of the second model. */
export const weakModel: Pass = { condition: 'given', perturbation: plain, model: 'weak' };

/** One mixer for all layers, or for each layer (and its number among the layers) its own. */
export type MixerChoice = AttentionMixer | ((layer: string, index: number) => AttentionMixer);

/** ε̂(c): the conditional pass with a mixer in the given attention layers. Softmax attention is no perturbation. */
export function perturbed(layers: readonly string[], mixer: MixerChoice): Pass {
  const mixerOf = typeof mixer === 'function' ? mixer : () => mixer;
  const entries = layers.map((layer, index) => [layer, mixerOf(layer, index)] as const);
  return { condition: 'given', perturbation: new Map(entries.filter(([, chosen]) => chosen.key !== 'softmax')) };
}

/** The prediction of a single pass. */
export function predictOne(step: GuidanceStep, pass: Pass): Tensor {
  return step.predict([pass])[0];
}
