/** A step of a run in which the predictions are given: what a guidance makes of them, without a model. */
import { referenceKernels } from '../../src/kernels/plain/index.ts';
import { cut } from '../../src/guidance/windows.ts';
import type { GuidanceStep, Pass } from '../../src/guidance/guidance.ts';
import type { GuidanceContext } from '../../src/guidance/registry/index.ts';
import { scale } from '../../src/tensor/arithmetic.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { cast } from '../../src/tensor/rounding.ts';
import type { DType, Tensor } from '../../src/tensor/tensor.ts';

export const mid = 'mid_block.attentions.0';
export const up = 'up_blocks.0.attentions.1';

export const text = 'mid_block.attentions.0.transformer_blocks.0.attn2';

/** A model with conditions that has two layers of self-attention and one of cross-attention, and a weaker one. */
export const context: GuidanceContext = {
  attentionLayers: [mid, up],
  crossAttentionLayers: [text],
  hasNullCondition: true,
  hasWeakModel: true,
  slopeAt: ({ sample }) => scale(sample, -0.5),
};

/** ε(c), ε(∅), and the prediction of every other pass: perturbed, of the weak model, or of another picture. */
export interface Scene {
  readonly given: Tensor;
  readonly nothing: Tensor;
  readonly other: Tensor;
}

/** Random predictions, [B,C,8,8], near to one another as they are in a run. */
export function randomScene(seed: number, batch = 2, dtype: DType = 'f32', channels = 1): Scene {
  const generator = manualSeed(seed);
  const shape = [batch, channels, 8, 8];
  const common = generator.randn(shape, 'f64');
  const near = (): Tensor => {
    const own = generator.randn(shape, 'f64');
    return cast({ ...common, data: common.data.map((value, i) => value + 0.3 * own.data[i]) }, dtype);
  };
  return { given: near(), nothing: near(), other: near() };
}

export interface Asked extends GuidanceStep {
  /** What `predict` was asked for, call by call. */
  readonly asked: readonly (readonly Pass[])[];
}

/** The step of a scene: the third of ten, unless `details` say otherwise. */
export function stepOf(scene: Scene, details: Partial<GuidanceStep> = {}): Asked {
  const asked: (readonly Pass[])[] = [];
  const { given, nothing, other } = scene;
  const answer = (pass: Pass): Tensor => {
    if (pass.sample && pass.sample.shape[3] !== given.shape[3]) return corner(other, pass.sample.shape);
    if (pass.perturbation.size > 0 || pass.model === 'weak' || pass.sample) return other;
    return pass.condition === 'null' ? nothing : given;
  };
  const [batch] = given.shape;
  return {
    asked,
    index: 2,
    count: 10,
    timestep: 700,
    sample: given,
    signal: 0.6,
    noise: 0.8,
    memory: new Map(),
    predict: (passes) => {
      asked.push(passes);
      return passes.map(answer);
    },
    tap: () => cast(referenceKernels.softmax(manualSeed(3).randn([batch, 2, 16, 16])), given.dtype),
    toOriginal: (prediction) => prediction,
    originalPerPrediction: 1,
    originalPerSample: 0,
    inputPerSample: 1,
    ...details,
  };
}

/** The upper left part of a picture, of the given shape: what the model makes of every window, wherever it lies. */
function corner(x: Tensor, [, , height, width]: readonly number[]): Tensor {
  return cut(x, { top: 0, left: 0, height, width });
}

/** The samples of a tensor, one by one. */
export function samplesOf(x: Tensor): readonly Tensor[] {
  return Array.from({ length: x.shape[0] }, (_, b) => referenceKernels.sliceBatch(x, b, b + 1));
}
