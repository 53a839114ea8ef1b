/**
 * Running a model: once, or in several passes that perturb different attention layers and share all that comes before
 * their first difference.
 */
import { aBackend, tensorOf, type Backend, type Kernels, type Program, type Tensors } from '../kernels/kernels.ts';
import { allKernels } from '../kernels/operations/index.ts';
import { traceProgram } from '../kernels/trace.ts';
import type { Context } from '../nn/context.ts';
import { at } from '../tensor/at.ts';
import {
  aFunction,
  checkFinite,
  checkOptions,
  mustBe,
  optional,
  textsAs,
  type Check,
  type Checks,
} from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { aModel, programFor, type Model } from './model.ts';
import { aMixer, type AttentionMixer } from '../nn/attention.ts';
import { selectCrossLayers, selectLayers } from './selectors.ts';
import { unperturbed, type Perturbation, type Stage } from './stage.ts';
import { matchesAny } from './taps.ts';

/** What a run of a model is asked for besides its input. */
export interface PassOptions {
  /**
   * One pass for each: an empty map is the unperturbed pass, and the only one unless others are given. The keys are
   * selectors of attention layers: module paths, or short forms as `mid`.
   */
  readonly passes?: readonly Perturbation[];
  /** Which inner values to show: module paths, `*` and `?` allowed. Those of pass i > 0 are called `i:path`. */
  readonly taps?: readonly string[];
}

/** What a run of a model gives. */
export interface PassOutput {
  /** The prediction of each pass, [B,C′,H,W]. */
  readonly predictions: readonly Tensor[];
  /** The inner values that were asked for, by module path; those of pass i > 0 are called `i:path`. */
  readonly taps: Tensors;
}

/** Looks at the inner values of a pass, and may put others in their place: the pass goes on with what `tap` returns. */
export type Watcher = Pick<Context, 'tap' | 'watches'>;

/** The watcher that looks at nothing. */
export const unwatched: Watcher = { tap: (_path, value) => value, watches: () => false };

/** Passes, as a list. */
export const arePasses: Check = mustBe('a list of Maps, of layers and mixers', Array.isArray);

const checks: Checks<PassOptions> = {
  passes: optional(arePasses),
  taps: optional(textsAs('a list of module paths')),
};

/**
 * Runs a model, once or with several perturbations of its attention. Passes share all that comes before their first
 * difference; each gives the bits that it gives alone.
 * @throws InputError when the input does not fit the model, a perturbed layer is no attention layer of it, or a tap
 *   names no module of it
 */
export function runModel<Input, State>(
  model: Model<unknown, Input, State>,
  backend: Backend,
  input: Input,
  options: PassOptions = {},
): PassOutput {
  aModel('the model', model);
  aBackend('the backend', backend);
  checkOptions('runModel', options, checks);
  model.check(input);
  const { passes = [unperturbed], taps = [] } = options;
  const resolved = passes.map((perturbation) => onSites(model, perturbation));
  const tensors = model.tensors(input, model.weights, model.dtype);
  for (const [name, value] of Object.entries(tensors)) checkFinite(`the input "${name}" of the model`, value);
  const outputs = backend.run(programOf(model, resolved, taps), tensors);
  const seen = Object.entries(outputs).flatMap(([name, value]) =>
    name.startsWith(tapPrefix) ? [[name.slice(tapPrefix.length), value] as const] : [],
  );
  const unseen = taps.filter((tap) => !seen.some(([name]) => matchesAny([tap], name)));
  if (unseen.length > 0) expectModules(model, input, resolved.length, unseen);
  return {
    predictions: passes.map((_pass, i) => model.finish(tensorOf(outputs, resultName(i)), input)),
    taps: Object.fromEntries(seen),
  };
}

/**
 * Runs a model directly on `kernels`, every pass under a watcher's eyes.
 * @param watcherOf the watcher of each pass, by its number from 0 on
 * @returns the prediction of each pass, [B,C′,H,W]
 * @throws InputError as `runModel`
 */
export function traceModel<Input, State>(
  model: Model<unknown, Input, State>,
  kernels: Kernels,
  input: Input,
  passes: readonly Perturbation[],
  watcherOf: (pass: number) => Watcher,
): readonly Tensor[] {
  aModel('the model', model);
  allKernels('the kernels', kernels);
  arePasses('passes', passes);
  aFunction('a function that gives each pass its watcher')('watcherOf', watcherOf);
  model.check(input);
  const resolved = passes.map((perturbation) => onSites(model, perturbation));
  const tensors = model.tensors(input, model.weights, model.dtype);
  const results = forwardPasses(model, kernels, tensors, resolved, watcherOf);
  return results.map((prediction) => model.finish(prediction, input));
}

/**
 * The perturbation with its selectors replaced by the paths of the layers that they select.
 * @throws InputError when one selects no attention layer (the message lists the layers), or two select the same one for
 *   different mixers
 */
