/** exp and the activation functions on four floats at a time, repeating src/tensor/math operation by operation. */
import { EXPF } from '../../tensor/math/expf.ts';
import { f32x4, i32, i32x4, set, v128 } from './assembler.ts';
import type { Body, Code, Local, V128 } from './assembler.ts';
import { CONTROL } from './memory.ts';

/**
 * The constants of `expf`, each four times, as they lie in memory from CONTROL.CONSTANTS on. V8 makes a vector constant anew
 * at every use, with two shuffling instructions; a load from memory costs the busy ports nothing.
 */
const floats: readonly number[] = [
  EXPF.LOWEST, EXPF.HIGHEST, EXPF.LOG2_E, EXPF.ROUNDER, EXPF.LN2_HIGH, EXPF.LN2_LOW, ...EXPF.POLYNOMIAL, 1,
];
/** Added to an exponent before it is moved to its place in a float. */
const BIAS = 127;

/** Writes what the functions below read. */
export function writeConstants(memory: WebAssembly.Memory): void {
  floats.forEach((value, i) => new Float32Array(memory.buffer, CONTROL.CONSTANTS + 16 * i, 4).fill(value));
  new Int32Array(memory.buffer, CONTROL.CONSTANTS + 16 * floats.length, 4).fill(BIAS);
}

const loadConstant = (index: number): V128 => v128.load(i32.const(CONTROL.CONSTANTS), 16 * index);
const [lowest, highest, log2e, rounder, ln2High, ln2Low] = [0, 1, 2, 3, 4, 5].map(loadConstant) as [V128, V128, V128, V128, V128, V128];
const [leading, ...coefficients] = EXPF.POLYNOMIAL.map((_, i) => loadConstant(6 + i)) as [V128, ...V128[]];
const one = loadConstant(floats.length - 1);
const bias = loadConstant(floats.length);

/** 2ⁿ from the integers n, which must be the exponents of normal floats: n + 127 moved into the exponent's bits. */
function powerOfTwo(n: V128): V128 {
  return i32x4.shl(i32x4.add(n, bias), i32.const(23));
}

/** Returns code for x = expf(x). */
export function expf(body: Body): (x: Local<'v128'>) => Code {
  const shifted = body.local('v128');
  const n = body.local('v128');
  const r = body.local('v128');
  const q = body.local('v128');
  const half = body.local('v128');
  const { add, sub, mul } = f32x4;
  return (x) => [
    // pmax(x, l) is x < l ? l : x, which lets NaN through as the comparisons of the definition do.
    set(x, f32x4.pmin(f32x4.pmax(x, lowest), highest)),
    set(shifted, add(mul(x, log2e), rounder)),
    set(n, sub(shifted, rounder)),
    set(r, sub(sub(x, mul(n, ln2High)), mul(n, ln2Low))),
    set(q, leading),
    coefficients.map((coefficient) => set(q, add(mul(q, r), coefficient))),
    set(x, add(one, add(r, mul(mul(r, r), q)))),
    // The rounder's last bit is worth 1, so n as an integer is the distance of the bit patterns.
    set(n, i32x4.sub(shifted, rounder)),
    set(half, i32x4.shrS(n, i32.const(1))),
    set(x, mul(mul(x, powerOfTwo(half)), powerOfTwo(i32x4.sub(n, half)))),
  ];
}

/** Returns code for x = siluf(x), x / (1 + expf(−x)). */
export function siluf(body: Body): (x: Local<'v128'>) => Code {
  const e = body.local('v128');
  const exponential = expf(body);
  return (x) => [
    set(e, f32x4.neg(x)),
    exponential(e),
    set(x, f32x4.div(x, f32x4.add(one, e))),
  ];
}

/** Returns code for x = max(x, 0): x where x > 0 or x is NaN, else +0. */
export function reluf(): (x: Local<'v128'>) => Code {
  return (x) => set(x, v128.andnot(x, f32x4.le(x, f32x4.const(0))));
}
