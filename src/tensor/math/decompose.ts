/** A finite double other than 0 as ±significand · 2^exponent: 2⁵² ≤ significand < 2⁵³, an integer. Subnormals too. */
export function decompose(x: number): { significand: number; exponent: number } {
  const size = Math.abs(x);
  if (size < SMALLEST_NORMAL) {
    const { significand, exponent } = decompose(size * 2 ** 54);
    return { significand, exponent: exponent - 54 };
  }
  scratch.setFloat64(0, size);
  const upper = scratch.getUint32(0);
  return {
    significand: (0x100000 + (upper & 0xfffff)) * 2 ** 32 + scratch.getUint32(4),
    exponent: (upper >>> 20) - 1075,
  };
}

/** Where a double's bits are read; it carries nothing from one call to the next. */
const scratch = new DataView(new ArrayBuffer(8));
const SMALLEST_NORMAL = 2 ** -1022;
