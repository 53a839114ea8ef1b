import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { halfWeights } from '../../scripts/walkthrough/half-weights.ts';
import { shippedClassifier } from '../../src/cli/shipped.ts';
import { classify, createClassifier } from '../../src/evaluation/classifier.ts';
import { confidences } from '../../src/evaluation/recognition.ts';
import { parseSafetensors, readTensors } from '../../src/formats/safetensors.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { longestWord } from '../../src/walkthrough/study.ts';
import { classifierFile, openJudge } from '../../src/walkthrough/work/judge.ts';
import { pairsOf, tastedScales, winRates } from '../../src/walkthrough/work/tasting.ts';

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe('the pairs of a tasting', () => {
  it('have each scale once in a round, and noises that the reader has not seen', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const rounds = pairsOf(seed);
        for (const pairs of rounds)
          expect(pairs.map(({ scale }) => scale).sort((a, b) => a - b)).toEqual([...tastedScales]);
        const slices = rounds.flat().map(({ slice }) => slice);
        expect(new Set(slices).size).toBe(12);
        expect(Math.min(...slices)).toBeGreaterThanOrEqual(2 * longestWord);
        expect(pairsOf(seed)).toEqual(rounds);
      }),
    );
  });

  it('do not give away by their places which picture is guided', () => {
    const pairs = Array.from({ length: 200 }, (_, seed) => pairsOf(seed).flat()).flat();
    for (const scale of tastedScales) {
      const own = pairs.filter((pair) => pair.scale === scale);
      const share = own.filter(({ guidedFirst }) => guidedFirst).length / own.length;
      expect(share).toBeGreaterThan(0.4);
      expect(share).toBeLessThan(0.6);
    }
  });

  it('are counted by their scales', () => {
    const pairs = pairsOf(7).flat();
    const rates = winRates(
      pairs,
      pairs.map(({ scale }) => scale >= 2),
    );
    expect(rates).toEqual([0, 0, 1, 1]);
    expect(
      winRates(
        pairs,
        pairs.map(({ slice }) => slice < 16),
      ),
    ).toEqual([1 / 3, 1 / 3, 1 / 3, 1 / 3]);
  });
});

describe('the judge', () => {
  it('is the classifier of the evaluation, its weights rounded', async () => {
    const bytes = readFileSync(shippedClassifier);
    const judge = await openJudge(async () => halfWeights(bytes, classifierFile));
    const pictures = manualSeed(0).randn([3, 1, 32, 32]);
    const [{ confidences: found }] = [...judge(referenceBackend(), { pictures })];
    const whole = createClassifier(readTensors(parseSafetensors(bytes, classifierFile)));
    const expected = confidences(classify(whole, referenceBackend(), pictures).probabilities);
    expect(found).toHaveLength(3);
    // Rounding to f16 moves a weight by one part in 2048.
    for (const [i, sure] of found.entries()) expect(Math.abs(sure - (expected[i] ?? NaN))).toBeLessThan(0.02);
  });
});
