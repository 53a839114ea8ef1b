/**
 * A number in about twice the precision of a double: the unevaluated sum hi + lo, where hi is the double nearest to it.
 * Sums and products after Knuth, Dekker (1971) and Hida, Li, Bailey (2001). Relative error of mul and add: a few 2⁻¹⁰⁴.
 * The functions below need it inside, so that what they round at the end is right to the last bit.
 */
export interface Wide {
  /** The nearest double. */
  readonly hi: number;
  /** What is missing from it. */
  readonly lo: number;
}

/** a + b without any error. */
export function twoSum(a: number, b: number): Wide {
  const hi = a + b;
  const fromB = hi - a;
  return { hi, lo: a - (hi - fromB) + (b - fromB) };
}

/** a + b without any error, where |a| ≥ |b|. */
function orderedSum(a: number, b: number): Wide {
  const hi = a + b;
  return { hi, lo: b - (hi - a) };
}

/** 2²⁷ + 1: multiplying by it separates the upper 26 bits of a double from the lower. */
export const SPLITTER = 134217729;

/** a · b without any error, as long as nothing overflows or becomes subnormal. */
export function twoProduct(a: number, b: number): Wide {
  const hi = a * b;
  const aScaled = SPLITTER * a;
  const aHi = aScaled - (aScaled - a);
  const aLo = a - aHi;
  const bScaled = SPLITTER * b;
  const bHi = bScaled - (bScaled - b);
  const bLo = b - bHi;
  return { hi, lo: aHi * bHi - hi + aHi * bLo + aLo * bHi + aLo * bLo };
}

/** a + b; relative error a few 2⁻¹⁰⁴. */
export function addWide(a: Wide, b: Wide): Wide {
  const sum = twoSum(a.hi, b.hi);
  return orderedSum(sum.hi, sum.lo + (a.lo + b.lo));
}

/** a + b for a double b; relative error a few 2⁻¹⁰⁴. */
export function addToWide(a: Wide, b: number): Wide {
  const sum = twoSum(a.hi, b);
  return orderedSum(sum.hi, sum.lo + a.lo);
}

/** a · b; relative error a few 2⁻¹⁰⁴. */
export function multiplyWide(a: Wide, b: Wide): Wide {
  const product = twoProduct(a.hi, b.hi);
  return orderedSum(product.hi, product.lo + (a.hi * b.lo + a.lo * b.hi));
}

/** a / b; relative error a few 2⁻¹⁰⁴. */
export function divideWide(a: Wide, b: Wide): Wide {
  const hi = a.hi / b.hi;
  const product = twoProduct(hi, b.hi);
  const rest = a.hi - product.hi - product.lo + a.lo - hi * b.lo;
  return orderedSum(hi, rest / b.hi);
}

/** a / b of two doubles. */
export function ratio(a: number, b: number): Wide {
  return divideWide({ hi: a, lo: 0 }, { hi: b, lo: 0 });
}
