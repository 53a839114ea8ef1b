/** What a run will take, before it is begun. */
import { aGuidance, type Guidance, type Pass } from '../guidance/guidance.ts';
import type { Conditions } from '../models/condition.ts';
import { passLoad, type PassLoad } from '../models/cost.ts';
import type { Model } from '../models/model.ts';
import { slopesAt } from '../schedulers/original-slope.ts';
import { aScheduler, type Scheduler } from '../schedulers/scheduler.ts';
import { at } from '../tensor/at.ts';
import { checkParts, mustBe, withParts, type Checks } from '../tensor/checks.ts';
import { sourceOf } from '../tensor/deferred.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { areConditions, groupBy, type Models } from './denoiser.ts';

/** Work and room. */
export interface Work {
  /** Multiply-adds of all calls of the model. */
  readonly products: number;
  /** Of memory, at a time. */
  readonly bytes: number;
  /** Of the multiply-adds those of the model that draws, where others work besides. */
  readonly drawing?: number;
}

/** A run that is not begun: as a `SamplingRun`, but with a shape in the place of noise. */
export interface PlannedRun {
  readonly models: Models;
  readonly conditions: Conditions;
  readonly guidance: Guidance;
  readonly scheduler: Scheduler;
  /** Of the noise, [B,C,H,W]. */
  readonly shape: readonly number[];
}

const checks: Checks<PlannedRun> = {
  models: withParts<Models>('models, as { main: unet }', 'main'),
  conditions: areConditions,
  guidance: aGuidance,
  scheduler: aScheduler,
  shape: mustBe('a shape, as [1, 3, 64, 64]', Array.isArray),
};

/**
 * The least that a run takes: the passes that its guidance asks for first in each step (what SAG asks for later is not
 * counted), and the room for the inner values of one group of passes. Nothing is computed, and no numbers are needed.
 * @throws InputError for what is none, when the shape does not fit the model, or a condition or a model is not given
 */
export function leastWork(run: PlannedRun): Work {
  checkParts('a planned run', run, checks);
  const { models, conditions, guidance, scheduler, shape } = run;
  const known = new Map<string, PassLoad>();
  const loadOf = (group: readonly Pass[], timestep: number): PassLoad => {
    const { condition, against, model = 'main', sample } = at(group, 0);
    const size = sample?.shape ?? shape;
    const key = JSON.stringify([model, condition, size, ...group.map(nameOf)]);
    const chosen = models[model] ?? models.main;
    const given = Object.hasOwn(conditions, condition) ? conditions[condition] : conditions['given'];
    const other = against === undefined ? undefined : conditions[against]?.encoderHiddenStates;
    const input = {
      sample: blank(size),
      timesteps: [timestep],
      ...given,
      ...(other && { negativeHiddenStates: other }),
    };
    const load =
      known.get(key) ??
      passLoad(
        chosen,
        input,
        group.map(({ perturbation }) => perturbation),
      );
    known.set(key, load);
    return load;
  };
  const loads = scheduler.timesteps.flatMap((timestep, index) =>
    groupsOf(firstPasses(guidance, scheduler, index, shape)).map((group) => loadOf(group, timestep)),
  );
  return {
    products: loads.reduce((sum, { products }) => sum + products, 0),
    bytes: [...known.values()].reduce((most, load) => Math.max(most, leastBytes(models.main, load)), 0),
  };
}

/** What the fast kernels keep of weights that lie in a file, at most: those beyond it are loaded in each run. */
const mostKept = 2 ** 32;

/**
 * The least memory that passes of a model take. Numbers of 16 bits are held in 32, but those of weights that are still
 * in a file need not stay at all.
 */
export function leastBytes({ dtype, weights }: Pick<Model, 'dtype' | 'weights'>, load: PassLoad): number {
  const width = dtype === 'f64' ? 8 : 4;
  const inFiles = { f32: 0, f16: 0, bf16: 0 };
  for (const { format, length } of [...weights.values()].flatMap((weight) => sourceOf(weight) ?? []))
    inFiles[format] += length;
  const others = load.numbers - inFiles.f32 - inFiles.f16 - inFiles.bf16;
  return width * others + Math.min(mostKept, width * inFiles.f32);
}

/** A tensor without numbers, of which only the shape is looked at. */
function blank(shape: readonly number[]): Tensor {
  return { dtype: 'f32', shape, data: new Float32Array(0) };
}

/** What ends a guidance's step when it has said which passes it wants. */
class Asked extends Error {
  constructor(readonly passes: readonly Pass[]) {
    super('asked');
  }
}

/** The passes that a guidance asks for first in a step. */
function firstPasses(
  guidance: Guidance,
  scheduler: Scheduler,
  index: number,
  shape: readonly number[],
): readonly Pass[] {
  const ask = (passes: readonly Pass[]): never => {
    throw new Asked(passes);
  };
  try {
    guidance.guide({
      index,
      count: scheduler.timesteps.length,
      timestep: at(scheduler.timesteps, index),
      sample: blank(shape),
      memory: new Map(),
      ...scheduler.levelAt(index),
      predict: ask,
      tap: (pass) => ask([pass]),
      toOriginal: (prediction) => prediction,
      ...slopesAt(scheduler, index),
    });
  } catch (error) {
    if (error instanceof Asked) return error.passes;
    throw error;
  }
  return [];
}

/** Passes of one model, one condition and one picture, which are one call of the network. */
function groupsOf(passes: readonly Pass[]): readonly (readonly Pass[])[] {
  return groupBy(
    passes,
    ({ model = 'main' }) => model,
    ({ condition }) => condition,
    ({ against }) => against,
    ({ sample }) => sample,
  );
}

/** A pass by what is perturbed in it. */
function nameOf({ perturbation }: Pass): readonly string[] {
  return [...perturbation].map(([path, { key }]) => `${path}: ${key}`);
}
