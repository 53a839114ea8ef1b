/**
 * A guidance says which passes of the model it needs at a step, and how it combines what they predict.
 *
 * Throughout: ε(c) is the prediction for the condition asked for, ε(∅) the one for no condition, ε̂ the one of a
 * perturbed pass. The model may predict ε, v or x₀: all guidances here are linear or act on directions, so they serve all.
 */
import type { Tensor } from '../tensor/tensor.ts';
import type { AttentionMixer } from '../nn/attention.ts';
import type { Perturbation } from '../unet/stages.ts';

/** One forward pass of the model at the current step. */
export interface Pass {
  /** `given`: what the user asked for (for an unconditional model: nothing). `null`: no condition, ∅. */
  readonly condition: 'given' | 'null';
  /** The attention layers that are perturbed; empty for a plain pass. */
  readonly perturbation: Perturbation;
  /** Another picture than the current x_t, [B,C,H,W]. */
  readonly sample?: Tensor;
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
  /**
   * The model's predictions, one for each pass, [B,C,H,W]. Passes asked for together share what they have in common;
   * a pass that was asked for before at this step is not run again.
   */
  predict(passes: readonly Pass[]): readonly Tensor[];
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

/** ε̂(c): the conditional pass with `mixer` in the given attention layers. */
export function perturbed(layers: readonly string[], mixer: AttentionMixer): Pass {
  return { condition: 'given', perturbation: new Map(layers.map((layer) => [layer, mixer])) };
}

/** The prediction of a single pass. */
export function predictOne(step: GuidanceStep, pass: Pass): Tensor {
  return step.predict([pass])[0]!;
}
