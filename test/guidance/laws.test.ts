/** What holds for the guidances whatever the model predicts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { apg, pagApg } from '../../src/guidance/apg.ts';
import { autoGuidance } from '../../src/guidance/auto-guidance.ts';
import { cfgZeroStar } from '../../src/guidance/cfg-zero-star.ts';
import { cfg } from '../../src/guidance/cfg.ts';
import { fdg } from '../../src/guidance/fdg.ts';
import { conditional, unconditional, type Guidance } from '../../src/guidance/guidance.ts';
import { mamboG } from '../../src/guidance/mambo-g.ts';
import { cfgPag, pag, pagScaleAt } from '../../src/guidance/pag.ts';
import type { ParameterValues } from '../../src/guidance/parameters.ts';
import { fromPyramid, laplacianPyramid } from '../../src/guidance/pyramid.ts';
import { createGuidance, guidanceNames } from '../../src/guidance/registry/index.ts';
import { rescaled } from '../../src/guidance/rescale.ts';
import { samePass } from '../../src/guidance/same-pass.ts';
import { seg } from '../../src/guidance/seg.ts';
import { slg } from '../../src/guidance/slg.ts';
import { snf } from '../../src/guidance/snf.ts';
import { push } from '../../src/guidance/scales.ts';
import { softPag } from '../../src/guidance/soft-pag.ts';
import { swg } from '../../src/guidance/swg.ts';
import { tcfg } from '../../src/guidance/tcfg.ts';
import { tpg } from '../../src/guidance/tpg.ts';
import { tokenShuffle } from '../../src/nn/attention-perturbations/index.ts';
import { dot, mapElements, norm, scale, std, subtract } from '../../src/tensor/arithmetic.ts';
import type { DType, Tensor } from '../../src/tensor/tensor.ts';
import { repeated } from '../thorough.ts';
import { context, mid, randomScene, samplesOf, stepOf, up, type Scene } from './scene.ts';

const layers = [mid];
const seeds = fc.nat(10_000);
const runs = { numRuns: repeated(15) };

/** max|a − b| / max|b|. */
function difference(a: Tensor, b: Tensor): number {
  const max = (values: Iterable<number>): number =>
    [...values].reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return max(a.data.map((value, i) => value - b.data[i])) / max(b.data);
}

const guided = (guidance: Guidance, scene: Scene): Tensor => guidance.guide(stepOf(scene));
const mapScene = ({ given, nothing, other }: Scene, f: (x: Tensor) => Tensor): Scene => ({
  given: f(given),
  nothing: f(nothing),
  other: f(other),
});

