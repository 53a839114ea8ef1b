/**
 * The quantile function of the symmetric beta distribution, which spaces the σ of `use_beta_sigmas` (arXiv 2407.12173).
 */
import { pow } from '../tensor/math/index.ts';

/**
 * The x in [0, 1] below which Beta(a, a) has the probability p.
 *
 * The distribution is symmetric about ½, so x(1 − p) = 1 − x(p), and its normaliser is twice the integral up to ½. On
 * [0, ½] the integral is a series that converges like 2⁻ⁿ and rises with x, so halving the interval finds x to the last
 * bit.
 */
export function betaQuantile(p: number, a: number): number {
  if (p > 0.5) return 1 - betaQuantile(1 - p, a);
  const target = p * 2 * incompleteBeta(0.5, a);
  let [low, high] = [0, 0.5];
  for (;;) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) return high;
    if (incompleteBeta(middle, a) <= target) low = middle;
    else high = middle;
    if (high < Number.MIN_VALUE * 2 ** 60) return 0;
  }
}

/** ∫₀ˣ t^(a−1) (1−t)^(a−1) dt = xᵃ Σₙ (1−a)(2−a)…(n−a) / n! · xⁿ / (a+n), for 0 ≤ x ≤ ½. */
function incompleteBeta(x: number, a: number): number {
  let sum = 0;
  let factor = 1;
  for (let n = 0; ; n++) {
    const next = sum + factor / (a + n);
    if (next === sum) return pow(x, a) * sum;
    sum = next;
    factor *= ((n + 1 - a) / (n + 1)) * x;
  }
}
