import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conditional, perturbed, unconditional, weakModel, type Pass } from '../../src/guidance/guidance.ts';
import { samePass } from '../../src/guidance/same-pass.ts';
import { additiveNoise, identity, queryBlur, skip, softIdentity } from '../../src/nn/attention-perturbations/index.ts';
import { softmaxAttention } from '../../src/nn/attention.ts';
import { zeros } from '../../src/tensor/tensor.ts';
import { mid, up } from './scene.ts';

const picture = zeros('f32', [1, 1, 4, 4]);

/** Makers of passes that differ in what they predict. */
const passes: readonly (() => Pass)[] = [
  () => conditional,
  () => unconditional,
  () => weakModel,
  () => perturbed([mid], identity),
  () => perturbed([up], identity),
  () => perturbed([mid, up], identity),
  () => perturbed([mid], skip),
  () => perturbed([mid], queryBlur(1)),
  () => perturbed([mid], queryBlur(2)),
  () => perturbed([mid], softIdentity(0.5)),
  () => perturbed([mid], additiveNoise({ strength: 1, seed: 0 })),
  () => perturbed([mid], additiveNoise({ strength: 1, seed: 1 })),
  () => perturbed([mid, up], (layer) => (layer === mid ? skip : identity)),
  () => perturbed([mid, up], (_layer, index) => (index === 0 ? identity : skip)),
  () => ({ ...perturbed([mid], identity), condition: 'null' }),
  () => ({ ...perturbed([mid], identity), model: 'weak' }),
  () => ({ ...conditional, against: 'null' }),
  () => ({ ...conditional, against: 'given' }),
  () => ({ ...conditional, sample: picture }),
  () => ({ ...unconditional, sample: picture }),
  () => ({ ...conditional, sample: { ...picture } }),
];

describe('two passes are the same', () => {
  it('when they were made alike, and not otherwise', () => {
    const places = fc.nat(passes.length - 1);
    fc.assert(
      fc.property(places, places, (i, j) => {
        expect(samePass(passes[i](), passes[j]())).toBe(i === j && i < passes.length - 1);
      }),
      { numRuns: 1000 },
    );
  });

  it('whatever they show, in whatever order their layers come, and whether or not the model is named', () => {
    expect(samePass(conditional, { ...conditional, taps: ['mid_block'] })).toBe(true);
    expect(samePass({ ...conditional, taps: ['mid_block'] }, { ...conditional, taps: ['conv_in'] })).toBe(true);
    expect(samePass(perturbed([mid, up], identity), perturbed([up, mid], identity))).toBe(true);
    expect(samePass(conditional, { ...conditional, model: 'main' })).toBe(true);
  });

  it('when one is perturbed by softmax attention, or in no layer, and the other is not at all', () => {
    expect(samePass(perturbed([mid, up], softmaxAttention), conditional)).toBe(true);
    expect(samePass(perturbed([], identity), conditional)).toBe(true);
    expect(samePass(perturbed([mid], queryBlur(0)), conditional)).toBe(true);
    const onlyUp = perturbed([mid, up], (layer) => (layer === up ? identity : softmaxAttention));
    expect(samePass(onlyUp, perturbed([up], identity))).toBe(true);
  });
});