describe('at its neutral scale every guidance is the identity, bit for bit', () => {
  const neutral: Readonly<Record<string, readonly ParameterValues[]>> = {
    none: [{}],
    cfg: [{ guidanceScale: 1 }, { guidanceScale: [1, 1] }],
    pag: [
      { pagScale: 0 },
      { pagScale: [0, 0] },
      { pagScale: 3, pagAdaptiveScale: 0.2 },
      { perturbation: 'blur', blurSigma: 0 },
    ],
    'cfg+pag': [{ guidanceScale: 1, pagScale: 0 }],
    classifier: [{ classifierScale: 0 }, { classifierScale: [0, 0] }, { classifierScale: 3, classifierForm: 'ddpm' }],
    'classifier+pag': [{ classifierScale: 0, pagScale: 0 }],
    universal: [{ classifierScale: 0 }, { classifierScale: [0, 0] }],
    'universal+pag': [{ classifierScale: 0, pagScale: 0 }],
    'soft-pag': [{ pagScale: 0 }, { headLambda: 0 }, { headLambda: [0, 0] }],
    sag: [{ sagScale: 0 }, { sagScale: [0, 0] }],
    seg: [{ segScale: 0 }, { blurSigma: 0 }],
    slg: [{ slgScale: 0 }],
    'auto-guidance': [{ guidanceScale: 1 }],
    apg: [{ guidanceScale: 1 }, { guidanceScale: [1, 1], momentum: -0.5, apgEta: 0 }],
    'pag+apg': [{ pagScale: 0, apgEta: 0 }],
    'cfg-zero-star': [{ guidanceScale: 1 }],
    tcfg: [{ guidanceScale: 1 }],
    fdg: [{ guidanceScales: [1, 1] }, { guidanceScales: [1] }],
    'mambo-g': [{ guidanceScale: 1 }],
    snf: [{ guidanceScale: 1, pagScale: 0 }],
    tpg: [{ tpgScale: 0 }],
    swg: [{ swgScale: 0 }],
    'momentum-guidance': [{ momentumScale: 0 }],
    'smc-cfg': [{ guidanceScale: 1, smcGain: 0 }],
    nag: [{ nagScale: 0 }, { nagAlpha: 0 }],
    pladis: [{ pladisScale: 0 }],
  };
  it.each(guidanceNames)('%s', (name) => {
    expect(Object.keys(neutral), 'say in `neutral` with which parameters it is the identity').toContain(name);
    expect(neutral[name].length).toBeGreaterThan(0);
    fc.assert(
      fc.property(seeds, fc.constantFrom<DType>('f32', 'f64', 'f16', 'bf16'), (seed, dtype) => {
        const scene = randomScene(seed, 2, dtype);
        for (const parameters of neutral[name]) {
          for (const guidanceRescale of [0, 0.3, 1]) {
            const step = stepOf(scene);
            const guidance = createGuidance(name, { ...parameters, guidanceRescale }, context);
            expect(guidance.guide(step)).toEqual(scene.given);
            expect(step.asked.flat().every((pass) => samePass(pass, conditional))).toBe(true);
          }
        }
      }),
      runs,
    );
  });

  it('PAG without layers, and so all of its kind', () => {
    const scene = randomScene(1);
    for (const idle of [
      pag({ pagScale: 0, layers: [] }),
      pag({ pagScale: [0, 0], layers: [] }),
      pagApg({ pagScale: 0, layers: [] }),
      seg({ segScale: 0, blurSigma: 1, layers: [] }),
      slg({ slgScale: 0, layers: [] }),
      softPag({ pagScale: 0, lambda: 0.5, layers: [] }),
    ]) {
      expect(guided(idle, scene)).toBe(scene.given);
    }
  });
});

describe('a batch with a scale for each sample is the samples one by one, bit for bit', () => {
  const perSample: Readonly<Record<string, { readonly [name: string]: readonly number[] }>> = {
    cfg: { guidanceScale: [0, 1, 4] },
    pag: { pagScale: [0, 2, 5] },
    'cfg+pag': { guidanceScale: [1, 1, 3], pagScale: [0, 2, 0] },
    classifier: { classifierScale: [0, 1, 4] },
    'classifier+pag': { classifierScale: [0, 1, 4], pagScale: [2, 0, 1] },
    universal: { classifierScale: [0, 1, 4] },
    'universal+pag': { classifierScale: [0, 1, 4], pagScale: [2, 0, 1] },
    sag: { sagScale: [0, 1, 2] },
    'auto-guidance': { guidanceScale: [1, 0, 3] },
    apg: { guidanceScale: [1, 3, 9] },
    'pag+apg': { pagScale: [0, 3, 9] },
    'cfg-zero-star': { guidanceScale: [1, 2, 5] },
    tcfg: { guidanceScale: [1, 2, 5] },
    'mambo-g': { guidanceScale: [1, 2, 5] },
    snf: { guidanceScale: [1, 3, 4], pagScale: [0, 2, 1] },
    swg: { swgScale: [0, 0.5, 2] },
    'momentum-guidance': { momentumScale: [0, 0.5, 2] },
    'smc-cfg': { guidanceScale: [0, 1, 4] },
    nag: { guidanceScale: [0, 1, 4] },
    pladis: { guidanceScale: [0, 1, 4] },
  };
  const further: ParameterValues = { apgEta: 0.25, normThreshold: 4 };
  it.each(Object.keys(perSample))('%s', (name) => {
    const settings = name.includes('apg') ? further : {};
    fc.assert(
      fc.property(seeds, fc.constantFrom(0, 0.5), (seed, guidanceRescale) => {
        const scene = randomScene(seed, 3);
        const whole = samplesOf(
          guided(createGuidance(name, { ...settings, ...perSample[name], guidanceRescale }, context), scene),
        );
        whole.forEach((sample, b) => {
          const own = Object.fromEntries(Object.entries(perSample[name]).map(([key, scales]) => [key, scales[b]]));
          // SAG's map is one for each sample: that of the batch.
          const alone = stepOf(
            mapScene(scene, (x) => samplesOf(x)[b]),
            { tap: () => samplesOf(stepOf(scene).tap({ condition: 'given', perturbation: new Map() }, ''))[b] },
          );
          expect(createGuidance(name, { ...settings, ...own, guidanceRescale }, context).guide(alone)).toEqual(sample);
        });
      }),
      runs,
    );
  });

  it('fdg, on every level', () => {
    const scene = randomScene(5, 3);
    const levels = [
      [1, 2, 1],
      [1, 1, 5],
    ];
    samplesOf(guided(fdg(levels), scene)).forEach((sample, b) => {
      expect(
        guided(
          fdg(levels.map((scales) => scales[b])),
          mapScene(scene, (x) => samplesOf(x)[b]),
        ),
      ).toEqual(sample);
    });
  });

  it('and needs a scale for each', () => {
    expect(() => guided(cfg([1, 2]), randomScene(1, 3))).toThrow('2 guidance scales are given for 3 samples');
  });
});

