/**
 * How a model's error changes with its weights: what training goes by. The loss is the mean squared error of what the
 * model predicts. Weights are inputs here, not constants, so one program serves all steps of a training.
 */
import { gradient, gradientName } from '../kernels/gradients/gradient.ts';
import { sumOverAll } from '../kernels/gradients/sums.ts';
import { aBackend, tensorOf, type Backend, type Kernels, type Program, type Tensors } from '../kernels/kernels.ts';
import { weightIn, type Context } from '../nn/context.ts';
import type { Parameter } from '../nn/parameters.ts';
import { checkFinite, checkOptions, checkTensor, flag, mustBe, optional, type Checks } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { at } from '../tensor/at.ts';
import { cast, roundInPlace } from '../tensor/rounding.ts';
import { extentOf, sameShape, shapeText, sizeOf, tensor, zeros, type DType, type Tensor } from '../tensor/tensor.ts';
import { aModel, type Architecture, type EmbeddingName, type Learning, type Model, type ModelInput } from './model.ts';
import { parametersOf, unperturbed, type Stage } from './stage.ts';

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

/** What the gradient of a program is for, and how it is computed. */
export interface LossProgramOptions {
  /** The sample, the text and all learned parameters, unless the sample alone is wanted: then less is computed. */
  readonly for?: 'sample';
  /**
   * Whether to keep of each stage only its result, and compute the rest again on the way back: the same bits, less
   * memory, about a third more time.
   */
  readonly checkpointing?: boolean;
}

/** What a gradient is for, what counts in its loss, and how it is computed. */
export interface LossGradientOptions extends LossProgramOptions {
  /** How much the squared error of each sample counts, from 0; all alike unless given. */
  readonly importance?: readonly number[];
}

const programChecks: Checks<LossProgramOptions> = {
  for: optional(mustBe("'sample', or left out", (value) => value === 'sample')),
  checkpointing: optional(flag),
};
const checks: Checks<LossGradientOptions> = {
  ...programChecks,
  importance: optional(mustBe('a list of numbers', Array.isArray)),
};

/**
 * The mean of (prediction − target)², and its gradient for the sample and for all parameters that are learned.
 * @param target what shall be predicted, [B,C,H,W] as the sample; channels of the prediction beyond these (a learned
 *   variance) are left alone
 * @throws InputError when the input, the target or an option does not fit the model, holds what is not finite, or the
 *   model's family cannot be derived
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
  const gradientOf = (name: string): Tensor => tensorOf(results, gradientName(name));
  const sample = gradientOf('sample');
  const loss = tensorOf(results, 'loss');
  if (options.for === 'sample') return { loss, sample, parameters: new Map(), embeddings: new Map() };
  const tables = new Map(learning.tables.map((table) => [table.parameter, table]));
  const parameters = learnedParameters(model).map(({ name, shape }) => {
    const table = tables.get(name);
    const rows = table && gradientOf(table.tensor);
    const own = rows ? toTable(rows, table.rows, shape) : gradientOf(weightName(name));
    return [name, own] as const;
  });
  const embeddings = Object.entries(learning.embeddings).map(([name, own]) => {
    const key = name as EmbeddingName;
    return [key, likeGiven(gradientOf(own), input[key] as Tensor)] as const;
  });
  return { loss, sample, parameters: new Map(parameters), embeddings: new Map(embeddings) };
}

/** What the program of a loss is made of. */
export type LossArchitecture<State> = Pick<
  Architecture<unknown, never, State>,
  'stages' | 'begin' | 'end' | 'inChannels'
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
  checkOptions('lossGradientProgram', options, programChecks);
  const learned = parametersOf(architecture.stages)
    .filter(isWeight)
    .map(({ name }) => weightName(name));
  const wanted = options.for === 'sample' ? ['sample'] : ['sample', ...told, ...learned];
  const paths = options.checkpointing ? architecture.stages.map(({ path }) => path) : [];
  const checkpoints = paths.map((path) => `the end of ${path}`);
  const forward: Program = (kernels, given) => {
    const ends = new Map<string, Tensor>();
    const loss = meanSquaredError(architecture, kernels, given, (path, value) => ends.set(path, value));
    // Where a stage shows no result, the sample stands for it, which marks nothing.
    const marks = checkpoints.map((name, i) => [name, ends.get(at(paths, i)) ?? tensorOf(given, 'sample')] as const);
    return { loss, ...Object.fromEntries(marks) };
  };
  return (kernels, given) => {
    const derived = wanted.filter((name) => Object.hasOwn(given, name));
    return gradient(forward, 'loss', derived, { checkpoints })(kernels, given);
  };
}

