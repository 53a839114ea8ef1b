/** The metrics against NumPy and SciPy, and what holds for them whatever the pictures are. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bootstrap, quantile } from '../../src/evaluation/bootstrap.ts';
import { varianceWithinLetters } from '../../src/evaluation/diversity.ts';
import { fitGaussian, frechetDistance, frechetDistanceTo } from '../../src/evaluation/frechet.ts';
import { effectiveLetters, inceptionScore, inceptionScoreOf } from '../../src/evaluation/inception-score.ts';
import {
  squareRoot,
  multiplyMatrices,
  symmetricEigen,
  symmetricEigenvalues,
} from '../../src/evaluation/linear-algebra.ts';
import { insideSupport, precisionRecall, share } from '../../src/evaluation/precision-recall.ts';
import { confidences, readLetters } from '../../src/evaluation/recognition.ts';
import { appendRows, chooseItems, chooseRows, tableSize } from '../../src/evaluation/rows.ts';
import { tensor, type Tensor } from '../../src/tensor/tensor.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { caseOf, casesOf, input } from './goldens.ts';
import { repeated } from '../thorough.ts';

const RUNS = { numRuns: repeated(40) };

/** Normal features, stretched differently along the axes. */
function table(rows: number, columns: number, seed: number, offset = 0): Tensor {
  const { data } = manualSeed(seed).randn([rows, columns], 'f64');
  return tensor(
    'f64',
    [rows, columns],
    data.map((value, i) => value * (1 + (i % columns)) + offset),
  );
}

const tables = (least: number): fc.Arbitrary<Tensor> =>
  fc
    .record({
      rows: fc.integer({ min: least, max: 30 }),
      columns: fc.integer({ min: 1, max: 6 }),
      seed: fc.integer({ min: 0, max: 1e6 }),
    })
    .map(({ rows, columns, seed }) => table(rows, columns, seed));

/** Rows of positive numbers that sum to 1. */
const probabilityTables: fc.Arbitrary<Tensor> = fc.integer({ min: 2, max: 6 }).chain((classes) =>
  fc
    .array(fc.array(fc.double({ min: 1e-9, max: 1, noNaN: true }), { minLength: classes, maxLength: classes }), {
      minLength: 1,
      maxLength: 12,
    })
    .map((rows) =>
      tensor(
        'f64',
        [rows.length, classes],
        Float64Array.from(rows.flatMap((row) => row.map((p) => p / row.reduce((a, b) => a + b)))),
      ),
    ),
);

const trace = ({ covariance }: { covariance: Float64Array }, n: number): number =>
  Array.from({ length: n }, (_, i) => covariance[i * n + i]).reduce((a, b) => a + b);

describe('Fréchet distance', () => {
  it.each(casesOf('frechet'))("%s: as with SciPy's square root of a matrix", (name) => {
    const { frechet } = caseOf<{ frechet: number }>(name);
    const [a, b] = ['a', 'b'].map((key) => fitGaussian(input(name, key)));
    expect(Math.abs(frechetDistance(a, b) / frechet - 1)).toBeLessThan(1e-9);
  });

  it('of a set to itself is nothing', () =>
    fc.assert(
      fc.property(tables(2), (x) => {
        const gaussian = fitGaussian(x);
        // Where there are fewer rows than columns an eigenvalue is 0, and the root of its rounding is not.
        const rounding = x.shape[0] > 2 * x.shape[1] ? 1e-12 : 1e-6;
        expect(Math.abs(frechetDistance(gaussian, gaussian))).toBeLessThanOrEqual(
          rounding * trace(gaussian, x.shape[1]),
        );
      }),
      RUNS,
    ));

  it('is the same both ways, and not negative', () =>
    fc.assert(
      fc.property(tables(14), fc.integer({ min: 0, max: 99 }), (x, seed) => {
        const [a, b] = [fitGaussian(x), fitGaussian(table(20, x.shape[1], seed, 0.5))];
        const [there, back] = [frechetDistance(a, b), frechetDistance(b, a)];
        const size = trace(a, x.shape[1]) + trace(b, x.shape[1]);
        expect(Math.abs(there - back)).toBeLessThanOrEqual(1e-9 * size);
        expect(there).toBeGreaterThanOrEqual(-1e-9 * size);
      }),
      RUNS,
    ));

  it('of a shifted set is the square of the shift', () =>
    fc.assert(
      fc.property(tables(14), fc.double({ min: -50, max: 50, noNaN: true }), (x, shift) => {
        const moved = { ...x, data: x.data.map((value) => value + shift) };
        const distance = frechetDistance(fitGaussian(x), fitGaussian(moved));
        expect(Math.abs(distance - x.shape[1] * shift ** 2)).toBeLessThanOrEqual(
          1e-9 * (trace(fitGaussian(x), x.shape[1]) + shift ** 2 + 1),
        );
      }),
      RUNS,
    ));

  it('of one feature is (μ₁ − μ₂)² + (σ₁ − σ₂)²', () => {
    const [a, b] = [
      tensor('f64', [4, 1], Float64Array.of(1, 3, 1, 3)),
      tensor('f64', [4, 1], Float64Array.of(2, 8, 2, 8)),
    ];
    const [s, t] = [Math.sqrt(4 / 3), Math.sqrt(36 / 3)];
    expect(frechetDistance(fitGaussian(a), fitGaussian(b))).toBeCloseTo(9 + (s - t) ** 2, 12);
  });

  it('needs two pictures, and features of one kind', () => {
    expect(() => fitGaussian(table(1, 3, 0))).toThrow(/at least 2/);
    expect(() => frechetDistanceTo(fitGaussian(table(5, 3, 0)))(fitGaussian(table(5, 2, 0)))).toThrow(/3 and of 2/);
  });
});