describe('scaling the predictions scales what is made of them', () => {
  const linear: readonly (readonly [string, Guidance])[] = [
    ['cfg', cfg(3.5)],
    ['pag', pag({ pagScale: 2.5, layers })],
    ['cfg+pag', cfgPag(3, { pagScale: 1.5, layers })],
    ['soft-pag', softPag({ pagScale: 2, lambda: 0.5, layers })],
    ['seg', seg({ segScale: 2, blurSigma: 1, layers })],
    ['slg', slg({ slgScale: 2, layers })],
    ['tpg', tpg({ tpgScale: 2, layers })],
    ['swg', swg({ swgScale: 2, guidanceScale: 3 })],
    ['auto-guidance', autoGuidance({ guidanceScale: 2.2 })],
    ['apg, not cut', apg({ guidanceScale: 4, eta: 0.3, normThreshold: 0 })],
    ['pag+apg, not cut', pagApg({ pagScale: 4, eta: 0, normThreshold: 0, layers })],
    ['tcfg', tcfg(4)],
    ['fdg', fdg([4, 2])],
    ['mambo-g', mamboG({ guidanceScale: 6, alpha: 2 })],
    ['rescaled', rescaled(cfg(5), 0.6)],
  ];
  it.each(linear)('%s: by a power of two bit for bit, by any number up to rounding', (_name, guidance) => {
    fc.assert(
      fc.property(
        seeds,
        fc.integer({ min: -6, max: 6 }),
        fc.double({ min: 0.1, max: 10, noNaN: true }),
        (seed, exponent, factor) => {
          const single = randomScene(seed);
          expect(
            guided(
              guidance,
              mapScene(single, (x) => scale(x, 2 ** exponent)),
            ),
          ).toEqual(scale(guided(guidance, single), 2 ** exponent));
          const double = randomScene(seed, 2, 'f64');
          expect(
            difference(
              guided(
                guidance,
                mapScene(double, (x) => scale(x, factor)),
              ),
              scale(guided(guidance, double), factor),
            ),
          ).toBeLessThan(1e-13);
        },
      ),
      runs,
    );
  });

  it('not so where a norm is cut: there the update is all the same', () => {
    const scene = randomScene(2);
    const doubled = mapScene(scene, (x) => scale(x, 2));
    expect(guided(apg({ guidanceScale: 4, normThreshold: 1 }), doubled)).not.toEqual(
      scale(guided(apg({ guidanceScale: 4, normThreshold: 1 }), scene), 2),
    );
  });
});

