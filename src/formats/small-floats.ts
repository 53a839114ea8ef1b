/** Floating-point numbers of 8 and 16 bits, from their bits and to them. */

/** bf16 is the upper half of an f32. */
export function fromBF16(bits: Uint16Array): Float32Array {
  const out = new Uint32Array(bits.length);
  bits.forEach((word, i) => {
    out[i] = word << 16;
  });
  return new Float32Array(out.buffer);
}

/** Sign, 5 bits of exponent (bias 15), 10 bits of fraction. */
export function fromF16(bits: Uint16Array): Float32Array {
  const out = new Float32Array(bits.length);
  const words = new Uint32Array(out.buffer);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i] ?? 0;
    const size = word & 0x7fff;
    // Exponent and fraction where an f32 has them, which has 127 for the bias of 15: 2¹¹² times too small.
    words[i] = ((word & 0x8000) << 16) | (size << 13);
    out[i] = size < 0x7c00 ? (out[i] ?? 0) * 2 ** 112 : notFinite(word);
  }
  return out;
}

/** What an f16 stands for whose exponent is all ones. */
function notFinite(word: number): number {
  if (word & 1023) return NaN;
  return word & 0x8000 ? -Infinity : Infinity;
}

/** Sign, 4 bits of exponent (bias 7), 3 of fraction; no infinity, and one NaN of either sign (arXiv 2209.05433). */
function e4m3(byte: number): number {
  const [exponent, fraction] = [(byte >> 3) & 15, byte & 7];
  if (exponent === 15 && fraction === 7) return NaN;
  return exponent === 0 ? fraction * 2 ** -9 : (8 + fraction) * 2 ** (exponent - 10);
}

/** Sign, 5 bits of exponent (bias 15), 2 bits of fraction: the upper half of an f16 (arXiv 2209.05433). */
function e5m2(byte: number): number {
  const [exponent, fraction] = [(byte >> 2) & 31, byte & 3];
  if (exponent === 31) return fraction ? NaN : Infinity;
  return exponent === 0 ? fraction * 2 ** -16 : (4 + fraction) * 2 ** (exponent - 17);
}

/** Numbers of 8 bits, with 4 or 5 of exponent: f16 holds all of them. */
export function fromF8(bytes: Uint8Array, dtype: 'F8_E4M3' | 'F8_E5M2'): Float32Array {
  const magnitude = dtype === 'F8_E4M3' ? e4m3 : e5m2;
  return new Float32Array(bytes).map((byte) => (byte & 0x80 ? -1 : 1) * magnitude(byte));
}

/**
 * From the bits of an f32 that has been rounded to bf16: its lower half is zero, but for a NaN, which must stay one.
 */
export function toBF16(word: number): number {
  return (word >>> 16) | ((word & 0x7fffffff) > 0x7f800000 ? 0x40 : 0);
}

/** From the bits of an f32 that has been rounded to f16: what is dropped is zero. */
export function toF16(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const size = word & 0x7fffffff;
  if (size >= 0x7f800000) return sign | (size > 0x7f800000 ? 0x7e00 : 0x7c00);
  const exponent = (size >> 23) - 127;
  if (exponent >= -14) return sign | ((size - (112 << 23)) >> 13);
  // A subnormal of f16 is a multiple of 2⁻²⁴: the significand, with its hidden bit, shifted until its unit is that.
  return sign | (exponent < -24 ? 0 : ((size & 0x7fffff) | 0x800000) >> (-exponent - 1));
}
