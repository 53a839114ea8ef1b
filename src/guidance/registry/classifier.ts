/** The guidances that a classifier of noised pictures pulls, alone or together with PAG. */
import { InputError } from '../../tensor/errors.ts';
import {
  classifier,
  classifierForms,
  classifierPag,
  type ClassifierForm,
  type ClassifierOptions,
} from '../classifier.ts';
import type { Parameter } from '../parameters.ts';
import { isAll } from '../scales.ts';
import { scaleParameter, type GuidanceContext, type GuidanceEntry, type Values } from './entry.ts';
import { pagOptions, pagParameters } from './perturbed.ts';

const parameters: readonly Parameter[] = [
  scaleParameter('classifierScale', 1, 's; 0 is without'),
  {
    name: 'classifierForm',
    kind: 'choice',
    summary: "ddim: the slope is added to ε, as in the formula; ddpm: s Σ ∇ log p to the mean of a scheduler's step",
    default: 'ddim',
    choices: classifierForms,
  },
];

const formula = 's √(1−ᾱ) ∇ log p(y|x_t), p: the classifier of --noise-classifier';
const source = 'Dhariwal & Nichol 2021, arXiv 2105.05233, algorithms 1 (ddpm) and 2 (ddim)';

/** By their names, in the order of help. */
export const classifierEntries: Readonly<Record<string, GuidanceEntry>> = {
  classifier: {
    summary: 'classifier guidance: towards the pictures that a classifier takes for what is asked',
    formula: `ε(c) − ${formula}`,
    source,
    parameters,
    create: (values, context) => classifier(classifierOptions(values, context)),
  },
  'classifier+pag': {
    summary: 'classifier guidance and PAG together',
    formula: `ε(c) + r (ε(c) − ε̂(c)) − ${formula}; r: --pag-scale, ε̂: attention maps replaced by the identity`,
    source: `${source}; Ahn et al. 2024, arXiv 2403.17377`,
    parameters: [...parameters, ...pagParameters],
    create: (values, context) => classifierPag(classifierOptions(values, context), pagOptions(values, context)),
  },
};

function classifierOptions(values: Values, { slopeAt }: GuidanceContext): ClassifierOptions {
  const classifierScale = values.scale('classifierScale');
  if (slopeAt === undefined && !isAll(classifierScale, 0))
    throw new InputError(
      'classifier guidance needs a classifier and labels for it; give --noise-classifier DIR (pag train --classifier ' +
        'makes one) and --labels or --classifier-labels, or a classifier scale of 0',
    );
  const form = values.text('classifierForm') as ClassifierForm;
  return { classifierScale, form, slopeAt: slopeAt ?? (({ sample }) => sample) };
}
