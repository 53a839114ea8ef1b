/**
 * What no run can mean is refused before it begins, in one line that names it: above all, a guidance that would change
 * nothing although it is asked for.
 */
import { describe, expect, it } from 'vitest';
import { apg, pagApg } from '../../src/guidance/apg.ts';
import { autoGuidance } from '../../src/guidance/auto-guidance.ts';
import { cfgZeroStar } from '../../src/guidance/cfg-zero-star.ts';
import { cfg } from '../../src/guidance/cfg.ts';
import { classifier, classifierPag, universal, universalPag, type SlopeAt } from '../../src/guidance/classifier.ts';
import { fdg } from '../../src/guidance/fdg.ts';
import { conditional, perturbed } from '../../src/guidance/guidance.ts';
import { mamboG } from '../../src/guidance/mambo-g.ts';
import { none } from '../../src/guidance/none.ts';
import { cfgPag, pag } from '../../src/guidance/pag.ts';
import { rescaled } from '../../src/guidance/rescale.ts';
import { sag } from '../../src/guidance/sag.ts';
import { seg } from '../../src/guidance/seg.ts';
import { slg } from '../../src/guidance/slg.ts';
import { softPag } from '../../src/guidance/soft-pag.ts';
import { tcfg } from '../../src/guidance/tcfg.ts';
import { skip } from '../../src/nn/attention-perturbations/index.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { momentumGuidance } from '../../src/guidance/momentum.ts';
import { nag } from '../../src/guidance/nag.ts';
import { pladis } from '../../src/guidance/pladis.ts';
import { smcCfg } from '../../src/guidance/smc-cfg.ts';
import { snf } from '../../src/guidance/snf.ts';
import { swg } from '../../src/guidance/swg.ts';
import { tpg } from '../../src/guidance/tpg.ts';
import { mid, randomScene, stepOf } from './scene.ts';

const layers = [mid];
const slopeAt: SlopeAt = ({ sample }) => sample;

type Scaled = readonly [guidance: string, parameter: string, make: (scale: never) => unknown];

/** Every scale that a guidance must be given, with all else in order. */
const given: readonly Scaled[] = [
  ['pag', 'pagScale', (pagScale) => pag({ pagScale, layers })],
  ['cfgPag', 'pagScale', (pagScale) => cfgPag(1, { pagScale, layers })],
  ['cfgPag', 'guidanceScale', (g) => cfgPag(g, { pagScale: 1, layers })],
  ['classifier', 'classifierScale', (classifierScale) => classifier({ classifierScale, slopeAt })],
  ['classifierPag', 'classifierScale', (s) => classifierPag({ classifierScale: s, slopeAt }, { pagScale: 1, layers })],
  ['classifierPag', 'pagScale', (s) => classifierPag({ classifierScale: 1, slopeAt }, { pagScale: s, layers })],
  ['universal', 'classifierScale', (classifierScale) => universal({ classifierScale, slopeAt })],
  ['universalPag', 'classifierScale', (s) => universalPag({ classifierScale: s, slopeAt }, { pagScale: 1, layers })],
  ['universalPag', 'pagScale', (s) => universalPag({ classifierScale: 1, slopeAt }, { pagScale: s, layers })],
  ['softPag', 'pagScale', (pagScale) => softPag({ pagScale, lambda: 0.5, layers })],
  ['pagApg', 'pagScale', (pagScale) => pagApg({ pagScale, layers })],
  ['seg', 'segScale', (segScale) => seg({ segScale, blurSigma: 1, layers })],
  ['slg', 'slgScale', (slgScale) => slg({ slgScale, layers })],
  ['sag', 'sagScale', (sagScale) => sag({ sagScale, layer: mid })],
  ['cfg', 'guidanceScale', (g) => cfg(g)],
  ['tcfg', 'guidanceScale', (g) => tcfg(g)],
  ['apg', 'guidanceScale', (guidanceScale) => apg({ guidanceScale })],
  ['cfgZeroStar', 'guidanceScale', (guidanceScale) => cfgZeroStar({ guidanceScale, zeroInitSteps: 0 })],
  ['mamboG', 'guidanceScale', (guidanceScale) => mamboG({ guidanceScale, alpha: 1 })],
  ['autoGuidance', 'guidanceScale', (guidanceScale) => autoGuidance({ guidanceScale })],
  ['fdg', 'guidanceScales', (g) => fdg([2, g])],
  ['rescaled', 'guidanceRescale', (phi) => rescaled(none, phi)],
  ['snf', 'guidanceScale', (guidanceScale) => snf({ guidanceScale, pagScale: 1, layers })],
  ['snf', 'pagScale', (pagScale) => snf({ guidanceScale: 2, pagScale, layers })],
  ['tpg', 'tpgScale', (tpgScale) => tpg({ tpgScale, layers })],
  ['swg', 'swgScale', (swgScale) => swg({ swgScale })],
  ['momentumGuidance', 'momentumScale', (momentumScale) => momentumGuidance({ momentumScale })],
  ['smcCfg', 'guidanceScale', (guidanceScale) => smcCfg({ guidanceScale })],
  ['nag', 'guidanceScale', (g) => nag({ nagScale: 1, layers }, cfg(g))],
  ['pladis', 'guidanceScale', (g) => pladis({ pladisScale: 1, layers }, cfg(g))],
];

