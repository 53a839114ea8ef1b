/**
 * How a model's error changes with its weights: what training goes by. The loss is the mean squared error of what the
 * model predicts. Weights are inputs here, not constants, so one program serves all steps of a training.
 */
import { gradientName } from '../kernels/gradients/gradient.ts';
import { sumOverAll } from '../kernels/gradients/sums.ts';
import { aBackend, tensorOf, type Backend, type Kernels, type Program, type Tensors } from '../kernels/kernels.ts';
import { checkFinite, checkOptions, checkTensor, mustBe, optional, type Checks } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { cast } from '../tensor/rounding.ts';
import { extentOf, sameShape, shapeText, sizeOf, tensor, type DType, type Tensor } from '../tensor/tensor.ts';
import {
  derivedLoss,
  embeddingGradients,
  givenWeights,
  learningOf,
  lossProgramChecks,
  outputOf,
  parameterGradients,
  type LossProgramOptions,
  type Watch,
} from './given-weights.ts';
import {
  aModel,
  programFor,
  type Architecture,
  type EmbeddingName,
  type Learning,
  type Model,
  type ModelInput,
} from './model.ts';

/** The loss, and how it changes. */
export interface LossGradient {
  /** [1]. */
  readonly loss: Tensor;
  /** ∂loss/∂sample, [B,C,H,W]. */
  readonly sample: Tensor;
  /**
   * ∂loss/∂parameter by the parameter's name, of its shape; of all that are learned, in the order of PyTorch, or none
   * for the sample alone.
   */
  readonly parameters: ReadonlyMap<string, Tensor>;
  /**
   * ∂loss/∂input of the text that the model is told, each of the shape that was given; of a text for all samples it
   * is the sum over them. None for the sample alone.
   */
  readonly embeddings: ReadonlyMap<EmbeddingName, Tensor>;
}

/** What a gradient is for, what counts in its loss, and how it is computed. */
export interface LossGradientOptions extends LossProgramOptions {
  /** How much the squared error of each sample counts, from 0; all alike unless given. */
  readonly importance?: readonly number[];
}

const checks: Checks<LossGradientOptions> = {
  ...lossProgramChecks,
  importance: optional(mustBe('a list of numbers', Array.isArray)),
};

/**
 * The mean of (prediction − target)², and its gradient for the sample and for all parameters that are learned.
 * @param target what shall be predicted, [B,C,H,W] as the sample; channels of the prediction beyond these (a learned
 *   variance) are left alone
 * @throws InputError when the input, the target or an option does not fit the model, holds what is not finite, or the
 *   model's family cannot be derived, or is that of a classifier, which `classGradient` is for
 */
export function lossGradient<Input extends ModelInput, State>(
  model: Model<unknown, Input, State>,
  backend: Backend,
  input: Input,
  target: Tensor,
  options: LossGradientOptions = {},
): LossGradient {
  aModel('the model', model);
  aBackend('the backend', backend);
  expectPictures('lossGradient', model);
  model.check(input);
  checkTarget(model, input, target);
  checkOptions('lossGradient', options, checks);
  const { importance } = options;
  if (importance) checkImportance(importance, input);
  const learning = learningOf(model, input);
  const given = {
    ...lossInputs(model, input, learning, cast(target, model.dtype)),
    ...(importance && { importance: perChannel(importance, input, model.inChannels, model.dtype) }),
  };
  for (const [name, value] of Object.entries(given)) checkFinite(`the input "${name}" of the model`, value);
  const results = backend.run(programOf(model, options), given);
  const ofSample = options.for === 'sample';
  return {
    loss: tensorOf(results, 'loss'),
    sample: tensorOf(results, gradientName('sample')),
    parameters: ofSample ? new Map() : parameterGradients(model, learning, results),
    embeddings: ofSample ? new Map() : embeddingGradients(input, learning, results),
  };
}

/** What the program of a loss is made of. */
export type LossArchitecture<State> = Pick<
  Architecture<unknown, never, State>,
  'stages' | 'begin' | 'end' | 'inChannels' | 'predicts'
>;

