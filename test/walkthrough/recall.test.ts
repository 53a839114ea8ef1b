import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conditional, perturbed, unconditional, type Pass } from '../../src/guidance/guidance.ts';
import { identity, uniform } from '../../src/nn/attention-perturbations/index.ts';
import type { Denoiser } from '../../src/sampling/denoiser.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { createRecall } from '../../src/walkthrough/work/recall.ts';

const nullLabel = 26;

/** A denoiser whose predictions tell what it was asked, and that writes down how many passes it has run. */
function telling(labels: readonly number[]): { readonly denoiser: Denoiser; readonly runs: number[] } {
  const runs: number[] = [];
  return {
    runs,
    denoiser: {
      predict(sample, timestep, passes) {
        runs.push(passes.length);
        return passes.map((pass) => ({
          output: tensor('f64', [3], told(labels, sample.data[0], timestep, pass)),
          taps: {},
        }));
      },
    },
  };
}

function told(labels: readonly number[], value: number, timestep: number, { condition, perturbation }: Pass) {
  const asked = condition === 'null' ? nullLabel : labels[0];
  const [mixer] = [...perturbation.values()];
  return Float64Array.of(value, timestep * 100 + asked, mixer === undefined ? 0 : mixer.key.length);
}

const picture = (value: number) => tensor('f32', [1], Float32Array.of(value));
const guided = perturbed(['mid'], identity);
const passLists = fc.constantFrom<readonly Pass[]>(
  [conditional],
  [unconditional],
  [conditional, unconditional],
  [conditional, guided],
  [perturbed(['mid'], uniform()), conditional],
);

describe('a denoiser that recalls', () => {
  it('says what one without a memory says, whatever it was asked before', () => {
    const call = fc.record({
      labels: fc.constantFrom([3], [nullLabel]),
      value: fc.constantFrom(0, -0, 1, NaN),
      timestep: fc.constantFrom(1, 2),
      passes: passLists,
    });
    fc.assert(
      fc.property(fc.array(call, { maxLength: 90 }), (calls) => {
        const recall = createRecall(nullLabel);
        for (const { labels, value, timestep, passes } of calls) {
          const found = recall(telling(labels).denoiser, labels).predict(picture(value), timestep, passes);
          const fresh = telling(labels).denoiser.predict(picture(value), timestep, passes);
          expect(found).toEqual(fresh);
        }
      }),
    );
  });

  it('asks once for what is one and the same: with no letter, with and without a condition, and in another run', () => {
    const [{ denoiser, runs }, recall] = [telling([nullLabel]), createRecall(nullLabel)];
    recall(denoiser, [nullLabel]).predict(picture(1), 5, [conditional, unconditional]);
    recall(denoiser, [nullLabel]).predict(picture(1), 5, [unconditional]);
    expect(runs).toEqual([1]);
    recall(denoiser, [nullLabel]).predict(picture(1), 5, [conditional, guided]);
    recall(denoiser, [nullLabel]).predict(picture(2), 5, [conditional]);
    recall(denoiser, [nullLabel]).predict(picture(1), 6, [conditional]);
    expect(runs).toEqual([1, 2, 1, 1]);
  });

  it('does not keep everything', () => {
    const [{ denoiser, runs }, recall] = [telling([1]), createRecall(nullLabel)];
    for (let timestep = 0; timestep < 200; timestep++)
      recall(denoiser, [1]).predict(picture(1), timestep, [conditional]);
    recall(denoiser, [1]).predict(picture(1), 199, [conditional]);
    expect(runs).toHaveLength(200);
    recall(denoiser, [1]).predict(picture(1), 0, [conditional]);
    expect(runs).toHaveLength(201);
  });

  it('leaves alone what is told by more than condition and perturbation', () => {
    const [{ denoiser, runs }, recall] = [telling([1]), createRecall(nullLabel)];
    const tapped: Pass = { ...conditional, taps: ['mid'] };
    for (let i = 0; i < 2; i++) recall(denoiser, [1]).predict(picture(1), 1, [tapped]);
    expect(runs).toEqual([1, 1]);
  });
});
