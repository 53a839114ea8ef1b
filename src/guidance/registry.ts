/** All guidances by name, with what a command line needs to offer and explain them. */
import { InputError } from '../tensor/errors.ts';
import type { PerSample } from '../tensor/arithmetic.ts';
import * as perturbations from '../nn/attention-perturbations.ts';
import { selectLayers } from '../unet/selectors.ts';
import { apg } from './apg.ts';
import { autoGuidance } from './auto-guidance.ts';
import { cfgZeroStar } from './cfg-zero-star.ts';
import { cfg } from './cfg.ts';
import { during } from './during.ts';
import { fdg } from './fdg.ts';
import { perturbed, unconditional, weakModel, type Guidance, type MixerChoice } from './guidance.ts';
import { mamboG } from './mambo-g.ts';
import { none } from './none.ts';
import { cfgPag, pag, type AdaptiveRule, type PagOptions } from './pag.ts';
import { checked, flagOf, type Parameter, type ParameterValue, type ParameterValues } from './parameters.ts';
import { rescaled } from './rescale.ts';
import { sag } from './sag.ts';
import { isAll, mapScale } from './scales.ts';
import { seg } from './seg.ts';
import { slg } from './slg.ts';
import { softPag } from './soft-pag.ts';
import { tcfg } from './tcfg.ts';

/** What a guidance must know of the model that it guides. */
export interface GuidanceContext {
  /** The paths of the self-attention layers. */
  readonly attentionLayers: readonly string[];
  /** Whether the model can be asked without a condition: it is class-conditional, and a label means "no class". */
  readonly hasNullCondition: boolean;
  /** Whether there is a second, weaker model. */
  readonly hasWeakModel: boolean;
}

export interface GuidanceEntry {
  /** One line. */
  readonly summary: string;
  readonly formula: string;
  /** Where it comes from. */
  readonly source: string;
  /** Its own parameters; `commonParameters` come on top. */
  readonly parameters: readonly Parameter[];
  /** The guidance. Throws an InputError when the model lacks what it needs. */
  readonly create: (values: Values, context: GuidanceContext) => Guidance;
}

/** Every parameter's value, given or default, by kind. */
interface Values {
  scale(name: string): PerSample;
  number(name: string): number;
  numbers(name: string): readonly number[];
  text(name: string): string;
  texts(name: string): readonly string[];
}

const scaleOf = (name: string, value: number, summary: string): Parameter => ({ name, kind: 'scale', summary, default: value });
const guidanceScale = (value: number): Parameter => scaleOf('guidanceScale', value, 'g of classifier-free guidance; 1 is without');
const pagScale = scaleOf('pagScale', 3, "s; 0 is without (the authors' guide_scale is s + 1)");
const layersOf = (name: string, what: string): Parameter => ({ name, kind: 'layers', summary: what, default: ['mid'] });
const pagLayers = layersOf('pagLayers', 'the self-attention layers that are perturbed');
const adaptive: readonly Parameter[] = [
  { name: 'pagAdaptiveScale', kind: 'number', summary: 'a: how fast s falls with the timestep t; 0 is not at all', default: 0, least: 0 },
  { name: 'pagAdaptiveRule', kind: 'choice', summary: 'diffusers: max(0, s − a (1000 − t)); comfyui: max(0, s − s a⁴ (1000 − t))', default: 'diffusers', choices: ['diffusers', 'comfyui'] },
];

const mixers: Readonly<Record<string, (values: Values) => MixerChoice>> = {
  identity: () => perturbations.identity,
  'off-diagonal-mask': () => perturbations.offDiagonalMask(),
  'random-mask': (values) => (_layer, i) => perturbations.randomMask({ probability: values.number('maskProbability'), seed: values.number('perturbationSeed') + i }),
  noise: (values) => (_layer, i) => perturbations.additiveNoise({ strength: values.number('attentionNoise'), seed: values.number('perturbationSeed') + i }),
  blur: (values) => perturbations.queryBlur(values.number('blurSigma')),
  uniform: () => perturbations.uniform(),
  skip: () => perturbations.skip,
};

const ablation: readonly Parameter[] = [
  { name: 'perturbation', kind: 'choice', summary: 'what takes the place of the attention map', default: 'identity', choices: Object.keys(mixers) },
  { name: 'maskProbability', kind: 'number', summary: 'random-mask: the share of the map that is set to 0', default: 0.5, least: 0, most: 1 },
  { name: 'attentionNoise', kind: 'number', summary: 'noise: its standard deviation, in units of the mean entry of a map', default: 1, least: 0 },
  { name: 'perturbationSeed', kind: 'integer', summary: 'random-mask, noise: the seed of the first layer; each further one has the next', default: 0, least: 0 },
  { name: 'blurSigma', kind: 'number', summary: 'blur: σ of the query blur in tokens; above 9999 the mean of all', default: 1, least: 0 },
];