/**
 * The program of `lossGradient`: it takes the tensors of the model's input, `target`, each weight under `weight:NAME`,
 * `scale` where the model has one, and `importance` [B,C] of the squared errors where they do not count alike; it
 * gives `loss` and, for each of the others that is learned or looked up, `grad.…`. Whoever trains runs it with weights
 * that change.
 */
export function lossGradientProgram<State>(
  architecture: LossArchitecture<State>,
  options: LossProgramOptions = {},
): Program {
  isArchitecture('the architecture', architecture);
  expectPictures('lossGradientProgram', architecture);
  checkOptions('lossGradientProgram', options, lossProgramChecks);
  return derivedLoss(architecture, options, (kernels, given, watch) =>
    meanSquaredError(architecture, kernels, given, watch),
  );
}

/** @throws InputError for what predicts classes: it has a loss of its own */
function expectPictures(owner: string, { predicts, family = 'classifier' }: Partial<Architecture>): void {
  if (predicts === 'classes')
    throw new InputError(`${owner} wants a model that predicts pictures, not a ${family}; use classGradient`);
}

const isArchitecture = mustBe('an architecture, as unetArchitecture(config)', (value) => {
  const { stages, begin, end } = Object(value) as Partial<LossArchitecture<unknown>>;
  return Array.isArray(stages) && typeof begin === 'function' && typeof end === 'function';
});

function checkTarget<Input extends ModelInput>(
  model: Architecture<unknown, Input>,
  input: Input,
  target: Tensor,
): void {
  checkTensor('the target', target);
  const { shape } = input.sample;
  if (!sameShape(target.shape, shape))
    throw new InputError(
      `the target has shape ${shapeText(target.shape)}; it must have that of the sample, ${shapeText(shape)}`,
    );
  if (model.outChannels < model.inChannels)
    throw new InputError(
      `the model predicts ${model.outChannels} channels of a sample of ${model.inChannels}: there is no target for it`,
    );
}

function checkImportance(importance: readonly number[], { sample }: ModelInput): void {
  const batch = extentOf(sample, 0);
  mustBe(
    `a number of at least 0 for each of the ${batch} samples`,
    (value) => Array.isArray(value) && value.length === batch && value.every((one) => one >= 0),
  )('the importance', importance);
}

function lossInputs<Input extends ModelInput, State>(
  model: Model<unknown, Input, State>,
  input: Input,
  { scale }: Learning,
  target: Tensor,
): Tensors {
  const { dtype, weights, outChannels } = model;
  return {
    ...model.tensors(input, weights, dtype),
    target,
    ...(scale && { scale: perChannel(scale, input, outChannels, dtype) }),
    ...givenWeights(model),
  };
}

/** [B,channels]: the number of each sample, for each of its channels. */
function perChannel(numbers: readonly number[], { sample }: ModelInput, channels: number, dtype: DType): Tensor {
  const spread = Float64Array.from(numbers.flatMap((number) => Array.from({ length: channels }, () => number)));
  return cast(tensor('f64', [extentOf(sample, 0), channels], spread), dtype);
}

function programOf<Input, State>(
  model: Model<unknown, Input, State>,
  { for: wanted, checkpointing }: LossGradientOptions,
): Program {
  const options = { ...(wanted && { for: wanted }), ...(checkpointing && { checkpointing }) };
  const key = `the gradient of the loss ${JSON.stringify(options)}`;
  return programFor(model, key, () => lossGradientProgram(model, options));
}

/**
 * [1]: the mean of (prediction − target)², times their importance, over the channels of the picture.
 *
 * @param watch is shown what each module gives
 */
function meanSquaredError<State>(
  architecture: LossArchitecture<State>,
  kernels: Kernels,
  given: Tensors,
  watch: Watch,
): Tensor {
  const { inChannels } = architecture;
  const output = outputOf(architecture, kernels, given, watch);
  const target = tensorOf(given, 'target');
  const scaled = given.scale ? kernels.multiply(output, given.scale) : output;
  const picture = extentOf(output, 1) > inChannels ? kernels.sliceChannels(scaled, 0, inChannels) : scaled;
  const difference = kernels.subtract(picture, target);
  const squares = kernels.multiply(difference, difference);
  const counted = given.importance ? kernels.multiply(squares, given.importance) : squares;
  return kernels.divide(sumOverAll(kernels, counted), sizeOf(target.shape));
}
