/** One step of a training: from what there is, and a batch, to what there is next. A value becomes a value. */
import { aBackend, type Backend } from '../kernels/kernels.ts';
import { learnedParameters } from '../models/given-weights.ts';
import type { Weights } from '../models/model.ts';
import { firstNotFinite, mustBe, withParts } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { zeros, type Tensor } from '../tensor/tensor.ts';
import { adamwStep, type Moments } from './adamw.ts';
import type { Batch } from './batches.ts';
import { clipped, globalNorm } from './clip.ts';
import type { TrainingConfig } from './config.ts';
import { averaged, constantDecay, exponentOfWidth, powerFunctionDecay } from './ema.ts';
import { learningRateShare } from './learning-rate.ts';
import { aLearner, type Learner } from './training.ts';

/** How far a training is. */
export interface TrainingState {
  /** How many steps are done. */
  readonly step: number;
  readonly weights: Weights;
  /** Of all parameters that are learned. */
  readonly moments: ReadonlyMap<string, Moments>;
  /** The running average of the weights, with which pictures are drawn. */
  readonly average: Weights;
}

/** What is told of a step. */
export interface StepReport {
  readonly loss: number;
  /** √Σ g² over all gradients, before they are clipped. */
  readonly gradientNorm: number;
  readonly learningRate: number;
}

/** Where a training begins. @throws InputError for what is no training */
export function initialState(learner: Learner): TrainingState {
  aLearner('the learner', learner);
  const { model } = learner;
  const { weights, dtype } = model;
  const moments = learnedParameters(model).map(({ name, shape }) => {
    const nothing = zeros(dtype, shape);
    return [name, { expAvg: nothing, expAvgSq: nothing }] as const;
  });
  return { step: 0, weights, moments: new Map(moments), average: weights };
}

/**
 * The next step: loss, gradient, clipping, AdamW, average.
 * @param checkpointing computes each stage again on the way back: less memory, more time, the same bits
 * @throws InputError for what is no training, backend, state or batch, or does not fit the model; when the loss, a
 *   gradient or a weight is no longer finite
 */
export function trainingStep(
  learner: Learner,
  backend: Backend,
  state: TrainingState,
  batch: Batch,
  checkpointing = false,
): { readonly state: TrainingState; readonly report: StepReport } {
  aLearner('the learner', learner);
  aBackend('the backend', backend);
  aState('the state', state);
  aBatch('the batch', batch);
  const { config } = learner;
  const { loss, parameters } = learner.gradientOf(backend, state.weights, batch, checkpointing);
  const gradientNorm = globalNorm(parameters.values());
  checkGoesOn(state.step, loss, gradientNorm);
  const most = config.optimiser.max_grad_norm;
  const gradients = most === null ? parameters : clipped(parameters, gradientNorm, most);
  const { type, warmup_steps: warmupSteps } = config.schedule;
  const share = learningRateShare({ type, warmupSteps }, state.step, config.steps);
  const learningRate = config.optimiser.learning_rate * share;
  return {
    state: moved(config, state, gradients, learningRate),
    report: { loss, gradientNorm, learningRate },
  };
}

/** A state, and not a checkpoint or the weights alone. */
export const aState = mustBe('one, as initialState gives it', (value) => {
  const { step, weights, moments, average } = Object(value) as Partial<TrainingState>;
  return Number.isSafeInteger(step) && [weights, moments, average].every((part) => part instanceof Map);
});
const aBatch = withParts<Batch>('one, as batchAt gives it', 'sample', 'noise', 'timesteps');

function checkGoesOn(step: number, loss: number, gradientNorm: number): void {
  if (Number.isFinite(loss) && Number.isFinite(gradientNorm)) return;
  throw new InputError(
    `step ${step + 1}: the loss is ${loss} and the gradient measures ${gradientNorm}; ` +
      'lower optimiser.learning_rate, or raise schedule.warmup_steps',
  );
}

function checkStaysFinite(step: number, name: string, { data }: Tensor): void {
  const lost = firstNotFinite(data);
  if (lost < 0) return;
  throw new InputError(
    `step ${step + 1}: ${name} holds ${data[lost]}; lower optimiser.learning_rate, or optimiser.weight_decay`,
  );
}

/** AdamW and the average, for each parameter that is learned. */
function moved(
  config: TrainingConfig,
  { step, ...before }: TrainingState,
  gradients: ReadonlyMap<string, Tensor>,
  learningRate: number,
): TrainingState {
  const { beta1, beta2, eps, weight_decay: weightDecay } = config.optimiser;
  const options = { learningRate, beta1, beta2, eps, weightDecay };
  const decay = averageDecay(config, step + 1);
  const weights = new Map(before.weights);
  const moments = new Map(before.moments);
  const average = new Map(before.average);
  for (const [name, gradient] of gradients) {
    const [parameter, known] = [partOf(weights, name), partOf(moments, name)];
    const next = adamwStep(parameter, gradient, known, step + 1, options);
    checkStaysFinite(step, name, next.parameter);
    weights.set(name, next.parameter);
    moments.set(name, next.moments);
    average.set(name, averaged(partOf(average, name), next.parameter, decay));
  }
  return { step: step + 1, weights, moments, average };
}

/** β of the average. @param step from 1 */
function averageDecay({ ema }: TrainingConfig, step: number): number {
  if (ema.sigma_rel === null) return constantDecay(ema.decay, ema.warmup, step);
  return powerFunctionDecay(exponentOfWidth(ema.sigma_rel), step);
}

function partOf<Part>(parts: ReadonlyMap<string, Part>, name: string): Part {
  const part = parts.get(name);
  if (part === undefined) throw new TypeError(`a gradient of ${name}, which is none of what is trained`);
  return part;
}
