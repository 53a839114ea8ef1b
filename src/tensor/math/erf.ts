/**
 * The error function, 2/√π ∫₀ˣ exp(−t²) dt: its Taylor series about the nearest of the points 0, ½, ¾, 1 … 6.
 * All coefficients but the first follow from g′ = −2x·g, where g(x) = 2/√π · exp(−x²) is the derivative.
 */

/** [erf(c) as a double, what is missing from it, g(c)] at c = ½, ¾, 1 … 6 (scripts/minimax/constants.py). */
const CENTRES: readonly (readonly [number, number, number])[] = [
  [0.5204998778130465, 1.900077467916287e-17, 0.8787825789354448],
  [0.7111556336535151, 4.69744077164289e-17, 0.6429310691952074],
  [0.8427007929497149, -2.4801011789118602e-17, 0.4151074974205947],
  [0.9229001282564583, -5.51775442986392e-17, 0.2365211224472908],
  [0.9661051464753108, -3.3867031441680696e-17, 0.11893028922362937],
  [0.9866716712191824, 2.1431190289565338e-17, 0.05277499593015037],
  [0.9953222650189527, 2.20719858329765e-17, 0.020666985354092053],
  [0.9985372834133188, 2.6956405885413457e-17, 0.007142319022017983],
  [0.999593047982555, 4.6925151097042234e-17, 0.0021782842303527095],
  [0.9998993780778803, 4.451378916214761e-17, 0.0005862772470937923],
  [0.9999779095030014, 5.363397058636269e-17, 0.00013925305194674786],
  [0.9999956972205363, 5.224680575187069e-17, 2.9189025383581702e-5],
  [0.9999992569016276, 4.9647279187212204e-17, 5.399426777384783e-6],
  [0.9999998862727434, 4.2276182391829615e-17, 8.814321912318039e-7],
  [0.9999999845827421, 1.44826531920025e-17, 1.2698234671866558e-7],
  [0.9999999981494259, 9.86675034192752e-19, 1.6143993719507412e-8],
  [0.9999999998033839, 1.2614727975054947e-17, 1.81130589590869e-9],
  [0.9999999999815149, 5.461622108299497e-17, 1.7934357034341337e-10],
  [0.9999999999984626, -2.294992711807301e-17, 1.5670866531017336e-11],
  [0.9999999999998869, 2.859354043191264e-17, 1.2084074716006755e-12],
  [0.9999999999999927, -3.03759554483649e-17, 8.223316045262922e-14],
  [0.9999999999999996, 2.0875548107488853e-17, 4.938485140964219e-15],
  [1.0, -2.1519736712498913e-17, 2.617301239249265e-16],
];
/** The first centre but 0. */
export const FIRST_CENTRE = 0.5;
/** The distance between two centres. */
export const SPACING = 0.25;
const TERMS = 15;
/** From here on erf is 1 to the last bit. */
export const SATURATION = 6;

/** erf(centre + h) = value + rest + Σ coefficients[i] · hⁱ⁺¹. */
interface Expansion {
  readonly centre: number;
  readonly value: number;
  readonly rest: number;
  /** Of h¹, h², … */
  readonly coefficients: readonly number[];
}

/** The Taylor series about each centre from ½ on. */
export const EXPANSIONS = CENTRES.map(([value, rest, slope], index): Expansion => {
  const centre = FIRST_CENTRE + SPACING * index;
  // g(c + h) = Σ gₙhⁿ with (n + 1) gₙ₊₁ = −2c·gₙ − 2gₙ₋₁; integrating divides gₙ by n + 1.
  const g = [slope, -2 * centre * slope];
  for (let n = 1; n < TERMS - 1; n++) g.push((-2 * centre * g[n] - 2 * g[n - 1]) / (n + 1));
  return { centre, value, rest, coefficients: g.map((coefficient, n) => coefficient / (n + 1)) };
});

/** 2/√π − 1, the slope of erf at 0 without its 1. */
export const SLOPE_AT_0_LESS_1 = 0.1283791670955126;
/** The coefficients of x³, x⁵ … of erf about 0: (−1)ᵏ 2/√π / (k! (2k + 1)). */
export const ABOUT_0 = Array.from({ length: 12 }, (_, index) => {
  const k = index + 1;
  let factorial = 1;
  for (let i = 2; i <= k; i++) factorial *= i;
  return ((k % 2 === 0 ? 1 : -1) * (1 + SLOPE_AT_0_LESS_1)) / (factorial * (2 * k + 1));
});

/** erf x. Error: at most 0.76 ulp. erf(±∞) = ±1, erf(±0) = ±0. */
export function erf(x: number): number {
  const size = Math.abs(x);
  if (x === 0 || Number.isNaN(x)) return x;
  if (size >= SATURATION) return x > 0 ? 1 : -1;
  if (size < FIRST_CENTRE - SPACING / 2) {
    const z = x * x;
    return x + x * (SLOPE_AT_0_LESS_1 + z * polynomial(ABOUT_0, z));
  }
  const nearest = EXPANSIONS[Math.floor((size - FIRST_CENTRE) / SPACING + 0.5)];
  const h = size - nearest.centre;
  const result = nearest.value + (nearest.rest + h * polynomial(nearest.coefficients, h));
  return x > 0 ? result : -result;
}

/** c₀ + c₁x + c₂x² + … */
function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (let k = coefficients.length - 1; k >= 0; k--) sum = sum * x + coefficients[k];
  return sum;
}
