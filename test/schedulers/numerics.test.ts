/** The small pieces of numerical analysis that the tables and solvers rest on. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { angle, angleTime } from '../../src/schedulers/angle-time.ts';
import { betaQuantile } from '../../src/schedulers/beta-quantile.ts';
import { integrals } from '../../src/schedulers/exponential-integrator.ts';
import { solveLinear } from '../../src/schedulers/linear-system.ts';
import { linspace } from '../../src/schedulers/noise-schedule.ts';
import { range } from '../../src/schedulers/spacing.ts';

describe('betaQuantile', () => {
  const probability = fc.double({ min: 0, max: 1, noNaN: true });

  it('of the uniform distribution (a = 1) is the identity', () => {
    fc.assert(
      fc.property(probability, (p) => {
        expect(Math.abs(betaQuantile(p, 1) - p)).toBeLessThan(4e-16);
      }),
    );
  });

  it('of the arcsine distribution (a = ½) is sin²(πp/2)', () => {
    fc.assert(
      fc.property(probability, (p) => {
        expect(Math.abs(betaQuantile(p, 0.5) - Math.sin((Math.PI * p) / 2) ** 2)).toBeLessThan(1e-14);
      }),
    );
  });

  it('of Beta(2, 2) has 3x² − 2x³ = p', () => {
    fc.assert(
      fc.property(probability, (p) => {
        const x = betaQuantile(p, 2);
        expect(Math.abs(3 * x * x - 2 * x ** 3 - p)).toBeLessThan(1e-15);
      }),
    );
  });

  it('is that of scipy.stats.beta.ppf 1.17.1 at a = 0.6', () => {
    const scipy: readonly (readonly [number, number])[] = [
      [1e-6, 1.8558824624053043e-10],
      [0.001, 1.855873851745199e-5],
      [0.05, 0.012554456873611399],
      [0.2, 0.12292175045833292],
      [0.4, 0.3627009907532143],
      [0.5, 0.5000000000000001],
      [0.7, 0.7659829961247643],
      [0.9, 0.9604155944112192],
      [0.999, 0.9999814412614826],
    ];
    for (const [p, x] of scipy) expect(Math.abs(betaQuantile(p, 0.6) - x)).toBeLessThanOrEqual(1e-14 * x);
  });

  it('rises, is symmetric and goes from 0 to 1', () => {
    expect([betaQuantile(0, 0.6), betaQuantile(0.5, 0.6), betaQuantile(1, 0.6)]).toEqual([0, 0.5, 1]);
    fc.assert(
      fc.property(probability, probability, (p, q) => {
        const [low, high] = [Math.min(p, q), Math.max(p, q)].map((one) => betaQuantile(one, 0.6));
        expect(low).toBeLessThanOrEqual(high);
        expect(Math.abs(betaQuantile(p, 0.6) + betaQuantile(1 - p, 0.6) - 1)).toBeLessThan(1e-14);
      }),
    );
  });
});

describe('the angle of a level', () => {
  it('is that of atan2', () => {
    const size = fc.double({ min: -150, max: 150, noNaN: true }).map((power) => 2 ** power);
    fc.assert(
      fc.property(size, size, (noise, signal) => {
        expect(Math.abs(angle(noise, signal) / Math.atan2(noise, signal) - 1)).toBeLessThan(1e-15);
      }),
    );
  });

  it('is 0 for a picture and 1 for noise, in right angles', () => {
    expect([angleTime(0, 1), angleTime(1, 1), angleTime(1, 0)]).toEqual([0, 0.5, 1]);
  });
});

it('solveLinear solves: A x = b', () => {
  const entry = fc.double({ min: -3, max: 3, noNaN: true });
  const system = fc
    .integer({ min: 1, max: 4 })
    .chain((n) =>
      fc.tuple(
        fc.array(fc.array(entry, { minLength: n, maxLength: n }), { minLength: n, maxLength: n }),
        fc.array(entry, { minLength: n, maxLength: n }),
      ),
    );
  fc.assert(
    fc.property(system, ([matrix, right]) => {
      // With 13 on the diagonal, more than the rest of a row can sum to, the matrix is well conditioned. Rows are
      // turned, so that they must be exchanged.
      const dominant = matrix.map((row, i) => row.map((value, j) => value + (i === j ? 13 : 0)));
      const turned = [...dominant.slice(1), dominant[0]];
      const x = solveLinear(turned, right);
      turned.forEach((row, i) => {
        expect(Math.abs(row.reduce((sum, value, j) => sum + value * x[j], 0) - right[i])).toBeLessThan(1e-13);
      });
    }),
  );
});

it('the integrals of the exponential integrator are their series', () => {
  // E₁ = Σ_{n≥1} hⁿ/n!, and each E_{k+1} = E_k/h − 1/k! drops the first term and divides by h.
  fc.assert(
    fc.property(
      fc.double({ min: -2, max: 2, noNaN: true }).filter((h) => Math.abs(h) > 0.1),
      (h) => {
        integrals(h, 3).forEach((value, k) => {
          let [sum, term] = [0, 1];
          for (let n = 1; n < 60; n++) {
            term *= h / n;
            if (n > k) sum += term / h ** k;
          }
          expect(Math.abs(value - sum)).toBeLessThan(1e-12);
        });
      },
    ),
  );
});

it('linspace is that of torch 2.13.0, whose middle comes from the end', () => {
  expect([...linspace(Math.log(0.01), Math.log(50), 5)]).toEqual([
    -4.605170249938965, -2.475872039794922, -0.3465733528137207, 1.7827248573303223, 3.9120230674743652,
  ]);
  expect([...linspace(0.3, 0.7, 4)]).toEqual([0.3, 0.4333333373069763, 0.5666666626930237, 0.7].map(Math.fround));
  expect([...linspace(2, 3, 1)]).toEqual([2]);
});

it('range has both ends, and even steps', () => {
  expect(range(3, 3, 1)).toEqual([3]);
  expect(range(0, 1, 5)).toEqual([0, 0.25, 0.5, 0.75, 1]);
  expect(range(999, 0, 4)).toEqual([999, 666, 333, 0]);
  expect(range(0, 0.3, 4).at(-1)).toBe(0.3);
});
