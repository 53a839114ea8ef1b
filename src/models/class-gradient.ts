/**
 * What a classifier says of noised pictures, and how that changes with them and with its weights: what it is trained
 * by, and what classifier guidance goes along.
 *
 *     log p(y|x) = l_y − log Σ_k exp l_k,   ∂/∂l = [y] − softmax(l),   l the logits
 *
 * The softmax is known before the way back begins, so the program needs no logarithm: it derives Σ l ⊙ c, where
 * c = softmax(l) − [y] is taken as it is. The loss itself is computed of the logits, in double precision.
 */
import { gradientName } from '../kernels/gradients/gradient.ts';
import { sumOverAll } from '../kernels/gradients/sums.ts';
import { aBackend, tensorOf, type Backend, type Kernels, type Program, type Tensors } from '../kernels/kernels.ts';
import { at } from '../tensor/at.ts';
import { checkFinite, checkOptions, mustBe, optional, type Checks } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { exp, log } from '../tensor/math/index.ts';
import { shown } from '../tensor/shown.ts';
import { extentOf, zeros, type DType, type Tensor } from '../tensor/tensor.ts';
import { areLabels } from './condition.ts';
import {
  derivedLoss,
  givenWeights,
  learningOf,
  lossProgramChecks,
  outputOf,
  parameterGradients,
  type LossProgramOptions,
} from './given-weights.ts';
import { perSample } from './inputs.ts';
import { aModel, programFor, type Architecture, type Model, type ModelInput } from './model.ts';

/** The cross-entropy of labels, and how it changes. */
export interface ClassGradient {
  /** Σ −log p(y|x) over the samples, or their mean. */
  readonly loss: number;
  /** [B,K]. */
  readonly logits: Tensor;
  /** ∂loss/∂sample, [B,C,H,W]. */
  readonly sample: Tensor;
  /** ∂loss/∂parameter by its name, of its shape, in the order of PyTorch; none for the sample alone. */
  readonly parameters: ReadonlyMap<string, Tensor>;
}

/** What the gradient is for, and how it is computed. */
export interface ClassGradientOptions extends LossProgramOptions {
  /** Of all samples: their mean, as a training has it, or their sum, in which a sample is as if it were alone. */
  readonly reduction?: 'mean' | 'sum';
}

const checks: Checks<ClassGradientOptions> = {
  ...lossProgramChecks,
  reduction: optional(mustBe("'mean' or 'sum'", (value) => value === 'mean' || value === 'sum')),
};

/**
 * The cross-entropy of what a classifier says, and its gradient.
 * @param labels what is in the pictures: one for each, or one for all, from 0 to K − 1
 * @throws InputError when the model is no classifier, when the input, the labels or an option does not fit it, or holds
 *   what is not finite
 */
export function classGradient<State>(
  model: Model<unknown, ModelInput, State>,
  backend: Backend,
  input: ModelInput,
  labels: readonly number[],
  options: ClassGradientOptions = {},
): ClassGradient {
  checkClassifier('classGradient', model);
  aBackend('the backend', backend);
  model.check(input);
  checkOptions('classGradient', options, checks);
  const [batch, classes] = [extentOf(input.sample, 0), model.outChannels];
  const asked = checkedLabels(labels, batch, classes);
  const given = {
    ...model.tensors(input, model.weights, model.dtype),
    ...givenWeights(model),
    asked: oneHot(asked, classes, model.dtype),
  };
  for (const [name, value] of Object.entries(given)) checkFinite(`the input "${name}" of the classifier`, value);
  const { reduction = 'mean' } = options;
  const results = backend.run(programOf(model, options), given);
  const logits = tensorOf(results, 'logits');
  const sum = asked.reduce((total, label, b) => total - logProbability(rowOf(logits, b), label), 0);
  return {
    loss: reduction === 'mean' ? sum / batch : sum,
    logits,
    sample: tensorOf(results, gradientName('sample')),
    parameters: options.for === 'sample' ? new Map() : parameterGradients(model, learningOf(model, input), results),
  };
}

/** @throws InputError for what is no model, and one that says no classes. @param caller who wants one */
export function checkClassifier<State>(caller: string, model: Model<unknown, ModelInput, State>): void {
  aModel('the classifier', model);
  if (model.predicts !== 'classes')
    throw new InputError(`${caller} wants a model that predicts classes, not a ${model.family}; use lossGradient`);
}

/**
 * One label for each sample.
 * @throws InputError for labels that are none of the classes, or not as many as samples
 */
export function checkedLabels(labels: readonly number[], batch: number, classes: number): readonly number[] {
  areLabels('labels', labels);
  const wrong = labels.find((label) => !(Number.isInteger(label) && label >= 0 && label < classes));
  if (wrong !== undefined)
    throw new InputError(
      `the label ${shown(wrong)} is none of the classifier's: whole numbers from 0 to ${classes - 1}`,
    );
  if (labels.length !== 1 && labels.length !== batch)
    throw new InputError(`there are ${labels.length} labels for ${batch} samples; give one, or one for each`);
  return perSample(labels, batch);
}

/** log p(y|x) of the logits of one sample, in double precision. */
function logProbability(logits: readonly number[], label: number): number {
  const most = Math.max(...logits);
  const sum = logits.reduce((total, logit) => total + exp(logit - most), 0);
  return at(logits, label) - most - log(sum);
}

function rowOf(x: Tensor, row: number): readonly number[] {
  const size = extentOf(x, 1);
  return [...x.data.subarray(row * size, (row + 1) * size)];
}

/** [B,K]: 1 for the class of each sample. */
export function oneHot(labels: readonly number[], classes: number, dtype: DType): Tensor {
  const hot = zeros(dtype, [labels.length, classes]);
  labels.forEach((label, b) => {
    hot.data[b * classes + label] = 1;
  });
  return hot;
}

type ClassifierArchitecture<State> = Pick<Architecture<unknown, never, State>, 'stages' | 'begin' | 'end'>;

function programOf<State>(model: Model<unknown, ModelInput, State>, options: ClassGradientOptions): Program {
  const { for: wanted, reduction, checkpointing } = options;
  const key = `the gradient of the classes ${JSON.stringify([wanted, reduction, checkpointing])}`;
  return programFor(model, key, () => classGradientProgram(model, options));
}

/** From the input's tensors, the weights and `asked` [B,K] to `logits` [B,K] and the gradients `grad.…`. */
function classGradientProgram<State>(
  architecture: ClassifierArchitecture<State>,
  { reduction = 'mean', ...options }: ClassGradientOptions,
): Program {
  const along = derivedLoss(architecture, options, (kernels, given, watch) => {
    const logits = outputOf(architecture, kernels, given, watch);
    return sumOverAll(kernels, kernels.multiply(logits, tensorOf(given, 'change')));
  });
  return (kernels, given) => {
    const logits = outputOf(architecture, kernels, given);
    const change = changeOf(kernels, logits, given, reduction);
    const { loss: _, ...gradients } = along(kernels, { ...given, change });
    return { logits, ...gradients };
  };
}

/** ∂loss/∂logits, [B,K]. */
function changeOf(kernels: Kernels, logits: Tensor, given: Tensors, reduction: 'mean' | 'sum'): Tensor {
  const change = kernels.subtract(kernels.softmax(logits), tensorOf(given, 'asked'));
  return reduction === 'mean' ? kernels.divide(change, extentOf(logits, 0)) : change;
}
