/** What the registry knows of a guidance, and what its entries have in common. */
import type { PerSample } from '../../tensor/arithmetic.ts';
import { InputError } from '../../tensor/errors.ts';
import { selectLayers } from '../../models/selectors.ts';
import type { ProjectionOptions } from '../apg.ts';
import type { SlopeAt } from '../classifier.ts';
import type { Guidance } from '../guidance.ts';
import type { Parameter } from '../parameters.ts';
import { isAll } from '../scales.ts';

/** What a guidance must know of the model that it guides. */
export interface GuidanceContext {
  /** The paths of the self-attention layers. */
  readonly attentionLayers: readonly string[];
  /** The paths of the layers that ask a text; none unless given. */
  readonly crossAttentionLayers?: readonly string[];
  /** Whether the model can be asked without a condition: it is class-conditional, and a label means "no class". */
  readonly hasNullCondition: boolean;
  /** Whether there is a second, weaker model. */
  readonly hasWeakModel: boolean;
  /** Where a classifier pulls, of the labels that are asked for; left out where there is none. */
  readonly slopeAt?: SlopeAt;
}

/** What a classifier has learnt to see: noised pictures, or whole ones. */
export type ClassifierKind = 'noise' | 'clean';

/** A guidance as a command line offers and explains it. */
export interface GuidanceEntry {
  /** One line. */
  readonly summary: string;
  /** Its guided prediction, in the symbols of `guidance.ts`. */
  readonly formula: string;
  /** Where it comes from. */
  readonly source: string;
  /** The kind of classifier that it follows, of noised pictures or of whole ones; left out where it follows none. */
  readonly classifier?: ClassifierKind;
  /** Its own parameters; `commonParameters` come on top. */
  readonly parameters: readonly Parameter[];
  /**
   * The guidance.
   * @throws InputError when the model lacks what it needs, or a value is none that the guidance can have
   */
  readonly create: (values: Values, context: GuidanceContext) => Guidance;
}

/** Every parameter's value, given or default, by kind. The kind that is asked for must be that of the parameter. */
export interface Values {
  /** Of a `scale`. */
  scale(name: string): PerSample;
  /** Of a `number` or an `integer`. */
  number(name: string): number;
  /** Of `numbers`. */
  numbers(name: string): readonly number[];
  /** Of a `choice`. */
  text(name: string): string;
  /** Of `layers`. */
  texts(name: string): readonly string[];
}

/** A parameter that is one number, or one for each sample. */
export function scaleParameter(name: string, value: number, summary: string): Parameter {
  return { name, kind: 'scale', summary, default: value };
}

/** g of classifier-free guidance, with its default. */
export function guidanceScaleParameter(value: number): Parameter {
  return scaleParameter('guidanceScale', value, 'g of classifier-free guidance; 1 is without');
}

/** A parameter that selects attention layers; the middle block's, unless given. */
export function layersParameter(name: string, summary: string): Parameter {
  return { name, kind: 'layers', summary, default: ['mid'] };
}

/**
 * The self-attention layers that a parameter selects, in the order of the forward pass.
 * @throws InputError when a selector selects none
 */
export function layersOf(values: Values, name: string, { attentionLayers }: GuidanceContext): readonly string[] {
  return selectLayers(values.texts(name), attentionLayers);
}

/**
 * The scale g of classifier-free guidance.
 * @throws InputError as `needsNullCondition` does
 */
export function classifierFreeScale(values: Values, context: GuidanceContext): PerSample {
  return needsNullCondition(values.scale('guidanceScale'), context);
}

/**
 * g itself.
 * @throws InputError when it needs a pass without a condition and the model has none
 */
export function needsNullCondition<Scale extends PerSample>(g: Scale, { hasNullCondition }: GuidanceContext): Scale {
  if (!isAll(g, 1) && !hasNullCondition) {
    throw new InputError(
      'classifier-free guidance needs a class-conditional model and the label that means "no class"; give ' +
        'nullLabel, or a guidance scale of 1',
    );
  }
  return g;
}

/** The parameters of APG, along whatever direction. */
export const projectionParameters: readonly Parameter[] = [
  { name: 'apgEta', kind: 'number', summary: 'η: how much of the update parallel to ε(c) stays; 1 is all', default: 1 },
  {
    name: 'normThreshold',
    kind: 'number',
    summary: "r: the update's norm is cut to it; 0 does not cut",
    default: 15,
    least: 0,
  },
  {
    name: 'momentum',
    kind: 'number',
    summary: 'β: how much of the former updates is added; the paper has −0.5',
    default: 0,
  },
];

/** What `projectionParameters` say. */
export function projectionOptions(values: Values): ProjectionOptions {
  return {
    eta: values.number('apgEta'),
    normThreshold: values.number('normThreshold'),
    momentum: values.number('momentum'),
  };
}