const pagFormula = 's (ε(c) − ε̂(c)), ε̂: attention maps replaced by the identity';

export const guidances: Readonly<Record<string, GuidanceEntry>> = {
  none: {
    summary: 'no guidance',
    formula: 'ε(c)',
    source: 'Ho et al. 2020, arXiv 2006.11239',
    parameters: [],
    create: () => none,
  },
  cfg: {
    summary: 'classifier-free guidance: away from what the model draws without a condition',
    formula: 'ε(∅) + g (ε(c) − ε(∅))',
    source: "Ho & Salimans 2022, arXiv 2207.12598 (its w is g − 1); diffusers' convention",
    parameters: [guidanceScale(7.5)],
    create: (values, context) => cfg(classifierFree(values, context)),
  },
  pag: {
    summary: 'perturbed-attention guidance: away from what the model draws when its pixels cannot see one another',
    formula: `ε(c) + ${pagFormula}`,
    source: 'Ahn et al. 2024, arXiv 2403.17377',
    parameters: [pagScale, ...adaptive, pagLayers, ...ablation],
    create: (values, context) => pag({ ...pagOptions(values, context), mixer: mixers[values.text('perturbation')](values) }),
  },
  'cfg+pag': {
    summary: 'classifier-free guidance and PAG together',
    formula: `ε(∅) + g (ε(c) − ε(∅)) + ${pagFormula}`,
    source: 'Ahn et al. 2024, arXiv 2403.17377; diffusers.pipelines.pag',
    parameters: [guidanceScale(7.5), pagScale, ...adaptive, pagLayers, ...ablation],
    create: (values, context) =>
      cfgPag(classifierFree(values, context), { ...pagOptions(values, context), mixer: mixers[values.text('perturbation')](values) }),
  },
  'soft-pag': {
    summary: 'PAG that goes only part of the way to the identity, for each head as far as one likes',
    formula: 'ε(∅) + g (ε(c) − ε(∅)) + s (ε(c) − ε̂(c)), ε̂: A ← (1 − λ) A + λ I',
    source: 'Ahn et al. 2025, arXiv 2506.10978',
    parameters: [
      pagScale, ...adaptive, pagLayers, guidanceScale(1),
      { name: 'headLambda', kind: 'scale', summary: 'λ of all heads, or of each', default: 0.5, least: 0, most: 1 },
    ],
    create: (values, context) => softPag({ ...pagOptions(values, context), lambda: values.scale('headLambda'), guidanceScale: classifierFree(values, context) }),
  },
  sag: {
    summary: 'self-attention guidance: away from the picture with what the model attends to blurred',
    formula: 'ε(∅) + g (ε(c) − ε(∅)) + s (ε − ε(x̄)), x̄ = x_t + α (M ⊙ (blur(x̂₀) − x̂₀)), M = [attention received > 1]; ε = ε(c), or ε(∅) where g ≠ 1',
    source: 'Hong et al. 2023, arXiv 2210.00939',
    parameters: [
      scaleOf('sagScale', 0.75, "s; 0 is without (the authors' guide scale is s + 1)"),
      layersOf('sagLayer', 'the self-attention layer whose map is looked at; of several the first'),
      { name: 'blurSigma', kind: 'number', summary: 'σ of the blur in pixels', default: 9, least: 1e-3 },
      { name: 'blurWindow', kind: 'integer', summary: 'pixels that the blur sees; odd', default: 31, least: 1 },
      guidanceScale(1),
    ],
    create: (values, context) => sag({
      sagScale: values.scale('sagScale'),
      layer: selectLayers(values.texts('sagLayer'), context.attentionLayers)[0],
      blurSigma: values.number('blurSigma'),
      blurWindow: values.number('blurWindow'),
      guidanceScale: classifierFree(values, context),
    }),
  },
  seg: {
    summary: 'smoothed energy guidance: away from a pass whose attention queries are blurred',
    formula: 'ε(∅) + g (ε(c) − ε(∅)) + s (ε(c) − ε̂(c)), ε̂: softmax(blur(Q) Kᵀ/√d) V',
    source: 'Hong 2024, arXiv 2408.00760',
    parameters: [
      scaleOf('segScale', 3, 's; 0 is without'), layersOf('segLayers', 'the self-attention layers whose queries are blurred'), guidanceScale(1),
      { name: 'blurSigma', kind: 'number', summary: 'σ of the blur in tokens; above 9999 every query is the mean of all', default: Infinity, least: 0 },
    ],
    create: (values, context) => seg({
      segScale: values.scale('segScale'),
      blurSigma: values.number('blurSigma'),
      layers: selectLayers(values.texts('segLayers'), context.attentionLayers),
      guidanceScale: classifierFree(values, context),
    }),
  },
  slg: {
    summary: 'skip-layer guidance: away from a pass that leaves attention layers out',
    formula: 'ε(∅) + g (ε(c) − ε(∅)) + s (ε(c) − ε̂(c)), ε̂: layers skipped',
    source: 'Stability AI 2024 (Stable Diffusion 3.5); Hyung et al. 2024, arXiv 2411.18664',
    parameters: [scaleOf('slgScale', 2.8, 's; 0 is without'), layersOf('slgLayers', 'the self-attention layers that are left out'), guidanceScale(1)],
    create: (values, context) => slg({
      slgScale: values.scale('slgScale'),
      layers: selectLayers(values.texts('slgLayers'), context.attentionLayers),
      guidanceScale: classifierFree(values, context),
    }),
  },
  'auto-guidance': {
    summary: 'away from a bad version of the model: a second model, or the model with attention layers left out',
    formula: 'ε_weak(c) + g (ε(c) − ε_weak(c))',
    source: 'Karras et al. 2024, arXiv 2406.02507',
    parameters: [scaleOf('guidanceScale', 2, 'g; 1 is without'), layersOf('weakLayers', 'the layers left out when there is no second model')],
    create: (values, context) => autoGuidance({
      guidanceScale: values.scale('guidanceScale'),
      weak: context.hasWeakModel ? weakModel : perturbed(selectLayers(values.texts('weakLayers'), context.attentionLayers), perturbations.skip),
    }),
  },
  apg: {
    summary: 'adaptive projected guidance: CFG whose update is cut, projected and given momentum',
    formula: 'Δ = ε(c) − ε(∅) + β Δ_before, ‖Δ‖ ≤ r; ε(c) + (g − 1)(Δ⊥ + η Δ∥), orthogonal and parallel to ε(c)',
    source: 'Sadat et al. 2024, arXiv 2410.02416',
    parameters: [guidanceScale(7.5), ...apgParameters()],
    create: (values, context) => apg({ guidanceScale: classifierFree(values, context), from: unconditional, ...apgOptions(values) }),
  },
  'pag+apg': {
    summary: "PAG whose update is cut and projected as APG's",
    formula: 'Δ = ε(c) − ε̂(c) + β Δ_before, ‖Δ‖ ≤ r; ε(c) + s (Δ⊥ + η Δ∥)',
    source: 'arXiv 2403.17377 with arXiv 2410.02416',
    parameters: [pagScale, pagLayers, ...apgParameters()],
    create: (values, context) => apg({
      guidanceScale: mapScale(values.scale('pagScale'), (s) => 1 + s),
      from: perturbed(selectLayers(values.texts('pagLayers'), context.attentionLayers), perturbations.identity),
      ...apgOptions(values),
    }),
  },
  'cfg-zero-star': {
    summary: 'CFG from the multiple of ε(∅) that is nearest to ε(c); nothing in the first steps',
    formula: 'α ε(∅) + g (ε(c) − α ε(∅)), α = ⟨ε(c), ε(∅)⟩ / (‖ε(∅)‖² + 1e-8); 0 in the first steps',
    source: 'Fan et al. 2025, arXiv 2503.18886',
    parameters: [
      guidanceScale(7.5),
      { name: 'zeroInitSteps', kind: 'integer', summary: 'first steps in which the prediction is 0; meant for flow models, else 0 of them', default: 0, least: 0 },
    ],
    create: (values, context) => cfgZeroStar({ guidanceScale: classifierFree(values, context), zeroInitSteps: values.number('zeroInitSteps') }),
  },
  tcfg: {
    summary: 'tangential damping CFG: ε(∅) keeps only its part along the direction common to both predictions',
    formula: 'û = ⟨ε(∅), v⟩ v, v the first right singular vector of [ε(c); ε(∅)]; û + g (ε(c) − û)',
    source: 'Kwon et al. 2025, arXiv 2503.18137',
    parameters: [guidanceScale(7.5)],
    create: (values, context) => tcfg(classifierFree(values, context)),
  },
  fdg: {
    summary: 'frequency-decoupled guidance: CFG with a scale for each level of a Laplacian pyramid',
    formula: 'pyramid⁻¹( u_i + g_i (c_i − u_i) )',
    source: 'Sadat et al. 2025, arXiv 2506.19713',
    parameters: [{ name: 'guidanceScales', kind: 'numbers', summary: 'g of each level, the finest details first; 1 is without', default: [10, 5] }],
    create: (values, context) => fdg(values.numbers('guidanceScales').map((g) => needsNullCondition(g, context))),
  },
  'mambo-g': {
    summary: 'magnitude-aware guidance: CFG that is mild where the two predictions differ much',
    formula: "ε(∅) + g′ d, d = ε(c) − ε(∅), g′ = 1 + (g − 1) e^(−α ‖d‖/‖ε(∅)‖)",
    source: 'arXiv 2508.03442',
    parameters: [guidanceScale(10), { name: 'alpha', kind: 'number', summary: 'α: how fast the scale falls with ‖d‖; 0 is CFG', default: 8, least: 0 }],
    create: (values, context) => mamboG({ guidanceScale: classifierFree(values, context), alpha: values.number('alpha') }),
  },
};