export function onSites(
  { attentionLayers, crossAttentionLayers }: Pick<Model, 'attentionLayers' | 'crossAttentionLayers'>,
  perturbation: Perturbation,
): Perturbation {
  if (!(perturbation instanceof Map)) {
    throw new InputError('a perturbation must be a Map of layers and mixers, as new Map([["mid", identity]])');
  }
  const resolved = new Map<string, AttentionMixer>();
  for (const [selector, mixer] of perturbation) {
    aMixer(`the mixer of "${selector}"`, mixer);
    const selected =
      mixer.site === 'cross'
        ? selectCrossLayers([selector], crossAttentionLayers)
        : selectLayers([selector], attentionLayers);
    for (const layer of selected) {
      const other = resolved.get(layer);
      if (other && other.key !== mixer.key) {
        throw new InputError(
          `the layer ${layer} is perturbed twice, by ${other.key} and, as "${selector}", by ${mixer.key}`,
        );
      }
      resolved.set(layer, mixer);
    }
  }
  return resolved;
}

/**
 * Fails unless each tap names a module of the model in one of the passes. It may be unseen for all that: a pass shows
 * nothing of what it shares with the first one.
 */
function expectModules<Input, State>(
  model: Model<unknown, Input, State>,
  input: Input,
  passes: number,
  taps: readonly string[],
): void {
  const names = new Set<string>();
  const watcher: Watcher = {
    watches: () => true,
    tap: (path, value) => {
      names.add(path);
      return value;
    },
  };
  const program: Program = (kernels, inputs) => {
    const results = forwardPasses(model, kernels, inputs, [unperturbed], () => watcher);
    return Object.fromEntries(results.map((result, pass) => [resultName(pass), result]));
  };
  traceProgram(program, model.tensors(input, model.weights, model.dtype), undefined);
  const all = Array.from({ length: passes }, (_, pass) => [...names].map((name) => nameInPass(pass, name))).flat();
  for (const tap of taps) {
    if (all.some((name) => matchesAny([tap], name))) continue;
    throw new InputError(`the tap "${tap}" names no module of the model; the tap "*" shows all that there are`);
  }
}

/** What a tap of a pass is called: its path, after the pass's number but for the first one. */
export function nameInPass(pass: number, path: string): string {
  return pass === 0 ? path : `${pass}:${path}`;
}

const tapPrefix = 'tap:';
const resultName = (pass: number): string => `result:${pass}`;

/** The forward passes as a program. Passes with the same perturbations and taps are the same program. */
function programOf<State>(
  model: Model<unknown, never, State>,
  passes: readonly Perturbation[],
  taps: readonly string[],
): Program {
  const key = [...passes.map(perturbationKey), ...taps].join(' | ');
  return programFor(model, key, () => (kernels, inputs) => {
    const seen: Record<string, Tensor> = {};
    const results = forwardPasses(model, kernels, inputs, passes, (pass) => {
      const watches = (path: string): boolean => matchesAny(taps, nameInPass(pass, path));
      return {
        watches,
        tap: (path, value) => {
          if (watches(path)) seen[tapPrefix + nameInPass(pass, path)] = value;
          return value;
        },
      };
    });
    return { ...seen, ...Object.fromEntries(results.map((result, pass) => [resultName(pass), result])) };
  });
}

function perturbationKey(perturbation: Perturbation): string {
  return [...perturbation].map(([path, mixer]) => `${path}=${mixer.key}`).join('&');
}

/**
 * The forward passes themselves, on kernels of whatever kind.
 * @param inputs what the architecture's `tensors` makes of an input
 * @param passes by the paths of the layers
 * @param watcherOf the watcher of each pass, by its number from 0 on
 * @returns what comes out of the last stage, for each pass
 */
export function forwardPasses<State>(
  model: Pick<Model<unknown, never, State>, 'stages' | 'weights' | 'begin' | 'end'>,
  kernels: Kernels,
  inputs: Tensors,
  passes: readonly Perturbation[],
  watcherOf: (pass: number) => Watcher,
): readonly Tensor[] {
  const { stages, weights } = model;
  const contextOf = (pass: number): Context => ({ kernels, weights, ...watcherOf(pass) });

  // The first pass keeps its state before every stage; each other pass starts where it first differs from it.
  const states: State[] = [model.begin(contextOf(0), inputs)];
  return passes.map((perturbation, pass) => {
    const context = contextOf(pass);
    const start = pass === 0 ? 0 : firstDifference(stages, at(passes, 0), perturbation);
    let state = at(states, start);
    for (const stage of stages.slice(start)) {
      state = stage.run(context, state, perturbation);
      if (pass === 0) states.push(state);
    }
    return model.end(state);
  });
}

/** The index of the first stage that two perturbations run differently; the number of stages if there is none. */
export function firstDifference(
  stages: readonly Pick<Stage<never>, 'path'>[],
  a: Perturbation,
  b: Perturbation,
): number {
  const index = stages.findIndex(({ path }) => a.get(path)?.key !== b.get(path)?.key);
  return index < 0 ? stages.length : index;
}
