/** A guidance from its entry, and what all of them have in common. */
import type { PerSample } from '../../tensor/arithmetic.ts';
import { aFunction, checkParts, flag, mustBe, optional, textsAs, type Checks } from '../../tensor/checks.ts';
import { InputError } from '../../tensor/errors.ts';
import { shown } from '../../tensor/shown.ts';
import { during } from '../during.ts';
import type { Guidance } from '../guidance.ts';
import { none } from '../none.ts';
import { checked, type Parameter, type ParameterValue, type ParameterValues } from '../parameters.ts';
import { rescaled } from '../rescale.ts';
import type { GuidanceContext, GuidanceEntry, Values } from './entry.ts';

/** What any guidance can be given: rescale, which comes last, and an interval, outside of which nothing is guided. */
export const commonParameters: readonly Parameter[] = [
  {
    name: 'guidanceRescale',
    kind: 'scale',
    summary: 'φ: how far the result is scaled back to the spread of ε(c) (arXiv 2305.08891); 0 is not at all',
    default: 0,
    least: 0,
    most: 1,
  },
  {
    name: 'guidanceStart',
    kind: 'number',
    summary: 'the share of the steps before guidance starts',
    default: 0,
    least: 0,
    most: 1,
  },
  {
    name: 'guidanceStop',
    kind: 'number',
    summary: 'the share of the steps after which guidance stops',
    default: 1,
    least: 0,
    most: 1,
  },
  {
    name: 'guidanceSigmaAbove',
    kind: 'number',
    summary: 'guidance only where the noise level σ is above this (arXiv 2404.07724)',
    default: 0,
    least: 0,
  },
  {
    name: 'guidanceSigmaUpTo',
    kind: 'number',
    summary: 'guidance only where the noise level σ is not above this',
    default: Infinity,
    least: 0,
  },
];

const anEntry = mustBe('one, as guidances.pag or await loadGuidance("pag")', (value) => {
  const { parameters, create } = Object(value) as Partial<GuidanceEntry>;
  return Array.isArray(parameters) && typeof create === 'function';
});

/**
 * The guidance of an entry. Parameters that are not given have their defaults. One that stops at 0 never acts, as one
 * whose scale is neutral.
 * @param name of the entry
 * @throws InputError for an unknown parameter, a value out of range, a context that does not know the model, a
 *   selector without a layer, an interval with nothing in it, or a model that lacks what the guidance needs
 */
export function createGuidanceOf(
  name: string,
  entry: GuidanceEntry,
  given: ParameterValues,
  context: GuidanceContext,
): Guidance {
  anEntry('the entry of a guidance', entry);
  const parameters = [...entry.parameters, ...commonParameters];
  areValues('what a guidance is made of', given);
  checkParts('the context of a guidance', context, contextChecks);
  for (const key of Object.keys(given)) {
    if (!parameters.some((parameter) => parameter.name === key)) {
      throw new InputError(
        `the guidance "${name}" has no ${key}; it has ${parameters.map((parameter) => parameter.name).join(', ')}`,
      );
    }
  }
  const values = valuesOf(
    new Map(
      parameters.map((parameter) => {
        const { [parameter.name]: value = parameter.default } = given;
        return [parameter.name, checked(parameter, value)];
      }),
    ),
  );
  const guidance = rescaled(entry.create(values, context), values.scale('guidanceRescale'));
  const [start, stop] = [values.number('guidanceStart'), values.number('guidanceStop')];
  const [above, upTo] = [values.number('guidanceSigmaAbove'), values.number('guidanceSigmaUpTo')];
  const isBounded = above !== 0 || upTo !== Infinity;
  const bounded = isBounded ? during(guidance, { unit: 'sigma', from: above, to: upTo }) : guidance;
  if (start === 0 && stop === 0) return { ...none, name: guidance.name };
  return start === 0 && stop === 1 ? bounded : during(bounded, { unit: 'fraction', from: start, to: stop });
}

const areValues = mustBe(
  'an object of values by the names of parameters, as { guidanceScale: 2 }',
  (given) => typeof given === 'object' && given !== null && !Array.isArray(given),
);
const contextChecks: Checks<GuidanceContext> = {
  attentionLayers: textsAs("a list of the model's attention layers, as its attentionLayers"),
  crossAttentionLayers: optional(
    textsAs("a list of the model's layers of cross-attention, as its crossAttentionLayers"),
  ),
  hasNullCondition: flag,
  hasWeakModel: flag,
  slopeAt: optional(aFunction('a function of a step, as classSlope(classifier, backend, labels)')),
};

/** What is said of a name that no guidance has. @param known the names that there are */
export function unknownGuidance(name: unknown, known: readonly string[]): InputError {
  return new InputError(`there is no guidance ${shown(name)}; there are ${known.join(', ')}`);
}

/** `checked` has seen to it that each value is of its parameter's kind. */
function valuesOf(values: ReadonlyMap<string, ParameterValue>): Values {
  return {
    scale: (name) => values.get(name) as PerSample,
    number: (name) => values.get(name) as number,
    numbers: (name) => values.get(name) as readonly number[],
    text: (name) => values.get(name) as string,
    texts: (name) => values.get(name) as readonly string[],
  };
}
