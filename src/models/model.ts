/**
 * A model: an architecture with weights. What a family of models has to say of itself is an `Architecture`; everything
 * else (weights, passes, costs, the oracle) works on any of them.
 */
import type { Program, Tensors } from '../kernels/kernels.ts';
import type { Context } from '../nn/context.ts';
import { checkFinite, checkTensor, mustBe, type Check } from '../tensor/checks.ts';
import { sourceOf } from '../tensor/deferred.ts';
import { InputError } from '../tensor/errors.ts';
import { cast } from '../tensor/rounding.ts';
import { sameShape, shapeText, type DType, type Tensor } from '../tensor/tensor.ts';
import type { Condition } from './condition.ts';
import { parametersOf, sitesOf, type Stage } from './stage.ts';

/** A model's weights by the names of PyTorch's parameters, as `mid_block.attentions.0.to_q.weight`. */
export type Weights = ReadonlyMap<string, Tensor>;

/** What every denoising model is given; a family may read more. */
export interface ModelInput extends Condition {
  /** x_t, [B,C,H,W], scaled as the scheduler wants it. */
  readonly sample: Tensor;
  /** t, one for each sample, or one for all: what the scheduler lists; fractions are allowed. */
  readonly timesteps: readonly number[];
}

/** A network without its weights: what is computed, in which order, from what. */
export interface Architecture<Config = unknown, Input = ModelInput, State = unknown> {
  /** The name of the class in diffusers. */
  readonly family: string;
  /** What the stages were built from. */
  readonly config: Config;
  /** Channels of the sample. */
  readonly inChannels: number;
  /** Channels of the prediction, or K. */
  readonly outChannels: number;
  /** Said where a prediction is no picture, but logits [B,K]. */
  readonly predicts?: 'classes';
  /** The forward pass, step by step. */
  readonly stages: readonly Stage<State>[];
  /** @throws InputError when the input does not fit the model */
  check(input: Input): void;
  /**
   * What can be told of a condition before there is a sample; nothing, unless given.
   * @throws InputError for class labels that the model does not have
   */
  checkCondition?(condition: Condition): void;
  /** What the program is run with: the input's tensors, and its numbers made tensors, in the model's precision. */
  tensors(input: Input, weights: Weights, dtype: DType): Tensors;
  /** What flows into the first stage. */
  begin(context: Context, tensors: Tensors): State;
  /** What has come out of the last stage. */
  end(state: State): Tensor;
  /** The prediction, from what the program gave. */
  finish(output: Tensor, input: Input): Tensor;
  /** What is done with an input outside of the program; a family without it runs, but is not trained. */
  learning?(input: Input): Learning;
}

/** What a gradient must know of all that is done outside of the program. */
export interface Learning {
  /** The tensors of the program that were looked up in tables. */
  readonly tables: readonly LookedUp[];
  /** The tensors of the program that are texts, with what the input calls them. */
  readonly embeddings: readonly { readonly tensor: string; readonly name: EmbeddingName }[];
  /** What `finish` multiplies the prediction of each sample with, where it does. */
  readonly scale: readonly number[] | undefined;
}

/** What a model is told of a text: there is a gradient of it. */
export type EmbeddingName = 'encoderHiddenStates' | 'textEmbeds';

/** A tensor [B,D] of rows of a table. */
export interface LookedUp {
  /** Its name among the tensors of the program. */
  readonly tensor: string;
  /** The table, [n,D]. */
  readonly parameter: string;
  /** Which row each sample has. */
  readonly rows: readonly number[];
}

/** An architecture with its weights, in some precision. */
export interface Model<Config = unknown, Input = ModelInput, State = unknown>
  extends Architecture<Config, Input, State> {
  /** The precision of the weights, in which the model computes. */
  readonly dtype: DType;
  readonly weights: Weights;
  /** The paths of the layers whose self-attention may be perturbed, in the order of the forward pass. */
  readonly attentionLayers: readonly string[];
  /** The paths of the layers that ask a text and may be perturbed, in the order of the forward pass. */
  readonly crossAttentionLayers: readonly string[];
  /** Programs by what they do, so that a backend recognises one that it has run before. */
  readonly programs: Map<string, Program>;
}

/** An architecture, with or without weights. */
export const anArchitecture: Check = mustBe('an architecture, as unetArchitecture(config)', (value) => {
  const { check, tensors, stages } = Object(value) as Partial<Architecture>;
  return typeof check === 'function' && typeof tensors === 'function' && Array.isArray(stages);
});
/** A model: an architecture with weights. */
export const aModel: Check = mustBe('a model, as createUNet(config, weights)', (value) => {
  const { check, stages, weights } = Object(value) as Partial<Model>;
  return typeof check === 'function' && Array.isArray(stages) && weights instanceof Map;
});

/**
 * A model from its architecture and weights.
 * @param dtype the precision of the model, to which the weights are rounded
 * @param source the file's name, for messages
 * @throws InputError naming the first weight that is missing, too many, or of a wrong shape
 */
export function createModel<Config, Input, State>(
  architecture: Architecture<Config, Input, State>,
  weights: Weights,
  dtype: DType = 'f32',
  source?: string,
): Model<Config, Input, State> {
  anArchitecture('the architecture', architecture);
  checkWeights(architecture, weights, source);
  return withWeights(architecture, weights, dtype);
}

/** The same without a check: for those who run only some stages, and have only their weights. */
export function withWeights<Config, Input, State>(
  architecture: Architecture<Config, Input, State>,
  weights: Weights,
  dtype: DType,
): Model<Config, Input, State> {
  return {
    ...architecture,
    dtype,
    weights: new Map([...weights].map(([name, value]) => [name, cast(value, dtype)])),
    attentionLayers: sitesOf(architecture.stages),
    crossAttentionLayers: sitesOf(architecture.stages, 'cross'),
    programs: new Map(),
  };
}

/**
 * Checks that `weights` are those of the model: none missing, none too many, each of its shape and of finite numbers.
 * @param source the file's name, for messages
 * @throws InputError naming the first weight that is wrong, its shape, and the shape that the config asks for
 */
export function checkWeights({ stages }: Pick<Architecture, 'stages'>, weights: Weights, source = 'the weights'): void {
  areWeights(source, weights);
  const expected = new Map(parametersOf(stages).map(({ name, shape }) => [name, shape]));
  for (const [name, shape] of expected) {
    const found = weights.get(name);
    if (found !== undefined) checkTensor(`${source}: "${name}"`, found);
    else throw new InputError(`${source}: "${name}" ${shapeText(shape)} is missing; the config asks for it`);
    if (!sameShape(found.shape, shape)) {
      throw new InputError(
        `${source}: "${name}" has shape ${shapeText(found.shape)}, but the config asks for ${shapeText(shape)}`,
      );
    }
    // What is still in its file is checked when it is read.
    if (!sourceOf(found)) checkFinite(`${source}: "${name}"`, found);
  }
  for (const name of weights.keys()) {
    if (!expected.has(name)) {
      throw new InputError(`${source}: "${name}" belongs to no module of the model that the config describes`);
    }
  }
}

/** The program of a model that does what `key` says: the one that it has, or a new one, which it has from then on. */
export function programFor({ programs }: Pick<Model, 'programs'>, key: string, create: () => Program): Program {
  const program = programs.get(key) ?? create();
  programs.set(key, program);
  return program;
}

/** Weights, and not an object of them. */
export const areWeights = mustBe(
  'a Map of tensors by name, as new Map(Object.entries(tensors))',
  (value) => value instanceof Map,
);
