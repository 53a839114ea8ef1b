/**
 * A guidance says which passes of the model it needs at a step, and how it combines what they predict.
 *
 * Throughout: ε(c) is the prediction for the condition asked for, ε(∅) the one for no condition, ε̂ the one of a
 * perturbed pass. The model may predict ε, v or x₀: all guidances here are linear or act on directions, so they serve
 * all. A guidance holds no state of a run: what it must remember from step to step, it keeps in the run's memory.
 */
import { mustBe, withMethods, type Check } from '../tensor/checks.ts';
import type { Perturbation } from '../models/stage.ts';
import type { PerSample } from '../tensor/arithmetic.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { aMixer, type AttentionMixer } from '../nn/attention.ts';
import { layerNames } from './layers.ts';

/** One forward pass of the model at the current step. */
export interface Pass {
  /**
   * The name of a condition. `given`: what the user asked for (for an unconditional model: nothing). `null`: no
   * condition, ∅.
   */
  readonly condition: string;
  /** The attention layers that are perturbed; empty for a plain pass. */
  readonly perturbation: Perturbation;
  /** Which model: `weak` is a second, worse one, for AutoGuidance; `main` unless given. */
  readonly model?: 'main' | 'weak';
  /** Another picture than the current x_t, at the same noise level: [B,C,H,W], or a part of one, [B,C,h,w]. */
  readonly sample?: Tensor;
  /**
   * The condition whose text perturbed cross-attention goes away from, as `null`; for mixers that ask for another text.
   */
  readonly against?: string;
  /** Inner values to be seen by `GuidanceStep.tap`: module paths. */
  readonly taps?: readonly string[];
}

/** What a guidance knows of the step it is asked to guide. */
export interface GuidanceStep {
  /** The number of the step, from 0. */
  readonly index: number;
  /** How many steps there are. */
  readonly count: number;
  /** The timestep that the model is given. */
  readonly timestep: number;
  /** x_t, [B,C,H,W]. */
  readonly sample: Tensor;
  /** α_t of x_t = α_t x₀ + σ_t ε. */
  readonly signal: number;
  /** σ_t of x_t = α_t x₀ + σ_t ε. */
  readonly noise: number;
  /**
   * The model's predictions, one for each pass, each of the shape of its picture. Passes asked for together share what
   * they have in common; a pass that was asked for before at this step is not run again.
   */
  predict(passes: readonly Pass[]): readonly Tensor[];
  /**
   * An inner value of a pass, by its module path. Named in the pass's `taps` when its prediction was asked for, it is
   * there already; otherwise the pass is run again.
   * @throws InputError when the model has no such value
   */
  tap(pass: Pass, path: string): Tensor;
  /** x̂₀, what a prediction says that the picture is, [B,C,H,W], not clipped. */
  toOriginal(prediction: Tensor): Tensor;
  /** ∂x̂₀/∂p, by how much x̂₀ changes with a prediction: −σ_t/α_t for ε, −σ_t for v, 1 for x₀. */
  readonly originalPerPrediction: number;
  /** ∂x̂₀/∂x_t where the prediction stays: 1/α_t for ε, α_t for v, 0 for x₀. */
  readonly originalPerSample: number;
  /** By what the scheduler scales x_t for the model: 1, or 1/√(σ² + 1) where σ grows without end. */
  readonly inputPerSample: number;
  /** What a guidance remembers until the next step of the same run, under a key of its own. */
  readonly memory: Map<object, Tensor>;
}

/** A way to combine predictions. The library's have a function each, and a name in the registry. */
export interface Guidance {
  /** For lists and tables; it changes nothing. */
  readonly name: string;
  /**
   * The guided prediction, [B,C,H,W], in the precision of the model's. Of what it is given a guidance changes the
   * memory alone.
   */
  guide(step: GuidanceStep): Tensor;
  /** How far the mean of the scheduler's step is moved besides; left out by those that change the prediction alone. */
  meanShift?(step: GuidanceStep): MeanShift | undefined;
}

/** A move of the mean of a scheduler's step: s Σ times a direction, Σ being the variance of the noise that it adds. */
export interface MeanShift {
  /** s. */
  readonly scale: PerSample;
  /** [B,C,H,W], as the sample. */
  readonly direction: Tensor;
}

/** A guidance, and not the options of one. */
export const aGuidance: Check = withMethods<Guidance>('a guidance, as none or cfg(2)', 'guide');

const plain: Perturbation = new Map();

/** ε(c). */
export const conditional: Pass = { condition: 'given', perturbation: plain };

/** ε(∅). */
export const unconditional: Pass = { condition: 'null', perturbation: plain };

/** The conditional pass of the second model. */
export const weakModel: Pass = { condition: 'given', perturbation: plain, model: 'weak' };

/** A pass, and not a model or a layer. */
export const aPass: Check = mustBe('a pass, as perturbed(["mid"], skipAttention) or weakModel', (value) => {
  const { condition, perturbation } = Object(value) as Partial<Pass>;
  return typeof condition === 'string' && perturbation instanceof Map;
});

/** One mixer for all layers, or for each layer (and its number in the list of layers, from 0) its own. */
export type MixerChoice = AttentionMixer | ((layer: string, index: number) => AttentionMixer);

/**
 * ε̂(c): the conditional pass with a mixer in the given attention layers. Softmax attention is no perturbation: a pass
 * that has nothing else is the plain one.
 * @param layers as the denoiser names its attention layers
 * @throws InputError when the layers are no list of names, or what is to mix is no mixer
 */
export function perturbed(layers: readonly string[], mixer: MixerChoice): Pass {
  layerNames('layers', layers);
  const mixerOf = typeof mixer === 'function' ? mixer : () => mixer;
  const entries = layers.map((layer, index) => {
    const chosen = mixerOf(layer, index);
    aMixer('the mixer', chosen);
    return [layer, chosen] as const;
  });
  return { condition: 'given', perturbation: new Map(entries.filter(([, chosen]) => chosen.key !== 'softmax')) };
}

/** An option that is a MixerChoice. What a function gives, `perturbed` checks. */
export const aMixerChoice: Check = (name, value) => {
  if (typeof value !== 'function') aMixer(name, value);
};

/** The predictions of some passes, in their order: `GuidanceStep.predict` for a list whose length is known. */
export function predictEach<const Passes extends readonly Pass[]>(
  step: GuidanceStep,
  passes: Passes,
): { readonly [Place in keyof Passes]: Tensor } {
  return step.predict(passes) as { readonly [Place in keyof Passes]: Tensor };
}

const aStep = withMethods<GuidanceStep>('the step that a guidance is given', 'predict');

/** The prediction of a single pass, [B,C,H,W]. */
export function predictOne(step: GuidanceStep, pass: Pass): Tensor {
  aStep('the step', step);
  return predictEach(step, [pass])[0];
}
