/**
 * A denoiser answers the passes that a guidance asks for. Here: a model that does so with as little work as they need.
 */
import { aPass, type Pass } from '../guidance/guidance.ts';
import { aBackend, tensorOf, type Backend, type Tensors } from '../kernels/kernels.ts';
import { areLabels, classConditions, type Condition, type Conditions } from '../models/condition.ts';
import { aModel, type Model, type ModelInput } from '../models/model.ts';
import { nameInPass, runModel } from '../models/passes.ts';
import { selectLayers } from '../models/selectors.ts';
import { at } from '../tensor/at.ts';
import {
  aFunction,
  checkOptions,
  finite,
  mustBe,
  optional,
  withMethods,
  type Check,
  type Checks,
} from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Whatever answers passes. */
export interface Denoiser {
  /**
   * What a model predicts in each pass.
   * @param sample what the model is given, [B,C,H,W], scaled as the scheduler wants it
   * @param timestep the one that the model is given, for all samples
   * @returns for each pass its prediction, [B,C′,H,W], and the inner values that it asks to see
   */
  predict(sample: Tensor, timestep: number, passes: readonly Pass[]): readonly Prediction[];
}

/** A denoiser. */
export const aDenoiser = withMethods<Denoiser>('a denoiser, as unetDenoiser(model, backend)', 'predict');

/** What a model says in one pass. */
export interface Prediction {
  /** [B,C′,H,W]; C′ is C, or 2C with the variance. */
  readonly output: Tensor;
  /** The inner values that the pass asks to see, by module path. */
  readonly taps: Tensors;
}

/** The models that guidances know. */
export interface Models {
  /** The one that draws. */
  readonly main: Model;
  /** A worse one, for AutoGuidance. */
  readonly weak?: Model;
}

/**
 * Runs passes of one model on one input; the predictions come in the order of the passes. The perturbed layers are
 * given as the guidance names them, by paths or selectors.
 */
export type PassRunner = (model: Model, input: ModelInput, passes: readonly Pass[]) => readonly Prediction[];

/**
 * A denoiser for a model. Passes that differ only in their perturbation are one call of the network, which they share
 * up to the first perturbed layer. Perturbed layers may be named by selectors (`mid`).
 * @param conditions by the names that guidances ask for: `given`, `null` …
 * @throws InputError for a model whose output is no prediction of its input, and class labels that it does not have,
 *   whether a pass asks for them or not; when predicting, for layers that are no attention layers of the model, for a
 *   condition or a model that was not given
 */
export function denoiserOf(models: Models, backend: Backend, conditions: Conditions): Denoiser {
  aBackend('the backend', backend);
  return groupingDenoiser(models, conditions, (model, input, passes) => onBackend(backend, model, input, passes));
}

/** What `unetDenoiser` is told besides the model. */
export interface DenoiserOptions {
  /** One class label per sample, or one for all; undefined for an unconditional model. */
  readonly labels?: readonly number[];
  /** The label that means "no class", for passes without a condition. */
  readonly nullLabel?: number;
  /** A second, worse model, for AutoGuidance. */
  readonly weak?: Model;
}

const checks: Checks<DenoiserOptions> = {
  labels: optional(areLabels),
  nullLabel: optional(finite()),
  weak: optional(aModel),
};

/**
 * `denoiserOf` for a model that knows classes, or no condition at all.
 * @throws InputError as `denoiserOf`
 */
export function unetDenoiser(model: Model, backend: Backend, options: DenoiserOptions = {}): Denoiser {
  checkOptions('unetDenoiser', options, checks);
  const { labels, nullLabel, weak } = options;
  return denoiserOf({ main: model, ...(weak && { weak }) }, backend, classConditions(labels, nullLabel));
}

/**
 * A denoiser that leaves the running to `run`: it is given the passes of one model, one condition and one picture.
 * @throws InputError for a model whose output is no prediction of its input, and class labels that it does not have;
 *   when predicting, for a condition or a model that was not given
 */
