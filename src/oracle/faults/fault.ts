/**
 * A mistake that ports make: a small change to an implementation. Two of them can be made together, one after the
 * other.
 */
import type { Perturbation, Stage } from '../../models/stage.ts';
import { tensor, type Tensor } from '../../tensor/tensor.ts';
import type { AttentionMixer } from '../../nn/attention.ts';
import type { Context } from '../../nn/context.ts';
import type { Kernels } from '../../kernels/kernels.ts';
import type { Guidance, GuidanceStep, Pass } from '../../guidance/guidance.ts';
import type { Config } from '../../schedulers/options.ts';
import type { Scheduler } from '../../schedulers/scheduler.ts';
import type { UNetConditionConfig } from '../../models/unet2d-condition/config.ts';
import type { UNetConfig } from '../../models/unet2d/config.ts';
import type { GuidanceSetting, Weights } from '../case.ts';
import type { Implementation } from '../implementation.ts';

/** A mistake, as a change of an implementation. */
export interface Fault {
  /** What reports call it. */
  readonly name: string;
  /** What the port does, and what is meant: completes "your tensors match this mistake: you …". */
  readonly says: string;
  /** The implementation with the mistake in it. */
  readonly apply: (implementation: Implementation) => Implementation;
}

/** Some parts of an implementation are others. */
export function inParts(
  name: string,
  says: string,
  change: (implementation: Implementation) => Partial<Implementation>,
): Fault {
  return { name, says, apply: (one) => ({ ...one, ...change(one) }) };
}

/** Some kernels compute something else. */
export function inKernels(name: string, says: string, change: (kernels: Kernels) => Partial<Kernels>): Fault {
  return inParts(name, says, (one) => ({ kernels: { ...one.kernels, ...change(one.kernels) } }));
}

/** A weight for that of this name; none leaves it out. */
export type WeightChange = (name: string, weight: Tensor, all: Weights) => Tensor | undefined;

/** The weights are laid out in another way. */
export function inWeights(name: string, says: string, change: WeightChange): Fault {
  return inParts(name, says, (one) => ({ weights: (weights) => changed(one.weights(weights), change) }));
}

/** What the configs of both kinds of UNet have. */
type CommonConfig = Pick<
  UNetConfig & UNetConditionConfig,
  'flipSinToCos' | 'freqShift' | 'centerInputSample' | 'midBlockScaleFactor'
>;

/** The config of a UNet, of either kind, is understood in another way. */
export function inConfig(name: string, says: string, change: (config: CommonConfig) => Partial<CommonConfig>): Fault {
  return inParts(name, says, (one) => ({
    config: (config) => withChange(one.config(config), change),
    conditionConfig: (config) => withChange(one.conditionConfig(config), change),
  }));
}

/** Some of the values in place of others. */
export function withChange<T, Changed extends Partial<T>>(value: T, change: (value: T) => Changed): T {
  return { ...value, ...change(value) };
}

/** What faults know of a stage. */
export type AnyStage = Pick<Stage<never>, 'path' | 'kind' | 'site'>;

/** Some stages run in a changed context. */
export function inStages(
  name: string,
  says: string,
  change: (context: Context, stage: AnyStage, perturbation: Perturbation) => Context,
): Fault {
  return inParts(name, says, (one) => ({
    stages: (stages) =>
      one.stages(stages).map((stage) => ({
        ...stage,
        run: (context, state, perturbation) => stage.run(change(context, stage, perturbation), state, perturbation),
      })),
  }));
}

/** Some kernels compute something else in some stages. */
export function inKernelsOf(
  isMeant: (stage: AnyStage) => boolean,
  name: string,
  says: string,
  change: (kernels: Kernels) => Partial<Kernels>,
): Fault {
  return inStages(name, says, (context, stage) => (isMeant(stage) ? withKernels(context, change) : context));
}

/** The passes that the guidance asks for become others. */
export function inPass(
  name: string,
  says: string,
  change: (pass: Pass, layers: readonly string[], asked: readonly Pass[]) => Pass,
): Fault {
  return inParts(name, says, (one) => ({
    pass: (pass, layers, asked) => change(one.pass(pass, layers, asked), layers, asked),
  }));
}