describe('linear algebra', () => {
  it('V diag(λ) Vᵀ is the matrix, Vᵀ V the identity; the root squared is the matrix', () =>
    fc.assert(
      fc.property(tables(3), (x) => {
        const n = x.shape[1];
        const { covariance } = fitGaussian(x);
        const size = Math.max(...covariance.map(Math.abs));
        const { values, vectors } = symmetricEigen(covariance, n);
        const transposed = vectors.map((_, at) => vectors[(at % n) * n + Math.floor(at / n)]);
        const scaled = vectors.map((value, at) => value * values[at % n]);
        const close = (a: Float64Array, b: ArrayLike<number>, scale: number): void => {
          for (const [i, value] of a.entries()) expect(Math.abs(value - b[i])).toBeLessThanOrEqual(1e-12 * scale);
        };
        close(multiplyMatrices(scaled, transposed, n), covariance, size);
        close(
          multiplyMatrices(transposed, vectors, n),
          Array.from(vectors, (_, at) => (at % n === Math.floor(at / n) ? 1 : 0)),
          1,
        );
        close(symmetricEigenvalues(covariance, n).sort(), values.sort(), size);
        const root = squareRoot(covariance, n);
        close(multiplyMatrices(root, root, n), covariance, size);
      }),
      RUNS,
    ));

  it.each([
    ['diagonal', [3, 0, 0, 0, 1, 0, 0, 0, 2], [1, 2, 3]],
    ['of rank 1', [1, 2, 3, 2, 4, 6, 3, 6, 9], [0, 0, 14]],
    ['of zeros', [0, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0]],
    ['in blocks', [2, 1, 0, 1, 2, 0, 0, 0, 5], [1, 3, 5]],
    ['with a zero beside other entries', [2, 0, 1, 0, 3, 0, 1, 0, 2], [1, 3, 3]],
    ['with a zero diagonal', [0, 1, 0, 1, 0, 1, 0, 1, 0], [-Math.SQRT2, 0, Math.SQRT2]],
  ])('knows the eigenvalues of a matrix %s', (_name, matrix, expected) => {
    for (const values of [
      symmetricEigenvalues(Float64Array.from(matrix), 3),
      symmetricEigen(Float64Array.from(matrix), 3).values,
    ]) {
      for (const [i, value] of values.sort().entries()) expect(value).toBeCloseTo(expected[i], 12);
    }
    expect([...symmetricEigenvalues(Float64Array.of(7), 1)]).toEqual([7]);
  });

  it('multiplies matrices row by column', () => {
    expect([...multiplyMatrices(Float64Array.of(1, 2, 3, 4), Float64Array.of(5, 6, 7, 8), 2)]).toEqual([
      19, 22, 43, 50,
    ]);
  });
});

describe('Inception Score and effective letters', () => {
  it.each(casesOf('inceptionScore'))('%s: as with NumPy', (name) => {
    const golden = caseOf<{ inceptionScore: number; effectiveLetters: number }>(name);
    const probabilities = input(name, 'probabilities');
    expect(inceptionScore(probabilities) / golden.inceptionScore).toBeCloseTo(1, 10);
    expect(effectiveLetters(probabilities) / golden.effectiveLetters).toBeCloseTo(1, 10);
  });

  it('lie between 1 and the number of classes, the score below the letters', () =>
    fc.assert(
      fc.property(probabilityTables, (p) => {
        const [score, letters] = [inceptionScore(p), effectiveLetters(p)];
        expect(score).toBeGreaterThanOrEqual(1 - 1e-12);
        expect(letters).toBeGreaterThanOrEqual(score - 1e-12);
        expect(letters).toBeLessThanOrEqual(p.shape[1] * (1 + 1e-12));
      }),
      RUNS,
    ));

  it('the score of an undecided classifier is 1, of a sure one the number of letters it sees', () => {
    expect(inceptionScore(tensor('f64', [3, 4], new Float64Array(12).fill(0.25)))).toBeCloseTo(1, 14);
    expect(inceptionScore(tensor('f64', [2, 4], Float64Array.of(1, 0, 0, 0, 0, 0, 1, 0)))).toBeCloseTo(2, 14);
    expect(effectiveLetters(tensor('f64', [2, 4], Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0)))).toBe(1);
  });

  it('of chosen rows are those of a table of these rows', () =>
    fc.assert(
      fc.property(probabilityTables, fc.array(fc.nat(), { minLength: 1, maxLength: 9 }), (p, numbers) => {
        const chosen = numbers.map((number) => number % p.shape[0]);
        expect(inceptionScoreOf(p)(chosen)).toBeCloseTo(inceptionScore(chooseRows(p, chosen)), 12);
        expect(effectiveLetters(p, chosen)).toBe(effectiveLetters(chooseRows(p, chosen)));
      }),
      RUNS,
    ));
});