export function groupingDenoiser(models: Models, conditions: Conditions, run: PassRunner): Denoiser {
  checkOptions('the models of a denoiser', models, { main: aModel, weak: optional(aModel) });
  areConditions('the conditions', conditions);
  aFunction('a function that runs passes')('run', run);
  for (const { inChannels, outChannels, checkCondition } of models.weak ? [models.main, models.weak] : [models.main]) {
    for (const condition of Object.values(conditions)) checkCondition?.(condition);
    if (outChannels !== inChannels && outChannels !== 2 * inChannels) {
      throw new InputError(
        `the model makes ${outChannels} channels of ${inChannels}; ` +
          'to draw with it they must be as many, or twice as many with the variance',
      );
    }
  }
  return {
    predict(sample, timestep, passes) {
      arePasses('passes', passes);
      const predictions = new Map<Pass, Prediction>();
      const modelOf = ({ model = 'main' }: Pass): Model => modelNamed(models, model);
      const sampleOf = (pass: Pass): Tensor => pass.sample ?? sample;
      for (const group of groupBy(
        passes,
        modelOf,
        ({ condition }) => condition,
        ({ against }) => against,
        sampleOf,
      )) {
        const first = at(group, 0);
        const condition = { ...conditionNamed(conditions, first.condition), ...otherText(conditions, first) };
        const found = run(modelOf(first), { sample: sampleOf(first), timesteps: [timestep], ...condition }, group);
        group.forEach((pass, i) => {
          predictions.set(pass, at(found, i));
        });
      }
      return passes.flatMap((pass) => predictions.get(pass) ?? []);
    },
  };
}

const arePasses: Check = (name, passes) => {
  mustBe('a list of passes, as [conditional]', Array.isArray)(name, passes);
  for (const pass of passes as readonly unknown[]) aPass('a pass', pass);
};

/** Conditions by name. */
export const areConditions = mustBe('an object of conditions by name, as classConditions([0], undefined)', (value) =>
  Object.values(Object(value) as object).every((one) => typeof one === 'object' && one !== null),
);

function modelNamed(models: Models, name: 'main' | 'weak'): Model {
  const model = models[name];
  if (!model) throw new InputError('the guidance needs a second, weaker model, but none is given');
  return model;
}

function conditionNamed(conditions: Conditions, name: string): Condition {
  const condition = Object.hasOwn(conditions, name) ? conditions[name] : undefined;
  if (condition) return condition;
  if (name !== 'null') {
    throw new InputError(
      `the guidance asks for the condition "${name}"; given are ${Object.keys(conditions).join(', ')}`,
    );
  }
  throw new InputError(
    'the guidance asks what the model predicts without a condition, but no label that means "no class" is given; ' +
      'give a null label, or a guidance that needs none',
  );
}

/** The text that a pass goes away from, where it does. */
function otherText(conditions: Conditions, { against }: Pass): Condition {
  if (against === undefined) return {};
  const { encoderHiddenStates: negativeHiddenStates } = conditionNamed(conditions, against);
  if (negativeHiddenStates) return { negativeHiddenStates };
  throw new InputError(`the guidance goes away from the text of the condition "${against}", which has none`);
}

function onBackend(backend: Backend, model: Model, input: ModelInput, passes: readonly Pass[]): readonly Prediction[] {
  // The plain pass goes first: the others branch off from it.
  const ordered = [...passes].sort((a, b) => a.perturbation.size - b.perturbation.size);
  const { predictions, taps } = runModel(model, backend, input, {
    passes: ordered.map(({ perturbation }) => perturbation),
    taps: ordered.flatMap((pass, place) => (pass.taps ?? []).map((path) => nameInPass(place, tapOf(model, path)))),
  });
  return passes.map((pass) => {
    const place = ordered.indexOf(pass);
    const seen = (pass.taps ?? []).map(
      (path) => [path, tensorOf(taps, nameInPass(place, tapOf(model, path)))] as const,
    );
    return { output: at(predictions, place), taps: Object.fromEntries(seen) };
  });
}

/** The map of an attention layer may be asked for by a selector, as `mid.map`; of several layers it is the first's. */
function tapOf({ attentionLayers }: Model, path: string): string {
  const [, selector] = /^(.*)\.map$/.exec(path) ?? [];
  return selector === undefined ? path : `${at(selectLayers([selector], attentionLayers), 0)}.map`;
}

/** `items` in groups that agree in all `keys`, in the order of their first members. */
export function groupBy<T>(items: readonly T[], ...keys: readonly ((item: T) => unknown)[]): readonly (readonly T[])[] {
  const first = (item: T): T => items.find((other) => keys.every((key) => key(other) === key(item))) ?? item;
  const groups = new Map<T, readonly T[]>();
  for (const item of items) groups.set(first(item), [...(groups.get(first(item)) ?? []), item]);
  return [...groups.values()];
}
