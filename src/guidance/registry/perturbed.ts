/**
 * The guidances that push away from a pass whose attention is perturbed, alone or together with classifier-free
 * guidance.
 */
import type { PerSample } from '../../tensor/arithmetic.ts';
import { InputError } from '../../tensor/errors.ts';
import * as perturbations from '../../nn/attention-perturbations/index.ts';
import { pagApg } from '../apg.ts';
import type { MixerChoice } from '../guidance.ts';
import { cfgPag, pag, type AdaptiveRule, type PagOptions } from '../pag.ts';
import type { Parameter } from '../parameters.ts';
import { isAll } from '../scales.ts';
import { seg } from '../seg.ts';
import { slg } from '../slg.ts';
import { snf } from '../snf.ts';
import { softPag } from '../soft-pag.ts';
import { tpg } from '../tpg.ts';
import {
  classifierFreeScale,
  guidanceScaleParameter,
  layersOf,
  layersParameter,
  needsNullCondition,
  projectionOptions,
  projectionParameters,
  scaleParameter,
  type GuidanceContext,
  type GuidanceEntry,
  type Values,
} from './entry.ts';

const pagScale = scaleParameter('pagScale', 3, "s; 0 is without (the authors' guide_scale is s + 1)");
const pagLayers = layersParameter('pagLayers', 'the self-attention layers that are perturbed');
const adaptive: readonly Parameter[] = [
  {
    name: 'pagAdaptiveScale',
    kind: 'number',
    summary: 'a: how fast s falls with the timestep t; 0 is not at all',
    default: 0,
    least: 0,
  },
  {
    name: 'pagAdaptiveRule',
    kind: 'choice',
    summary: 'diffusers: max(0, s − a (1000 − t)); comfyui: max(0, s − s a⁴ (1000 − t))',
    default: 'diffusers',
    choices: ['diffusers', 'comfyui'],
  },
];

/** The parameters of PAG with the identity. */
export const pagParameters: readonly Parameter[] = [pagScale, ...adaptive, pagLayers];

const mixers: Readonly<Record<string, (values: Values) => MixerChoice>> = {
  identity: () => perturbations.identity,
  'off-diagonal-mask': () => perturbations.offDiagonalMask(),
  'random-mask': (values) => (_layer, i) =>
    perturbations.randomMask({
      probability: values.number('maskProbability'),
      seed: values.number('perturbationSeed') + i,
    }),
  noise: (values) => (_layer, i) =>
    perturbations.additiveNoise({
      strength: values.number('attentionNoise'),
      seed: values.number('perturbationSeed') + i,
    }),
  blur: (values) => perturbations.queryBlur(values.number('blurSigma')),
  uniform: () => perturbations.uniform(),
  skip: () => perturbations.skip,
};

/** The paper's ablation: what else may take the place of the attention map. */
const ablation: readonly Parameter[] = [
  {
    name: 'perturbation',
    kind: 'choice',
    summary: 'what takes the place of the attention map',
    default: 'identity',
    choices: Object.keys(mixers),
  },
  {
    name: 'maskProbability',
    kind: 'number',
    summary: 'random-mask: the share of the map that is set to 0',
    default: 0.5,
    least: 0,
    most: 1,
  },
  {
    name: 'attentionNoise',
    kind: 'number',
    summary: 'noise: its standard deviation, in units of the mean entry of a map',
    default: 1,
    least: 0,
  },
  {
    name: 'perturbationSeed',
    kind: 'integer',
    summary: 'random-mask, noise: the seed of the first layer; each further one has the next',
    default: 0,
    least: 0,
  },
  {
    name: 'blurSigma',
    kind: 'number',
    summary: 'blur: σ of the query blur in tokens; above 9999 the mean of all',
    default: 1,
    least: 0,
  },
];

const pagFormula = 's (ε(c) − ε̂(c)), ε̂: attention maps replaced by the identity';

