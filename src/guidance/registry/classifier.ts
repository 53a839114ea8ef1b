/** The guidances that a classifier pulls, alone or together with PAG. */
import { InputError } from '../../tensor/errors.ts';
import {
  classifier,
  classifierForms,
  classifierPag,
  universal,
  universalPag,
  type ClassifierForm,
  type UniversalOptions,
} from '../classifier.ts';
import type { Parameter } from '../parameters.ts';
import { isAll } from '../scales.ts';
import { scaleParameter, type GuidanceContext, type GuidanceEntry, type Values } from './entry.ts';
import { pagOptions, pagParameters } from './perturbed.ts';

const scaleAlone = scaleParameter('classifierScale', 1, 's; 0 is without');

const parameters: readonly Parameter[] = [
  scaleAlone,
  {
    name: 'classifierForm',
    kind: 'choice',
    summary: "ddim: the slope is added to ε, as in the formula; ddpm: s Σ ∇ log p to the mean of a scheduler's step",
    default: 'ddim',
    choices: classifierForms,
  },
];

const formula = 's √(1−ᾱ) ∇ log p(y|x_t), p: a classifier of noised pictures';
const source = 'Dhariwal & Nichol 2021, arXiv 2105.05233, algorithms 1 (ddpm) and 2 (ddim)';

const ofPag = 'r: the scale of PAG, ε̂: attention maps replaced by the identity';
const originalFormula = 's √(1−ᾱ) ∇ log p(y|x̂₀(x_t)), through the model; p: a classifier of whole pictures';
const originalSource = 'Bansal et al. 2023, arXiv 2302.07121, forward guidance (equation 6)';

/** By their names, in the order of help. */
export const classifierEntries: Readonly<Record<string, GuidanceEntry>> = {
  classifier: {
    summary: 'classifier guidance: towards the pictures that a classifier takes for what is asked',
    formula: `ε(c) − ${formula}`,
    source,
    classifier: 'noise',
    parameters,
    create: (values, context) =>
      classifier({ ...pulledBy('classifier guidance', values, context), form: formOf(values) }),
  },
  'classifier+pag': {
    summary: 'classifier guidance and PAG together',
    formula: `ε(c) + r (ε(c) − ε̂(c)) − ${formula}; ${ofPag}`,
    source: `${source}; Ahn et al. 2024, arXiv 2403.17377`,
    classifier: 'noise',
    parameters: [...parameters, ...pagParameters],
    create: (values, context) =>
      classifierPag(
        { ...pulledBy('classifier guidance', values, context), form: formOf(values) },
        pagOptions(values, context),
      ),
  },
  universal: {
    summary: 'universal guidance: as classifier, by one that has never seen noise, through what the model makes of it',
    formula: `ε(c) − ${originalFormula}`,
    source: originalSource,
    classifier: 'clean',
    parameters: [scaleAlone],
    create: (values, context) => universal(pulledBy('universal guidance', values, context)),
  },
  'universal+pag': {
    summary: 'universal guidance and PAG together',
    formula: `ε(c) + r (ε(c) − ε̂(c)) − ${originalFormula}; ${ofPag}`,
    source: `${originalSource}; Ahn et al. 2024, arXiv 2403.17377`,
    classifier: 'clean',
    parameters: [scaleAlone, ...pagParameters],
    create: (values, context) =>
      universalPag(pulledBy('universal guidance', values, context), pagOptions(values, context)),
  },
};

function pulledBy(name: string, values: Values, { slopeAt }: GuidanceContext): UniversalOptions {
  const classifierScale = values.scale('classifierScale');
  if (slopeAt === undefined && !isAll(classifierScale, 0))
    throw new InputError(`${name} needs slopeAt, where its classifier pulls; give it, or a classifierScale of 0`);
  return { classifierScale, slopeAt: slopeAt ?? (({ sample }) => sample) };
}

function formOf(values: Values): ClassifierForm {
  return values.text('classifierForm') as ClassifierForm;
}