/** Those that have a default. */
const optional: readonly Scaled[] = [
  ['softPag', 'guidanceScale', (guidanceScale) => softPag({ pagScale: 1, lambda: 0.5, layers, guidanceScale })],
  ['seg', 'guidanceScale', (guidanceScale) => seg({ segScale: 1, blurSigma: 1, layers, guidanceScale })],
  ['slg', 'guidanceScale', (guidanceScale) => slg({ slgScale: 1, layers, guidanceScale })],
  ['sag', 'guidanceScale', (guidanceScale) => sag({ sagScale: 1, layer: mid, guidanceScale })],
  ['tpg', 'guidanceScale', (guidanceScale) => tpg({ tpgScale: 1, layers, guidanceScale })],
  ['swg', 'guidanceScale', (guidanceScale) => swg({ swgScale: 1, guidanceScale })],
  ['momentumGuidance', 'guidanceScale', (guidanceScale) => momentumGuidance({ momentumScale: 1, guidanceScale })],
];

describe.each([...given, ...optional])('%s refuses a %s', (_name, parameter, make) => {
  it.each<[unknown, string]>([
    [NaN, `${parameter} is NaN`],
    [Infinity, `${parameter} is Infinity`],
    [[0.5, -Infinity], `${parameter} is -Infinity`],
    [[], `${parameter} is an empty list; give one for each sample, or one for all`],
    ['3', `${parameter} is "3"`],
  ])('that is %o', (scale, message) => {
    expect(() => make(scale as never)).toThrow(InputError);
    expect(() => make(scale as never)).toThrow(message);
  });
});

it.each(given)('%s refuses a %s that is left out', (_name, parameter, make) => {
  expect(() => make(undefined as never)).toThrow(InputError);
  expect(() => make(undefined as never)).toThrow(`${parameter} is undefined`);
});

/** Every guidance that perturbs layers. */
const perturbing: readonly (readonly [
  name: string,
  parameter: string,
  make: (scale: number | readonly number[], layers: never) => unknown,
])[] = [
  ['pag', 'pagScale', (pagScale, layers) => pag({ pagScale, layers })],
  ['cfgPag', 'pagScale', (pagScale, layers) => cfgPag(2, { pagScale, layers })],
  [
    'classifierPag',
    'pagScale',
    (pagScale, layers) => classifierPag({ classifierScale: 1, slopeAt }, { pagScale, layers }),
  ],
  [
    'universalPag',
    'pagScale',
    (pagScale, layers) => universalPag({ classifierScale: 1, slopeAt }, { pagScale, layers }),
  ],
  ['softPag', 'pagScale', (pagScale, layers) => softPag({ pagScale, lambda: 0.5, layers })],
  ['pagApg', 'pagScale', (pagScale, layers) => pagApg({ pagScale, layers })],
  ['seg', 'segScale', (segScale, layers) => seg({ segScale, blurSigma: 1, layers })],
  ['slg', 'slgScale', (slgScale, layers) => slg({ slgScale, layers })],
  ['snf', 'pagScale', (pagScale, layers) => snf({ guidanceScale: 2, pagScale, layers })],
  ['tpg', 'tpgScale', (tpgScale, layers) => tpg({ tpgScale, layers })],
];