describe('one guidance is another', () => {
  const same: readonly (readonly [string, Guidance, Guidance])[] = [
    ['CFG and PAG with g = 1 is PAG', cfgPag(1, { pagScale: 2.5, layers }), pag({ pagScale: 2.5, layers })],
    ['CFG and PAG with s = 0 is CFG', cfgPag(3, { pagScale: 0, layers }), cfg(3)],
    ['SoftPAG with λ = 1 is PAG', softPag({ pagScale: 2, lambda: 1, layers }), pag({ pagScale: 2, layers })],
    ['SoftPAG with λ = 0 and g is CFG', softPag({ pagScale: 2, lambda: 0, layers, guidanceScale: 3 }), cfg(3)],
    ['SLG is PAG whose layers are skipped', slg({ slgScale: 2, layers }), pag({ pagScale: 2, layers })],
    ['AutoGuidance away from ε(∅) is CFG', autoGuidance({ guidanceScale: 3, weak: unconditional }), cfg(3)],
    ['MAMBO-G with α = 0 is CFG', mamboG({ guidanceScale: 3, alpha: 0 }), cfg(3)],
    ['FDG of one level is CFG', fdg([3]), cfg(3)],
    [
      'APG along PAG, neither cut nor projected, is PAG',
      pagApg({ pagScale: 0.1, normThreshold: 0, layers }),
      pag({ pagScale: 0.1, layers }),
    ],
  ];
  it.each(same)('%s, bit for bit', (_name, one, other) => {
    fc.assert(
      fc.property(seeds, (seed) => {
        expect(guided(one, randomScene(seed))).toEqual(guided(other, randomScene(seed)));
      }),
      runs,
    );
  });

  const alike: readonly (readonly [string, Guidance, Guidance])[] = [
    ['APG, neither cut nor projected, is CFG', apg({ guidanceScale: 3, normThreshold: 0 }), cfg(3)],
    ['FDG with one scale for all levels is CFG', fdg([3, 3, 3]), cfg(3)],
    [
      'PAG with s is AutoGuidance away from ε̂ with g = 1 + s',
      pag({ pagScale: 2, layers }),
      autoGuidance({ guidanceScale: 3 }),
    ],
  ];
  it.each(alike)('%s, up to rounding', (_name, one, other) => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const scene = randomScene(seed, 2, 'f64');
        expect(difference(guided(one, scene), guided(other, scene))).toBeLessThan(1e-14);
      }),
      runs,
    );
  });
});

