/**
 * The functions in float32. They are computed in double precision and rounded once, so they are the float32 nearest to
 * the truth except where that lies within a billionth of a tie. `siluf` and `quickGeluf` alone are made from float32 operations.
 */
import { gelu, mish, QUICK_GELU } from './activations.ts';
import { erf } from './erf.ts';
import { expf } from './expf.ts';
import { log } from './log.ts';
import { tanh } from './tanh.ts';
import { cos, sin } from './trigonometry.ts';

const round = Math.fround;

/** ln x in float32. Error: at most 0.5001 ulp. */
export function logf(x: number): number {
  return round(log(x));
}

/** sin x in float32. Error: at most 0.5001 ulp. */
export function sinf(x: number): number {
  return round(sin(x));
}

/** cos x in float32. Error: at most 0.5001 ulp. */
export function cosf(x: number): number {
  return round(cos(x));
}

/** tanh x in float32. Error: at most 0.5001 ulp. */
export function tanhf(x: number): number {
  return round(tanh(x));
}

/** erf x in float32. Error: at most 0.5001 ulp. */
export function erff(x: number): number {
  return round(erf(x));
}

/** x · Φ(x) in float32. Error: at most 0.5001 ulp. */
export function geluf(x: number): number {
  return round(gelu(x));
}

/** x · tanh(ln(1 + eˣ)) in float32. Error: at most 0.5001 ulp. */
export function mishf(x: number): number {
  return round(mish(x));
}

/**
 * x / (1 + e⁻ˣ), each operation rounded to float32, so that SIMD lanes can repeat it. Error: at most 2.41 ulp (measured
 * exhaustively). Below −88.72 the exponential overflows and the result is −0 in place of −3e-37 or less, as in PyTorch.
 */
export function siluf(x: number): number {
  return round(x / round(1 + expf(-x)));
}

const quickFactor = round(-QUICK_GELU);

/**
 * x / (1 + e^(−1.702 x)), each operation rounded to float32, so that SIMD lanes can repeat it. The factor and its
 * product are rounded, too: where x is far below 0, that moves the power by up to |1.702 x| ulp, as in PyTorch.
 */
export function quickGeluf(x: number): number {
  return round(x / round(1 + expf(round(quickFactor * x))));
}