describe.each(perturbing)('%s', (_name, parameter, make) => {
  it('without a layer is refused, unless its scale is 0', () => {
    for (const scale of [3, -1, [0, 2]]) {
      expect(() => make(scale, [] as never)).toThrow(InputError);
      expect(() => make(scale, [] as never)).toThrow(
        `layers is empty, so ${parameter} would have no effect; name attention layers, as ` +
          '["mid_block.attentions.0"], or set it to 0',
      );
    }
    for (const scale of [0, -0, [0, 0]]) expect(() => make(scale, [] as never)).not.toThrow();
  });

  it.each<[unknown, string]>([
    ['mid', 'layers is "mid"; it must be a list of attention layers, as ["mid_block.attentions.0"]'],
    [undefined, 'layers is undefined; it must be a list of attention layers'],
    [[''], 'a layer is ""; it must be the name of an attention layer'],
    [[mid, 2], 'a layer is 2; it must be the name of an attention layer'],
  ])('with the layers %o is refused', (wrong, message) => {
    expect(() => make(1, wrong as never)).toThrow(InputError);
    expect(() => make(1, wrong as never)).toThrow(message);
  });
});

describe('refused is', () => {
  it.each<[string, () => unknown, string]>([
    [
      'an adaptive scale below 0',
      () => pag({ pagScale: 1, pagAdaptiveScale: -0.1, layers }),
      'pagAdaptiveScale is -0.1; it must be a number of at least 0',
    ],
    [
      'an adaptive scale that is no number',
      () => pag({ pagScale: 1, pagAdaptiveScale: NaN, layers }),
      'pagAdaptiveScale is NaN; it must be a number of at least 0',
    ],
    [
      'an unknown rule of it',
      () => pag({ pagScale: 1, pagAdaptiveScale: 0.1, pagAdaptiveRule: 'mine' as never, layers }),
      'pagAdaptiveRule is "mine"; it must be "diffusers" or "comfyui"',
    ],
    ['a blur below 0', () => seg({ segScale: 1, blurSigma: -1, layers }), 'the blur σ is -1; it must be 0 or more'],
    ['no λ', () => softPag({ pagScale: 1, lambda: [], layers }), 'SoftPAG was given no λ; give one for each head'],
    [
      'a λ that is left out',
      () => softPag({ pagScale: 1, layers } as never),
      'a λ of SoftPAG is undefined; it must be a number from 0 to 1',
    ],
    [
      'a λ of some layer',
      () => softPag({ pagScale: 1, lambda: (layer) => (layer === mid ? 2 : 1), layers }),
      'a λ of SoftPAG is 2; it must be a number from 0 to 1',
    ],
    [
      'SAG without a layer',
      () => sag({ sagScale: 1, layer: '' }),
      'layer is ""; it must be the name of an attention layer',
    ],
    [
      'SAG whose layer is left out',
      () => sag({ sagScale: 1 } as never),
      'layer is undefined; it must be the name of an attention layer',
    ],
    [
      'AutoGuidance away from the plain pass',
      () => autoGuidance({ guidanceScale: 2, weak: conditional }),
      'the weak pass of AutoGuidance is the plain one, so guidanceScale would have no effect',
    ],
    [
      'AutoGuidance away from a pass that leaves nothing out',
      () => autoGuidance({ guidanceScale: 2, weak: perturbed([], skip) }),
      'the weak pass of AutoGuidance is the plain one',
    ],
    ['no frequency level', () => fdg([]), 'guidanceScales is empty; give one for each frequency level'],
    [
      'a negative norm',
      () => apg({ guidanceScale: 2, normThreshold: -1 }),
      'normThreshold is -1; it must be a number of',
    ],
    ['an η that is no number', () => apg({ guidanceScale: 2, eta: NaN }), 'eta is NaN; it must be a finite number'],
    [
      'a momentum that is not finite',
      () => pagApg({ pagScale: 2, momentum: -Infinity, layers }),
      'momentum is -Infinity; it must be a finite number',
    ],
    ['an α below 0', () => mamboG({ guidanceScale: 2, alpha: -1 }), 'alpha is -1; it must be a number of at least 0'],
    [
      'a broken number of zero steps',
      () => cfgZeroStar({ guidanceScale: 2, zeroInitSteps: 1.5 }),
      'zeroInitSteps is 1.5; it must be a whole number of at least 0',
    ],
    ['a seed that is none', () => tpg({ tpgScale: 1, layers, seed: -1 }), 'seed is -1; it must be a whole number of'],
    [
      'one window',
      () => swg({ swgScale: 1, windowSteps: 1 }),
      'windowSteps is 1; it must be a whole number of at least 2',
    ],
    ['a share above 1', () => swg({ swgScale: 1, windowShare: 1.1 }), 'windowShare is 1.1; it must be a number from 0'],
    ['a mask that is none', () => swg({ swgScale: 1, masked: 1 as never }), 'masked is 1; it must be true or false'],
    [
      'a decay above 1',
      () => momentumGuidance({ momentumScale: 1, decay: 2 }),
      'decay is 2; it must be a number from 0',
    ],
    ['a negative gain', () => smcCfg({ guidanceScale: 2, gain: -1 }), 'gain is -1; it must be a number of at least 0'],
    [
      'a λ that is no number',
      () => smcCfg({ guidanceScale: 2, slope: NaN }),
      'slope is NaN; it must be a finite number',
    ],
    [
      'an unknown switching',
      () => smcCfg({ guidanceScale: 2, switching: 'tanh' as never }),
      'switching is "tanh"; it must be "sign" or "unit"',
    ],
    [
      'a φ of NAG that is no number',
      () => nag({ nagScale: NaN, layers: ['cross'] }),
      'nagScale is NaN; it must be a finite number',
    ],
    ['a τ below 0', () => nag({ nagScale: 1, nagTau: -1, layers: ['cross'] }), 'nagTau is -1; it must be a number of'],
    [
      'an α above 1',
      () => nag({ nagScale: 1, nagAlpha: 2, layers: ['cross'] }),
      'nagAlpha is 2; it must be a number from',
    ],
    [
      'NAG without a layer',
      () => nag({ nagScale: 1, layers: [] }),
      'layers is empty, so nagScale would have no effect',
    ],
    ['NAG of no guidance', () => nag({ nagScale: 1, layers: ['cross'] }, 'cfg' as never), 'the guidance is "cfg"'],
    [
      'a λ of PLADIS that is no number',
      () => pladis({ pladisScale: Infinity, layers: ['cross'] }),
      'pladisScale is Infinity; it must be a finite number',
    ],
    [
      'an α of PLADIS that is none',
      () => pladis({ pladisScale: 1, pladisAlpha: 1 as never, layers: ['cross'] }),
      'pladisAlpha is 1; it must be 1.5 or 2',
    ],
    ['PLADIS without a layer', () => pladis({ pladisScale: 1, layers: [] }), 'layers is empty, so pladisScale would'],
    ['a φ above 1', () => rescaled(none, 1.5), 'guidanceRescale is 1.5; it must be a number from 0 to 1'],
    ['a φ below 0', () => rescaled(none, [0, -0.1]), 'guidanceRescale is -0.1; it must be a number from 0 to 1'],
  ])('%s', (_what, make, message) => {
    expect(make).toThrow(InputError);
    expect(make).toThrow(message);
  });
});

it('what is off because it is told to is not refused', () => {
  const scene = randomScene(1);
  for (const idle of [
    sag({ sagScale: 0, layer: '' }),
    autoGuidance({ guidanceScale: 1, weak: conditional }),
    seg({ segScale: 3, blurSigma: 0, layers }),
    softPag({ pagScale: 3, lambda: 0, layers }),
  ]) {
    expect(idle.guide(stepOf(scene))).toBe(scene.given);
  }
});
