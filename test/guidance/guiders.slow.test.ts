/**
 * diffusers' guiders on the letters model (scripts/goldens/guidance_guiders.py ran them, version 0.40): where they do
 * what the papers say we agree, and where they do not, here is what they do, and what we do instead. That ours is what
 * the papers say is checked in letters.slow.test.ts and formulas.test.ts.
 */
import { describe, expect, it } from 'vitest';
import { readTensor } from '../../src/formats/safetensors.ts';
import { cfg } from '../../src/guidance/cfg.ts';
import type { Guidance } from '../../src/guidance/guidance.ts';
import { cfgPag, pag } from '../../src/guidance/pag.ts';
import { createGuidance } from '../../src/guidance/registry/index.ts';
import { seg } from '../../src/guidance/seg.ts';
import { slg } from '../../src/guidance/slg.ts';
import { referenceBackend, referenceKernels } from '../../src/kernels/plain/index.ts';
import { queryBlur } from '../../src/nn/attention-perturbations/index.ts';
import { unetDenoiser } from '../../src/sampling/denoiser.ts';
import { createScheduler } from '../../src/schedulers/registry.ts';
import { cast } from '../../src/tensor/rounding.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { metadataOf, openGoldens } from '../goldens.ts';
import { leadingThrough, lettersUNet, remembering, stepsOf } from './letters.ts';
import { context, mid, stepOf } from './scene.ts';

const file = openGoldens('guidance/guiders.safetensors');
const found = metadataOf<{
  readonly labels: readonly number[];
  readonly nullLabel: number;
  readonly timestep: number;
  readonly count: number;
  readonly guidedSteps: Readonly<Record<string, readonly number[]>>;
  readonly errors: Readonly<Record<string, string>>;
}>(file, 'found');

const sample = cast(readTensor(file, 'sample'), 'f64');
const denoiser = remembering(
  unetDenoiser(lettersUNet('f64'), referenceBackend(), { labels: found.labels, nullLabel: found.nullLabel }),
);
const scheduler = {
  ...leadingThrough([sample], createScheduler({ _class_name: 'DDIMScheduler' }, 1)),
  timesteps: [found.timestep],
};
const ours = (guidance: Guidance): Tensor => stepsOf(denoiser, guidance, scheduler, sample, 1)[0].guided;
const theirs = (name: string): Tensor => readTensor(file, name);

/** max|a − b| / max|b|; in float64 two honest computations of one prediction differ by 1e-13 or so. */
function difference(a: Tensor, b: Tensor): number {
  expect(a.shape).toEqual(b.shape);
  const most = (values: Iterable<number>): number =>
    [...values].reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  return most(a.data.map((value, i) => value - b.data[i])) / most(b.data);
}
const same = 1e-11;
const layers = [mid];

describe('with classifier-free guidance', () => {
  it('PAG and SLG agree', () => {
    expect(difference(ours(cfgPag(3, { pagScale: 2, layers })), theirs('pag with cfg'))).toBeLessThan(same);
    expect(difference(ours(slg({ slgScale: 2, layers, guidanceScale: 3 })), theirs('slg with cfg'))).toBeLessThan(same);
  });

  it('SEG: the guider counts no passes, so its hook is never attached and only CFG is left', () => {
    expect(difference(theirs('seg with cfg'), ours(cfg(3)))).toBeLessThan(same);
    expect(
      difference(ours(seg({ segScale: 2, blurSigma: 1, layers, guidanceScale: 3 })), theirs('seg with cfg')),
    ).toBeGreaterThan(1e-3);
  });
});

describe('without classifier-free guidance', () => {
  it('the hooks of PAG, SLG and SEG are attached to no pass, the second pass is ε(∅): they are CFG with g = s', () => {
    for (const name of ['pag', 'slg', 'seg'])
      expect(difference(theirs(`${name} without cfg`), ours(cfg(2)))).toBeLessThan(same);
    expect(difference(ours(pag({ pagScale: 2, layers })), theirs('pag without cfg'))).toBeGreaterThan(1e-2);
    expect(difference(ours(slg({ slgScale: 2, layers })), theirs('slg without cfg'))).toBeGreaterThan(1e-2);
    expect(difference(ours(seg({ segScale: 2, blurSigma: 1, layers })), theirs('seg without cfg'))).toBeGreaterThan(
      1e-2,
    );
  });

  it('PAG starts from the perturbed pass, so that its scale s is our s − 1', () => {
    const [given, other] = ['given', 'perturbed'].map((what) => cast(readTensor(file, `pag alone/${what}`), 'f64'));
    const alone = (pagScale: number): Tensor =>
      pag({ pagScale, layers }).guide(stepOf({ given, nothing: given, other }));
    expect(difference(theirs('pag alone'), alone(2))).toBeLessThan(1e-15);
    expect(difference(theirs('pag alone'), alone(3))).toBeGreaterThan(0.1);
  });
});

describe('when', () => {
  it('PAG acts: not in step 0, neither by its defaults (.01 to .2) nor when told to start at 0', () => {
    const first = stepOf({ given: sample, nothing: sample, other: sample }, { index: 0, count: found.count });
    createGuidance('pag', { guidanceStart: 0, guidanceStop: 0.2 }, context).guide(first);
    expect(first.asked.flat()).toHaveLength(2);
    for (const steps of Object.values(found.guidedSteps)) expect(steps).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe("SEG's blur", () => {
  const query = cast(readTensor(file, 'blur/query'), 'f64');
  const [, tokens, channels] = query.shape;
  /** What a mixer makes of the query. */
  const blurred = (sigma: number): Tensor => {
    let shown: Tensor | undefined;
    queryBlur(sigma).mix!({
      kernels: { ...referenceKernels, attention: (q) => (shown = q) },
      query: () => query,
      key: () => query,
      value: query,
      heads: 1,
      scale: 1,
      height: Math.sqrt(tokens),
      width: Math.sqrt(tokens),
    });
    return shown!;
  };

  it('has its branches swapped: a finite σ gives the mean of all queries, an infinite one a blur', () => {
    const mean = blurred(Infinity);
    for (let i = 0; i < channels; i++) expect(mean.data[i]).toBeCloseTo(mean.data[i + channels], 14);
    expect(difference(theirs('blur/1'), mean)).toBeLessThan(1e-14);
    expect(difference(blurred(1), theirs('blur/1'))).toBeGreaterThan(0.1);
    expect(difference(mean, theirs('blur/1e+06'))).toBeGreaterThan(0.1);
  });
});

it('the guiders of MAMBO-G, of pictures, and of FDG, with an unguided level, raise errors; ours do not', () => {
  expect(found.errors).toEqual({
    'mambo-g': 'RuntimeError: linalg.matrix_norm: dim must be a 2-tuple. Got 1 2 3',
    'fdg, first level unguided':
      "UnboundLocalError: cannot access local variable 'pred_cond_freq' where it is not associated with a value",
    'fdg, second level unguided': expect.stringMatching(
      /^RuntimeError: The size of tensor a \(32\) must match the size of tensor b \(16\)/,
    ),
  });
  const scene = { given: sample, nothing: { ...sample, data: sample.data.map((value) => value / 2) }, other: sample };
  for (const [name, parameters] of [
    ['mambo-g', {}],
    ['fdg', { guidanceScales: [1, 5] }],
    ['fdg', { guidanceScales: [5, 1] }],
  ] as const) {
    expect(createGuidance(name, parameters, context).guide(stepOf(scene)).data.every(Number.isFinite)).toBe(true);
  }
});