describe('precision and recall', () => {
  it.each(casesOf('precisionRecall'))('%s: as with NumPy', (name) => {
    const { precisionRecall: golden } = caseOf<{ precisionRecall: Readonly<Record<string, readonly number[]>> }>(name);
    for (const [k, [precision, recall]] of Object.entries(golden)) {
      expect(precisionRecall(input(name, 'a'), input(name, 'b'), Number(k))).toEqual({ precision, recall });
    }
  });

  it('of a set and itself are 1', () =>
    fc.assert(
      fc.property(tables(5), (x) => {
        expect(precisionRecall(x, x)).toEqual({ precision: 1, recall: 1 });
      }),
      RUNS,
    ));

  it('of sets far apart are 0', () => {
    expect(precisionRecall(table(20, 3, 1), table(20, 3, 2, 1e6))).toEqual({ precision: 0, recall: 0 });
  });

  it('change places with the sets, and do not fall as k grows', () =>
    fc.assert(
      fc.property(tables(8), fc.integer({ min: 0, max: 99 }), (x, seed) => {
        const y = table(15, x.shape[1], seed, 0.3);
        const [one, other, wider] = [precisionRecall(x, y, 2), precisionRecall(y, x, 2), precisionRecall(x, y, 4)];
        expect([other.precision, other.recall]).toEqual([one.recall, one.precision]);
        expect(wider.precision).toBeGreaterThanOrEqual(one.precision);
        expect(wider.recall).toBeGreaterThanOrEqual(one.recall);
      }),
      RUNS,
    ));

  it('a point on the rim of a ball lies within it', () => {
    const column = (...values: number[]): Tensor => tensor('f64', [values.length, 1], Float64Array.from(values));
    expect(insideSupport(column(-1, -1.5, 3, 3.5), column(0, 1, 2), 1)).toEqual([true, false, true, false]);
  });

  it('need more points than neighbours', () => {
    expect(() => insideSupport(table(4, 2, 0), table(3, 2, 0), 3)).toThrow(/more than 3 points, but there are 3/);
  });
});

describe('diversity and recognition', () => {
  it('the variance within letters is as with NumPy', () => {
    const { letters, varianceWithin } = caseOf<{ letters: readonly number[]; varianceWithin: number }>('groups');
    expect(varianceWithinLetters(input('groups', 'features'), letters) / varianceWithin).toBeCloseTo(1, 12);
  });

  it('it does not see where a letter lies, and grows with the square of its size', () =>
    fc.assert(
      fc.property(tables(6), (x) => {
        const letters = Array.from({ length: x.shape[0] }, (_, i) => i % 3);
        const moved = { ...x, data: x.data.map((value, i) => 2 * value + 100 * letters[Math.floor(i / x.shape[1])]) };
        expect(varianceWithinLetters(moved, letters)).toBeCloseTo(4 * varianceWithinLetters(x, letters), 6);
      }),
      RUNS,
    ));

  it('it is 0 where no letter is there twice', () => {
    expect(varianceWithinLetters(table(3, 2, 0), [4, 1, 7])).toBe(0);
  });

  it('reads the most probable letter', () => {
    const p = tensor('f64', [3, 3], Float64Array.of(0.2, 0.5, 0.3, 0.9, 0.05, 0.05, 0.1, 0.2, 0.7));
    expect(readLetters(p)).toEqual([1, 0, 2]);
    expect(confidences(p)).toEqual([0.5, 0.9, 0.7]);
    expect(share([true, false, true, true])).toBe(0.75);
  });

  it('reads the first of equally probable letters', () => {
    expect(readLetters(tensor('f64', [2, 3], Float64Array.of(0.4, 0.4, 0.2, 0.2, 0.4, 0.4)))).toEqual([0, 1]);
  });
});

