/**
 * Numbers as PyTorch holds those that come from its tables of ᾱ: float32, rounded after each operation. `f32(a / b)` is
 * such a quotient.
 */

/** The nearest float32. */
export const f32 = Math.fround;

/** √x in float32. */
export function root(x: number): number {
  return f32(Math.sqrt(x));
}

/** 1 − x in float32. */
export function oneMinus(x: number): number {
  return f32(1 - x);
}
