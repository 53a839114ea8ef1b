/**
 * Sizes of errors in sixteenths of an octave: 2^(k/16), k a whole number. A size is known no better than that, and k is
 * what a file holds of it, in 16 bits.
 */

/** 2^(i/16), the nearest numbers of double precision: a file read elsewhere must give the same ones. */
const steps: readonly number[] = [
  1,
  1.0442737824274138,
  1.0905077326652577,
  1.1387886347566916,
  1.189207115002721,
  1.241857812073484,
  1.2968395546510096,
  1.3542555469368927,
  Math.SQRT2,
  1.4768261459394993,
  1.5422108254079407,
  1.6104903319492543,
  1.681792830507429,
  1.7562521603732995,
  1.8340080864093424,
  1.9152065613971474,
];

/** 2^(k/16). */
export function fromSixteenths(k: number): number {
  const octave = Math.floor(k / 16);
  const step = steps[k - 16 * octave] ?? NaN;
  return step * 2 ** octave;
}

/** The smallest k for which 2^(k/16) is not below `size`, which is above 0 and finite. */
export function sixteenthsOf(size: number): number {
  // The logarithm of an engine may be off in its last digits, so its neighbours are tried.
  let k = Math.ceil(16 * Math.log2(size)) + 1;
  while (fromSixteenths(k - 1) >= size) k--;
  return k;
}