describe('bootstrap', () => {
  it('quantiles are those of NumPy', () => {
    const { sorted, quantiles } = caseOf<{ sorted: readonly number[]; quantiles: Readonly<Record<string, number>> }>(
      'quantiles',
    );
    for (const [q, value] of Object.entries(quantiles)) expect(quantile(sorted, Number(q))).toBeCloseTo(value, 12);
  });

  it('the interval holds the value, also of a biased figure', () =>
    fc.assert(
      fc.property(tables(6), fc.integer({ min: 0, max: 99 }), (x, seed) => {
        const distance = frechetDistanceTo(fitGaussian(table(20, x.shape[1], seed)));
        const { value, low, high } = bootstrap(x.shape[0], (chosen) => distance(fitGaussian(chooseRows(x, chosen))), {
          rounds: 20,
          seed,
        });
        expect(value).toBe(distance(fitGaussian(x)));
        expect(low).toBeLessThanOrEqual(value);
        expect(high).toBeGreaterThanOrEqual(value);
      }),
      RUNS,
    ));

  it('the interval is moved back by the bias of the draws', () => {
    // The share of things that were drawn: 1 of all of them, about 1 − 1/e of draws with replacement.
    const { value, low, high } = bootstrap(50, (chosen) => new Set(chosen).size / 50);
    expect(value).toBe(1);
    expect(low).toBeGreaterThan(0.85);
    expect(high).toBeLessThan(1.15);
    expect(high).toBeGreaterThan(1);
  });

  it('of a figure that does not vary is a point', () => {
    expect(bootstrap(10, () => 4, { rounds: 30 })).toEqual({ value: 4, low: 4, high: 4 });
  });

  it('of a mean is 1.96 standard errors wide on either side, and holds the true mean as often as it should', () => {
    const n = 200;
    let held = 0;
    const widths: number[] = [];
    for (let trial = 0; trial < 200; trial++) {
      const { data } = manualSeed(1000 + trial).randn([n], 'f64');
      const { low, high } = bootstrap(n, (chosen) => chosen.reduce((sum, i) => sum + data[i], 0) / n, { seed: trial });
      if (low <= 0 && high >= 0) held++;
      widths.push((high - low) * Math.sqrt(n));
    }
    expect(widths.reduce((a, b) => a + b) / widths.length / (2 * 1.96)).toBeCloseTo(1, 1);
    // Binomial with p = 0.95: four standard deviations are 12.
    expect(Math.abs(held - 190)).toBeLessThanOrEqual(12);
  });

  it('draws with replacement, evenly, the same for the same seed', () => {
    const draws: (readonly number[])[] = [];
    const statistic = (chosen: readonly number[]): number => draws.push(chosen);
    bootstrap(7, statistic, { rounds: 300, seed: 5 });
    bootstrap(7, statistic, { rounds: 300, seed: 5 });
    bootstrap(7, statistic, { rounds: 300, seed: 6 });
    expect(draws[0]).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(draws.slice(0, 301)).toEqual(draws.slice(301, 602));
    expect(draws.slice(0, 301)).not.toEqual(draws.slice(602));
    const counts = new Array<number>(7).fill(0);
    for (const number of draws.slice(1, 301).flat()) counts[number]++;
    // 2,100 draws of 7: four standard deviations of a count about 300 are 64.
    for (const count of counts) expect(Math.abs(count - 300)).toBeLessThan(64);
    expect(() => bootstrap(0, () => 0)).toThrow(/something to draw from/);
  });
});

it('what is no table, or is not there, is refused', () => {
  const x = tensor('f32', [3, 2], Float32Array.of(1, 2, 3, 4, 5, 6));
  expect(tableSize(x)).toEqual([3, 2]);
  expect(() => tableSize(tensor('f32', [6], x.data))).toThrow('this tensor has shape [6]');
  expect(() => tableSize(tensor('f32', [1, 3, 2], x.data))).toThrow('this tensor has shape [1, 3, 2]');
  expect(chooseItems(['a', 'b'], [1, 1, 0])).toEqual(['b', 'b', 'a']);
  expect(() => chooseItems(['a', 'b'], [2])).toThrow('item 2 is chosen, but there are 2, from 0');
  expect(() => appendRows([])).toThrow('there is no tensor to join');
});

it('rows are chosen and appended in order', () => {
  const x = tensor('f32', [3, 2], Float32Array.of(1, 2, 3, 4, 5, 6));
  expect([...chooseRows(x, [2, 0, 2]).data]).toEqual([5, 6, 1, 2, 5, 6]);
  const joined = appendRows([x, chooseRows(x, [1])]);
  expect([joined.shape, [...joined.data]]).toEqual([
    [4, 2],
    [1, 2, 3, 4, 5, 6, 3, 4],
  ]);
});