/** In perturbed layers, something else than the identity. */
export function byMixer(name: string, says: string, mixer: AttentionMixer): Fault {
  return inPass(name, says, (pass) => ({
    ...pass,
    perturbation: new Map([...pass.perturbation.keys()].map((layer) => [layer, mixer])),
  }));
}

/** The guidance is set otherwise. */
export function inSetting(
  name: string,
  says: string,
  change: (setting: GuidanceSetting) => Partial<GuidanceSetting>,
): Fault {
  return inParts(name, says, (one) => ({ guidance: (setting) => one.guidance({ ...setting, ...change(setting) }) }));
}

/** The guidance follows another formula. */
export function inGuidance(
  name: string,
  says: string,
  change: (guidance: Guidance, setting: GuidanceSetting) => Guidance,
): Fault {
  return inParts(name, says, (one) => ({ guidance: (setting) => change(one.guidance(setting), setting) }));
}

/** Each guided prediction comes about in another way, from guidances of whatever setting. */
export function inGuided(
  name: string,
  says: string,
  guide: (guidanceOf: (setting: GuidanceSetting) => Guidance, setting: GuidanceSetting, step: GuidanceStep) => Tensor,
): Fault {
  return inParts(name, says, (one) => ({
    guidance: (setting) => ({ name, guide: (step) => guide(one.guidance, setting, step) }),
  }));
}

/** The scheduler's config is understood in another way. */
export function inSchedule(name: string, says: string, change: (config: Config) => Config): Fault {
  return inParts(name, says, (one) => ({
    scheduler: (config, steps, choices) => one.scheduler({ ...config, ...change(config) }, steps, choices),
  }));
}

/** The scheduler does something else. */
export function inScheduler(name: string, says: string, change: (scheduler: Scheduler) => Partial<Scheduler>): Fault {
  return inParts(name, says, (one) => ({
    scheduler: (config, steps, choices) => {
      const scheduler = one.scheduler(config, steps, choices);
      return { ...scheduler, ...change(scheduler) };
    },
  }));
}

/** The context with other weights. */
export function withWeights(context: Context, change: WeightChange): Context {
  return { ...context, weights: changed(context.weights, change) };
}

/** The context with other kernels. */
export function withKernels(context: Context, change: (kernels: Kernels) => Partial<Kernels>): Context {
  return { ...context, kernels: { ...context.kernels, ...change(context.kernels) } };
}

function changed(weights: Weights, change: WeightChange): Weights {
  return new Map(
    [...weights].flatMap(([key, value]) => {
      const other = change(key, value, weights);
      return other ? [[key, other] as const] : [];
    }),
  );
}

/** Attention with another scale. */
export function scaledAttention(kernels: Kernels, scaleOf: (q: Tensor, scale: number) => number): Partial<Kernels> {
  return {
    attentionScores: (q, k, heads, scale) => kernels.attentionScores(q, k, heads, scaleOf(q, scale)),
    attentionMap: (q, k, heads, scale) => kernels.attentionMap(q, k, heads, scaleOf(q, scale)),
    attention: (q, k, v, heads, scale) => kernels.attention(q, k, v, heads, scaleOf(q, scale)),
  };
}

/** Group norms with another ε where it is `from`. */
export function groupNormEps(from: number, to: number): (kernels: Kernels) => Pick<Kernels, 'groupNorm'> {
  return ({ groupNorm }) => ({
    groupNorm: (x, groups, weight, bias, eps) => groupNorm(x, groups, weight, bias, eps === from ? to : eps),
  });
}

/** A tensor of the same shape whose element i is f(i). */
export function filled(like: Tensor, f: (i: number) => number): Tensor {
  return tensor(
    like.dtype,
    like.shape,
    like.data.map((_, i) => f(i)),
  );
}

/** The identity in place of a square weight; undefined where it is not square. */
export function identityLike(weight: Tensor): Tensor | undefined {
  const [rows, columns] = weight.shape;
  return weight.shape.length === 2 && rows === columns
    ? filled(weight, (i) => Number(Math.floor(i / columns) === i % columns))
    : undefined;
}