describe('of its own', () => {
  it('TPG: the tokens of each further layer are shuffled by the next seed', () => {
    const step = stepOf(randomScene(1));
    tpg({ tpgScale: 1, layers: [mid, up, 'another'], seed: 3 }).guide(step);
    const keys = step.asked.flat().flatMap(({ perturbation }) => [...perturbation.values()].map(({ key }) => key));
    expect(keys).toEqual([3, 4, 5].map((seed) => tokenShuffle(seed).key));
  });

  it('APG: what is added is no longer than allowed, and with η = 0 orthogonal to ε(c)', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const scene = randomScene(seed, 2, 'f64');
        const update = (guidance: Guidance): Tensor => subtract(guided(guidance, scene), scene.given);
        for (const length of norm(update(apg({ guidanceScale: 2, normThreshold: 0.5 }))))
          expect(length).toBeCloseTo(0.5, 12);
        const across = update(apg({ guidanceScale: 2, eta: 0 }));
        dot(across, scene.given).forEach((product, b) => {
          expect(Math.abs(product)).toBeLessThan(1e-12 * norm(across)[b] * norm(scene.given)[b]);
        });
      }),
      runs,
    );
  });

  it('APG: two of them in one run remember each its own updates', () => {
    const memory = new Map<object, Tensor>();
    const pair = [apg({ guidanceScale: 3, momentum: -0.5 }), pagApg({ pagScale: 2, momentum: 0.5, layers })];
    const together = [1, 2, 3].map((seed) =>
      pair.map((guidance) => guidance.guide(stepOf(randomScene(seed), { memory }))),
    );
    pair.forEach((guidance, which) => {
      const own = new Map<object, Tensor>();
      const alone = [1, 2, 3].map((seed) => guidance.guide(stepOf(randomScene(seed), { memory: own })));
      expect(together.map((both) => both[which])).toEqual(alone);
    });
  });

  it('APG: what is remembered is the run’s, so two runs of one guidance do not meet', () => {
    const guidance = apg({ guidanceScale: 3, momentum: -0.5 });
    const memory = new Map<object, Tensor>();
    const first = guidance.guide(stepOf(randomScene(1), { memory }));
    const second = guidance.guide(stepOf(randomScene(2), { memory }));
    expect(guidance.guide(stepOf(randomScene(1)))).toEqual(first);
    expect(guidance.guide(stepOf(randomScene(2)))).not.toEqual(second);
  });

  it('CFG-Zero*: from a multiple of ε(c) there is nothing to be pushed away from; the first steps are 0', () => {
    const { given } = randomScene(4, 2, 'f64');
    const scene = { given, nothing: scale(given, 3), other: given };
    expect(difference(guided(cfgZeroStar({ guidanceScale: 7, zeroInitSteps: 0 }), scene), given)).toBeLessThan(1e-8);
    const first = stepOf(scene, { index: 1 });
    expect(
      cfgZeroStar({ guidanceScale: 7, zeroInitSteps: 2 })
        .guide(first)
        .data.every((value) => value === 0),
    ).toBe(true);
    expect(first.asked).toEqual([]);
    expect(
      cfgZeroStar({ guidanceScale: 7, zeroInitSteps: 2 })
        .guide(stepOf(scene))
        .data.some((value) => value !== 0),
    ).toBe(true);
  });

  it('TCFG: a multiple of ε(c) is not damped, nor an ε(∅) that is far longer, or as long and orthogonal', () => {
    const { given } = randomScene(4, 2, 'f64');
    const along = { given, nothing: scale(given, -0.5), other: given };
    expect(difference(guided(tcfg(3), along), guided(cfg(3), along))).toBeLessThan(1e-14);
    const longer = { ...randomScene(4, 2, 'f64'), nothing: scale(randomScene(5, 2, 'f64').nothing, 1e8) };
    expect(difference(guided(tcfg(3), longer), guided(cfg(3), longer))).toBeLessThan(1e-7);
    const pattern = (signs: readonly number[]): Tensor => ({
      dtype: 'f64',
      shape: [1, 1, 2, 2],
      data: Float64Array.from(signs),
    });
    const across = { given: pattern([1, 1, 1, 1]), nothing: pattern([1, -1, 1, -1]), other: given };
    expect(guided(tcfg(3), across)).toEqual(guided(cfg(3), across));
    expect(guided(tcfg(3), { ...across, nothing: pattern([0, 0, 0, 0]) }).data.every(Number.isFinite)).toBe(true);
    expect(
      guided(
        tcfg(3),
        mapScene(across, () => pattern([0, 0, 0, 0])),
      ).data.every((value) => value === 0),
    ).toBe(true);
  });

  it('TCFG: what is left of an ε(∅) that is almost orthogonal to a longer ε(c) is exact', () => {
    const picture = (...data: readonly number[]): Tensor => ({
      dtype: 'f64',
      shape: [1, 1, 1, 2],
      data: Float64Array.from(data),
    });
    // Of [c; u] = [[2, 0], [δ, 1]] the first right singular vector is v = (1, δ/3), up to δ²: û = ⟨u,v⟩ v = 4δ/3 v.
    const delta = 1e-10;
    const [given, nothing] = [picture(2, 0), picture(delta, 1)];
    const { data } = guided(tcfg(0), { given, nothing, other: given });
    expect(data[0] / ((4 / 3) * delta)).toBeCloseTo(1, 12);
    expect(data[1] / ((4 / 9) * delta ** 2)).toBeCloseTo(1, 12);
  });

  it('MAMBO-G: the milder, the more the predictions differ; between ε(c) and CFG', () => {
    const scene = randomScene(3, 2, 'f64');
    const step = (alpha: number): number =>
      norm(subtract(guided(mamboG({ guidanceScale: 5, alpha }), scene), scene.given))[0];
    const steps = [0, 0.5, 1, 2, 4, 8].map(step);
    expect(steps).toEqual([...steps].sort((a, b) => b - a));
    const nothing = scale(scene.nothing, 0);
    expect(guided(mamboG({ guidanceScale: 5, alpha: 1 }), { ...scene, nothing })).toEqual(scene.given);
    // With α = 0 the scale is g to the last bit (1 + (0.1 − 1) is not 0.1), however small ε(∅) is.
    for (const g of [0.1, 3.3]) {
      const undamped = mamboG({ guidanceScale: g, alpha: 0 });
      expect(guided(undamped, scene)).toEqual(guided(cfg(g), scene));
      expect(guided(undamped, { ...scene, nothing })).toEqual(guided(cfg(g), { ...scene, nothing }));
    }
  });

  it('SNF: each element is that of CFG or of PAG; where one has nothing that stands out, the other stands in', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const scene = randomScene(seed, 2, 'f64');
        const fused = guided(snf({ guidanceScale: 3, pagScale: 2, layers }), scene);
        const [text, structure] = [guided(cfg(3), scene), push(scene.nothing, 2, subtract(scene.given, scene.other))];
        const from = [...fused.data].map((value, i) => {
          const near = (x: Tensor): boolean => Math.abs(value - x.data[i]) < 1e-12;
          return `${near(text)} ${near(structure)}`;
        });
        expect(new Set(from)).toEqual(new Set(['true false', 'false true']));
      }),
      runs,
    );
    // One pixel stands out of S, all others are alike in both: there it is S, around it T.
    const flat = (value: number): Tensor => mapElements(randomScene(1, 1, 'f64').given, () => value);
    const spot = mapElements(flat(0), (_, i) => (i === 27 ? -5 : 0));
    const one = guided(snf({ guidanceScale: 1, pagScale: 1, layers }), {
      given: flat(0),
      nothing: flat(-1),
      other: spot,
    });
    expect(one.data[27]).toBe(4);
    expect(one.data[0]).toBe(0);
  });

  it('rescale: with φ = 1 the spread is that of ε(c), and φ mixes', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const scene = randomScene(seed, 2, 'f64');
        const [full, plain] = [guided(rescaled(cfg(6), 1), scene), guided(cfg(6), scene)];
        for (const [b, deviation] of std(full).entries()) expect(deviation).toBeCloseTo(std(scene.given)[b], 12);
        const half = guided(rescaled(cfg(6), 0.5), scene);
        for (const [i, value] of half.data.entries()) {
          expect(value).toBeCloseTo((full.data[i] + plain.data[i]) / 2, 12);
        }
      }),
      runs,
    );
    const guidance = cfg(6);
    expect(rescaled(guidance, 0)).toBe(guidance);
    const flat = mapScene(randomScene(1), (x) => ({ ...x, data: x.data.map(() => 2) }));
    expect(guided(rescaled(cfg(6), 1), flat)).toEqual(flat.given);
    // The zero steps of CFG-Zero*: there is no factor that would give 0 everywhere the spread of ε(c).
    const zeros = guided(rescaled(cfgZeroStar({ guidanceScale: 3, zeroInitSteps: 9 }), 0.5), randomScene(1));
    expect(zeros.data.every((value) => value === 0)).toBe(true);
  });

  it('rescale: a sample whose φ is 0 keeps its bits, whatever becomes of the others', () => {
    fc.assert(
      fc.property(seeds, fc.constantFrom<DType>('f32', 'f64', 'f16', 'bf16'), (seed, dtype) => {
        const scene = randomScene(seed, 3, dtype);
        const [plain, some] = [cfg(6), rescaled(cfg(6), [0, 0.7, 0])].map((guidance) =>
          samplesOf(guided(guidance, scene)),
        );
        expect([some[0], some[2]]).toEqual([plain[0], plain[2]]);
        expect(some[1]).not.toEqual(plain[1]);
        expect(guided(rescaled(cfg(6), [0, 0, 0]), scene)).toEqual(guided(cfg(6), scene));
      }),
      runs,
    );
    // Brought to the spread of ε(c), so flat a sample would be infinite, and 0 times that no number.
    const scene = randomScene(1);
    const flat: Guidance = { name: 'flat', guide: (step) => scale(step.predict([conditional])[0], [1e-40, 2]) };
    const [kept, changed] = samplesOf(guided(rescaled(flat, [0, 1]), scene));
    const [before, given] = [flat.guide(stepOf(scene)), scene.given].map(samplesOf);
    expect(kept).toEqual(before[0]);
    expect(kept.data.some((value) => value !== 0)).toBe(true);
    expect(changed).toEqual(given[1]);
  });

  it('a pyramid gives its picture back, and refuses what it cannot halve', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 4 }), (seed, levels) => {
        const { given } = randomScene(seed, 1, 'f64');
        const pyramid = laplacianPyramid(given, levels);
        expect(pyramid.map(({ shape }) => shape[3])).toEqual([8, 4, 2, 1].slice(0, levels));
        expect(difference(fromPyramid(pyramid), given)).toBeLessThan(1e-14);
      }),
      runs,
    );
    expect(() => laplacianPyramid(randomScene(1).given, 5)).toThrow(
      'a picture of 1 × 1 cannot be halved; use fewer frequency levels',
    );
  });

  it('a flat picture has no details', () => {
    const flat = { ...randomScene(1, 1, 'f64').given, data: new Float64Array(64).fill(3) };
    const [fine, coarse] = laplacianPyramid(flat, 2);
    expect(Math.max(...fine.data.map(Math.abs))).toBeLessThan(1e-14);
    for (const value of coarse.data) expect(value).toBeCloseTo(3, 14);
  });
});

