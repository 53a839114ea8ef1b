/**
 * Models whose weights are inputs of their program, not constants: one program then serves all steps of a training, and
 * has a gradient for each weight.
 */
import { gradient, gradientName } from '../kernels/gradients/gradient.ts';
import { tensorOf, type Kernels, type Program, type Tensors } from '../kernels/kernels.ts';
import { weightIn } from '../nn/context.ts';
import type { Parameter } from '../nn/parameters.ts';
import { at } from '../tensor/at.ts';
import { flag, mustBe, optional, type Checks } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { roundInPlace } from '../tensor/rounding.ts';
import { extentOf, sameShape, sizeOf, zeros, type Tensor } from '../tensor/tensor.ts';
import type { Condition } from './condition.ts';
import type { Architecture, EmbeddingName, Learning, Model } from './model.ts';
import { forwardPasses, unwatched, type Watcher } from './passes.ts';
import { parametersOf, unperturbed, type Stage } from './stage.ts';

/** What has stages with parameters: an architecture, or a model. */
export interface Stages {
  readonly stages: readonly Pick<Stage<never>, 'parameters'>[];
}

/** The parameters that are learned: random Fourier features are drawn once and stay. */
export function learnedParameters({ stages }: Stages): readonly Parameter[] {
  return parametersOf(stages).filter(({ module }) => module !== 'fourier');
}

const weightName = (parameter: string): string => `weight:${parameter}`;

/** Whether a parameter is read by the program, and not by what prepares its input. */
function isWeight({ module }: Parameter): boolean {
  return module !== 'fourier' && module !== 'embedding';
}

/** The weights of a model by the names that its program has for them. */
export function givenWeights({ stages, weights }: Pick<Model, 'weights'> & Stages): Tensors {
  return Object.fromEntries(
    parametersOf(stages)
      .filter(isWeight)
      .map(({ name }) => [weightName(name), weightIn(weights, name)]),
  );
}

/** Shown what each module gives, by its path. */
export type Watch = (path: string, value: Tensor) => void;

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

/** What these may be. */
export const lossProgramChecks: Checks<LossProgramOptions> = {
  for: optional(mustBe("'sample', or left out", (value) => value === 'sample')),
  checkpointing: optional(flag),
};

/** The tensors of a model's input that are looked up in tables, or texts. */
const told = ['time', 'class', 'text', 'pooled'];

/**
 * A loss of a model whose weights are given, and its gradient for the sample, what was looked up in tables, texts, and
 * the weights.
 * @param lossOf [1]; it shows `watch` what each module gives
 */
export function derivedLoss(
  { stages }: { readonly stages: readonly Pick<Stage<never>, 'path' | 'parameters'>[] },
  { for: only, checkpointing }: LossProgramOptions,
  lossOf: (kernels: Kernels, given: Tensors, watch: Watch) => Tensor,
): Program {
  const weights = parametersOf(stages)
    .filter(isWeight)
    .map(({ name }) => weightName(name));
  const wanted = only === 'sample' ? ['sample'] : ['sample', ...told, ...weights];
  const paths = checkpointing ? stages.map(({ path }) => path) : [];
  const checkpoints = paths.map((path) => `the end of ${path}`);
  const forward: Program = (kernels, given) => {
    const ends = new Map<string, Tensor>();
    const loss = lossOf(kernels, given, (path, value) => ends.set(path, value));
    // Where a stage shows no result, the sample stands for it, which marks nothing.
    const marks = checkpoints.map((name, i) => [name, ends.get(at(paths, i)) ?? tensorOf(given, 'sample')] as const);
    return { loss, ...Object.fromEntries(marks) };
  };
  return (kernels, given) => {
    const derived = wanted.filter((name) => Object.hasOwn(given, name));
    return gradient(forward, 'loss', derived, { checkpoints })(kernels, given);
  };
}

/**
 * What comes out of the last stage, with the weights that are given.
 * @param watch is shown what each module gives
 */
export function outputOf<State>(
  { stages, begin, end }: Pick<Architecture<unknown, never, State>, 'stages' | 'begin' | 'end'>,
  kernels: Kernels,
  given: Tensors,
  watch: Watch = () => undefined,
): Tensor {
  const prefix = weightName('');
  const weights = new Map(
    Object.entries(given).flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value] as const] : [],
    ),
  );
  const watcher: Watcher = {
    ...unwatched,
    tap: (path, value) => {
      watch(path, value);
      return value;
    },
  };
  const outputs = forwardPasses({ stages, begin, end, weights }, kernels, given, [unperturbed], () => watcher);
  return at(outputs, 0);
}

/**
 * What a model's family says of its learning.
 * @throws InputError where it cannot be derived
 */
export function learningOf<Input, State>(model: Architecture<unknown, Input, State>, input: Input): Learning {
  const learning = model.learning?.(input);
  if (learning) return learning;
  throw new InputError(
    `there is no gradient of a ${model.family}; there is one of UNet2DModel and UNet2DConditionModel`,
  );
}

/** The gradients of all parameters that are learned, of those that a program has given. */
export function parameterGradients(model: Stages, { tables }: Learning, results: Tensors): ReadonlyMap<string, Tensor> {
  const gradientOf = (name: string): Tensor => tensorOf(results, gradientName(name));
  const byParameter = new Map(tables.map((table) => [table.parameter, table]));
  return new Map(
    learnedParameters(model).map(({ name, shape }) => {
      const table = byParameter.get(name);
      const rows = table && gradientOf(table.tensor);
      return [name, rows ? toTable(rows, table.rows, shape) : gradientOf(weightName(name))] as const;
    }),
  );
}

/** The gradients of what a model was told of a text, of those that a program has given. */
export function embeddingGradients(
  input: Condition,
  { embeddings }: Learning,
  results: Tensors,
): ReadonlyMap<EmbeddingName, Tensor> {
  return new Map(
    embeddings.map(({ tensor, name }) => {
      const { shape = [] } = input[name] ?? {};
      return [name, likeGiven(tensorOf(results, gradientName(tensor)), shape)] as const;
    }),
  );
}

/** What came back to a tensor that was given for each sample, or once for all. */
function likeGiven(gradient: Tensor, shape: readonly number[]): Tensor {
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