/** By their names, in the order of help. */
export const perturbedEntries: Readonly<Record<string, GuidanceEntry>> = {
  pag: {
    summary: 'perturbed-attention guidance: away from what the model draws when its pixels cannot see one another',
    formula: `ε(c) + ${pagFormula}`,
    source: 'Ahn et al. 2024, arXiv 2403.17377',
    parameters: [...pagParameters, ...ablation],
    create: (values, context) => pag(ablationOptions(values, context)),
  },
  'cfg+pag': {
    summary: 'classifier-free guidance and PAG together',
    formula: `ε(∅) + g (ε(c) − ε(∅)) + ${pagFormula}`,
    source: 'Ahn et al. 2024, arXiv 2403.17377; diffusers.pipelines.pag',
    parameters: [guidanceScaleParameter(7.5), ...pagParameters, ...ablation],
    create: (values, context) => cfgPag(classifierFreeScale(values, context), ablationOptions(values, context)),
  },
  'soft-pag': {
    summary: 'PAG that goes only part of the way to the identity, for each head as far as one likes',
    formula: 'ε(∅) + g (ε(c) − ε(∅)) + s (ε(c) − ε̂(c)), ε̂: A ← (1 − λ) A + λ I',
    source: 'Ahn et al. 2025, arXiv 2506.10978',
    parameters: [
      ...pagParameters,
      guidanceScaleParameter(1),
      { name: 'headLambda', kind: 'scale', summary: 'λ of all heads, or of each', default: 0.5, least: 0, most: 1 },
    ],
    create: (values, context) =>
      softPag({
        ...pagOptions(values, context),
        lambda: values.scale('headLambda'),
        guidanceScale: classifierFreeScale(values, context),
      }),
  },
  'pag+apg': {
    summary: "PAG whose update is cut and projected as APG's",
    formula: 'Δ = ε(c) − ε̂(c) + β Δ_before, ‖Δ‖ ≤ r; ε(c) + s (Δ⊥ + η Δ∥), orthogonal and parallel to ε(c)',
    source: 'Ahn et al. 2024, arXiv 2403.17377, with Sadat et al. 2024, arXiv 2410.02416',
    parameters: [pagScale, pagLayers, ...projectionParameters],
    create: (values, context) =>
      pagApg({
        pagScale: values.scale('pagScale'),
        layers: layersOf(values, 'pagLayers', context),
        ...projectionOptions(values),
      }),
  },
  snf: {
    summary: 'CFG and PAG, of which each element takes the one that stands out more there, instead of their sum',
    formula:
      'ε(∅) + (T where softmax(Ω_T) ≥ softmax(Ω_S), else S), T = g (ε(c) − ε(∅)), S = s (ε(c) − ε̂(c)), ' +
      'Ω = blur(|·|), of 3 × 3 pixels, σ = 1',
    source: 'pamparamm, sd-perturbed-attention (rescale mode "snf"), after Wang et al. 2023, arXiv 2311.10329',
    parameters: [guidanceScaleParameter(7.5), pagScale, pagLayers],
    create: (values, context) =>
      snf({
        guidanceScale: fusedScale(values, context),
        pagScale: values.scale('pagScale'),
        layers: layersOf(values, 'pagLayers', context),
      }),
  },
  tpg: {
    summary: 'token perturbation guidance: away from a pass whose tokens are put in a random order',
    formula: 'ε(∅) + g (ε(c) − ε(∅)) + s (ε(c) − ε̂(c)), ε̂: x ← P x before each layer, P a permutation of the tokens',
    source: 'Rajabi et al. 2025, arXiv 2506.10036',
    parameters: [
      scaleParameter('tpgScale', 3, 's; 0 is without'),
      layersParameter(
        'tpgLayers',
        'the self-attention layers before which tokens are shuffled; in SDXL the authors take down_blocks.2',
      ),
      guidanceScaleParameter(1),
      {
        name: 'perturbationSeed',
        kind: 'integer',
        summary: "the seed of the first layer's order; each further one has the next",
        default: 0,
        least: 0,
      },
    ],
    create: (values, context) =>
      tpg({
        tpgScale: values.scale('tpgScale'),
        layers: layersOf(values, 'tpgLayers', context),
        seed: values.number('perturbationSeed'),
        guidanceScale: classifierFreeScale(values, context),
      }),
  },
  seg: {
    summary: 'smoothed energy guidance: away from a pass whose attention queries are blurred',
    formula: 'ε(∅) + g (ε(c) − ε(∅)) + s (ε(c) − ε̂(c)), ε̂: softmax(blur(Q) Kᵀ/√d) V',
    source: 'Hong 2024, arXiv 2408.00760',
    parameters: [
      scaleParameter('segScale', 3, 's; 0 is without'),
      layersParameter('segLayers', 'the self-attention layers whose queries are blurred'),
      guidanceScaleParameter(1),
      {
        name: 'blurSigma',
        kind: 'number',
        summary: 'σ of the blur in tokens; above 9999 every query is the mean of all',
        default: Infinity,
        least: 0,
      },
    ],
    create: (values, context) =>
      seg({
        segScale: values.scale('segScale'),
        blurSigma: values.number('blurSigma'),
        layers: layersOf(values, 'segLayers', context),
        guidanceScale: classifierFreeScale(values, context),
      }),
  },
  slg: {
    summary: 'skip-layer guidance: away from a pass that leaves attention layers out',
    formula: 'ε(∅) + g (ε(c) − ε(∅)) + s (ε(c) − ε̂(c)), ε̂: layers skipped',
    source: 'Stability AI 2024 (Stable Diffusion 3.5); Hyung et al. 2024, arXiv 2411.18664',
    parameters: [
      scaleParameter('slgScale', 2.8, 's; 0 is without'),
      layersParameter('slgLayers', 'the self-attention layers that are left out'),
      guidanceScaleParameter(1),
    ],
    create: (values, context) =>
      slg({
        slgScale: values.scale('slgScale'),
        layers: layersOf(values, 'slgLayers', context),
        guidanceScale: classifierFreeScale(values, context),
      }),
  },
};

/** g of a fusion, which asks for ε(∅) also where g = 1, unless it does nothing at all. */
function fusedScale(values: Values, context: GuidanceContext): PerSample {
  if (!isAll(values.scale('pagScale'), 0)) needsNullCondition(0, context);
  return classifierFreeScale(values, context);
}

/** What `pagParameters` say. */
export function pagOptions(values: Values, context: GuidanceContext): PagOptions {
  return {
    pagScale: values.scale('pagScale'),
    pagAdaptiveScale: values.number('pagAdaptiveScale'),
    pagAdaptiveRule: values.text('pagAdaptiveRule') as AdaptiveRule,
    layers: layersOf(values, 'pagLayers', context),
  };
}

function ablationOptions(values: Values, context: GuidanceContext): PagOptions {
  const name = values.text('perturbation');
  const mixerOf = mixers[name];
  if (!mixerOf) throw new InputError(`"${name}" is no perturbation; there are ${Object.keys(mixers).join(', ')}`);
  return { ...pagOptions(values, context), mixer: mixerOf(values) };
}