describe('predictions that are 0 everywhere', () => {
  const zero = (x: Tensor): Tensor => scale(x, 0);
  const all: readonly (readonly [string, ParameterValues])[] = [
    ...guidanceNames.map((name) => [name, {}] as const),
    ['apg', { apgEta: 0 }],
    ['pag+apg', { apgEta: 0, pagScale: 3 }],
    ['cfg', { guidanceRescale: 0.7 }],
  ];
  it.each(all)('%s %o guides as any others: nowhere is a number divided by 0', (name, parameters) => {
    const scene = randomScene(1);
    const guide = (which: Scene): Tensor => guided(createGuidance(name, parameters, context), which);
    for (const which of [
      { ...scene, given: zero(scene.given) },
      { ...scene, nothing: zero(scene.nothing) },
    ]) {
      expect(guide(which).data.every(Number.isFinite)).toBe(true);
    }
    expect(guide(mapScene(scene, zero)).data.every((value) => value === 0)).toBe(true);
  });

  it('APG: where ε(c) is 0 nothing is parallel to it, and the whole update is across', () => {
    const scene = { ...randomScene(2), given: zero(randomScene(2).given) };
    const whole = guided(apg({ guidanceScale: 3, normThreshold: 0 }), scene);
    expect(guided(apg({ guidanceScale: 3, normThreshold: 0, eta: 0 }), scene)).toEqual(whole);
    expect(whole.data.some((value) => value !== 0)).toBe(true);
  });
});