/** What any guidance can be given: rescale, which comes last, and an interval, outside of which nothing is guided. */
export const commonParameters: readonly Parameter[] = [
  { name: 'guidanceRescale', kind: 'scale', summary: 'φ: how far the result is scaled back to the spread of ε(c) (arXiv 2305.08891); 0 is not at all', default: 0, least: 0, most: 1 },
  { name: 'guidanceStart', kind: 'number', summary: 'the share of the steps before guidance starts', default: 0, least: 0, most: 1 },
  { name: 'guidanceStop', kind: 'number', summary: 'the share of the steps after which guidance stops', default: 1, least: 0, most: 1 },
  { name: 'guidanceSigmaAbove', kind: 'number', summary: 'guidance only where the noise level σ is above this (arXiv 2404.07724)', default: 0, least: 0 },
  { name: 'guidanceSigmaUpTo', kind: 'number', summary: 'guidance only where the noise level σ is not above this', default: Infinity, least: 0 },
];

export const guidanceNames: readonly string[] = Object.keys(guidances);

/** All parameters that a guidance takes. Throws an InputError when there is no such guidance. */
export function parametersOf(name: string): readonly Parameter[] {
  return [...entryOf(name).parameters, ...commonParameters];
}

/**
 * The guidance called `name`. Parameters that are not given have their defaults.
 * @throws InputError for an unknown name or parameter, a value out of range, a selector without a layer, or a model that
 *   lacks what the guidance needs
 */