/** The tensors of a model's input that are looked up in tables, or texts. */
const told = ['time', 'class', 'text', 'pooled'];

const isArchitecture = mustBe('an architecture, as unetArchitecture(config)', (value) => {
  const { stages, begin, end } = Object(value) as Partial<LossArchitecture<unknown>>;
  return Array.isArray(stages) && typeof begin === 'function' && typeof end === 'function';
});

/** What has stages with parameters: an architecture, or a model. */
export interface Stages {
  readonly stages: readonly Pick<Stage<never>, 'parameters'>[];
}

/** The parameters that are learned: random Fourier features are drawn once and stay. */
export function learnedParameters({ stages }: Stages): readonly Parameter[] {
  return parametersOf(stages).filter(({ module }) => module !== 'fourier');
}

const weightName = (parameter: string): string => `weight:${parameter}`;

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

function learningOf<Input, State>(model: Architecture<unknown, Input, State>, input: Input): Learning {
  const learning = model.learning?.(input);
  if (learning) return learning;
  throw new InputError(
    `there is no gradient of a ${model.family}; there is one of UNet2DModel and UNet2DConditionModel`,
  );
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
    ...Object.fromEntries(
      parametersOf(model.stages)
        .filter(isWeight)
        .map(({ name }) => [weightName(name), weightIn(weights, name)]),
    ),
  };
}

/** [B,channels]: the number of each sample, for each of its channels. */
function perChannel(numbers: readonly number[], { sample }: ModelInput, channels: number, dtype: DType): Tensor {
  const spread = Float64Array.from(numbers.flatMap((number) => Array.from({ length: channels }, () => number)));
  return cast(tensor('f64', [extentOf(sample, 0), channels], spread), dtype);
}

/** Whether a parameter is read by the program, and not by what prepares its input. */
function isWeight({ module }: Parameter): boolean {
  return module !== 'fourier' && module !== 'embedding';
}

function programOf<Input, State>(
  model: Model<unknown, Input, State>,
  { for: wanted, checkpointing }: LossGradientOptions,
): Program {
  const options = { ...(wanted && { for: wanted }), ...(checkpointing && { checkpointing }) };
  const key = `the gradient of the loss ${JSON.stringify(options)}`;
  const known = model.programs.get(key) ?? lossGradientProgram(model, options);
  model.programs.set(key, known);
  return known;
}

/**
 * [1]: the mean of (prediction − target)², times their importance, over the channels of the picture.
 *
 * @param watch is shown what each module gives
 */
function meanSquaredError<State>(
  { stages, begin, end, inChannels }: LossArchitecture<State>,
  kernels: Kernels,
  given: Tensors,
  watch: (path: string, value: Tensor) => void,
): Tensor {
  const prefix = weightName('');
  const weights = new Map(
    Object.entries(given).flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value] as const] : [],
    ),
  );
  const tap: Context['tap'] = (path, value) => {
    watch(path, value);
    return value;
  };
  const context: Context = { kernels, weights, tap, watches: () => false };
  const output = end(stages.reduce((state, { run }) => run(context, state, unperturbed), begin(context, given)));
  const target = tensorOf(given, 'target');
  const scaled = given.scale ? kernels.multiply(output, given.scale) : output;
  const picture = extentOf(output, 1) > inChannels ? kernels.sliceChannels(scaled, 0, inChannels) : scaled;
  const difference = kernels.subtract(picture, target);
  const squares = kernels.multiply(difference, difference);
  const counted = given.importance ? kernels.multiply(squares, given.importance) : squares;
  return kernels.divide(sumOverAll(kernels, counted), sizeOf(target.shape));
}

/** What came back to a tensor that was given for each sample, or once for all. */
function likeGiven(gradient: Tensor, { shape }: Tensor): Tensor {
  if (sameShape(gradient.shape, shape)) return gradient;
  const rows = Array.from({ length: extentOf(gradient, 0) }, () => 0);
  return toTable(gradient, rows, shape);
}

/** What came back to the rows of a table, added up row by row. */
function toTable({ dtype, data }: Tensor, rows: readonly number[], shape: readonly number[]): Tensor {
  const table = zeros(dtype, shape);
  const size = sizeOf(shape.slice(1));
  rows.forEach((row, b) => {
    for (let i = 0; i < size; i++) table.data[row * size + i] = at(table.data, row * size + i) + at(data, b * size + i);
  });
  roundInPlace(dtype, table.data);
  return table;
}