describe('the adaptive scale', () => {
  const at = (timestep: number, options: Partial<Parameters<typeof pagScaleAt>[0]>) =>
    pagScaleAt({ pagScale: 3, ...options }, { timestep });
  it('of diffusers falls by a for each timestep, and not below 0', () => {
    expect([1000, 999, 990, 985, 500].map((t) => at(t, { pagAdaptiveScale: 0.2 }))).toEqual([3, 2.8, 1, 0, 0]);
  });
  it('of ComfyUI falls in proportion to s and to a⁴', () => {
    expect([1000, 600, 300, 0].map((t) => at(t, { pagAdaptiveScale: 0.2, pagAdaptiveRule: 'comfyui' }))).toEqual([
      3,
      3 - 3 * 0.2 ** 4 * 400,
      0,
      0,
    ]);
    expect(at(0, { pagScale: [1, 2], pagAdaptiveScale: 0.1, pagAdaptiveRule: 'comfyui' })).toEqual([
      1 - 0.1 ** 4 * 1000,
      2 - 2 * 0.1 ** 4 * 1000,
    ]);
  });
  it('is never negative, not even from a negative s', () => {
    expect([1000, 900, 0].map((t) => at(t, { pagScale: -2, pagAdaptiveScale: 0.01 }))).toEqual([0, 0, 0]);
    expect([1000, 0].map((t) => at(t, { pagScale: -2 }))).toEqual([-2, -2]);
  });
});