export function createGuidance(name: string, given: ParameterValues, context: GuidanceContext): Guidance {
  const entry = entryOf(name);
  const parameters = parametersOf(name);
  for (const key of Object.keys(given)) {
    if (!parameters.some((parameter) => parameter.name === key)) {
      throw new InputError(`the guidance "${name}" has no ${flagOf(key)}; it has ${parameters.map((parameter) => flagOf(parameter.name)).join(', ')}`);
    }
  }
  const values = valuesOf(new Map(parameters.map((parameter) => [parameter.name, checked(parameter, given[parameter.name] ?? parameter.default)])));
  const guidance = rescaled(entry.create(values, context), values.scale('guidanceRescale'));
  const [start, stop] = [values.number('guidanceStart'), values.number('guidanceStop')];
  const [above, upTo] = [values.number('guidanceSigmaAbove'), values.number('guidanceSigmaUpTo')];
  const inSteps = start === 0 && stop === 1 ? guidance : during(guidance, { unit: 'fraction', from: start, to: stop });
  return above === 0 && upTo === Infinity ? inSteps : during(inSteps, { unit: 'sigma', from: above, to: upTo });
}

function entryOf(name: string): GuidanceEntry {
  if (!Object.hasOwn(guidances, name)) throw new InputError(`there is no guidance "${name}"; there are ${guidanceNames.join(', ')}`);
  return guidances[name];
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

/** The scale g of classifier-free guidance. */
function classifierFree(values: Values, context: GuidanceContext): PerSample {
  return needsNullCondition(values.scale('guidanceScale'), context);
}

function needsNullCondition<Scale extends PerSample>(g: Scale, { hasNullCondition }: GuidanceContext): Scale {
  if (!isAll(g, 1) && !hasNullCondition) {
    throw new InputError('classifier-free guidance needs a class-conditional model and the label that means "no class"; give --null-label, or a guidance scale of 1');
  }
  return g;
}

function pagOptions(values: Values, context: GuidanceContext): PagOptions {
  return {
    pagScale: values.scale('pagScale'),
    pagAdaptiveScale: values.number('pagAdaptiveScale'),
    pagAdaptiveRule: values.text('pagAdaptiveRule') as AdaptiveRule,
    layers: selectLayers(values.texts('pagLayers'), context.attentionLayers),
  };
}

function apgParameters(): readonly Parameter[] {
  return [
    { name: 'apgEta', kind: 'number', summary: 'η: how much of the update parallel to ε(c) stays; 1 is all', default: 1 },
    { name: 'normThreshold', kind: 'number', summary: "r: the update's norm is cut to it; 0 does not cut", default: 15, least: 0 },
    { name: 'momentum', kind: 'number', summary: 'β: how much of the former updates is added; the paper has −0.5', default: 0 },
  ];
}

function apgOptions(values: Values) {
  return { eta: values.number('apgEta'), normThreshold: values.number('normThreshold'), momentum: values.number('momentum') };
}
