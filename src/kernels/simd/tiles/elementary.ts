/** exp and the activation functions on four floats at a time, repeating src/tensor/math operation by operation. */
import { EXPF } from '../../../tensor/math/expf.ts';
import { f32x4, i32, i32x4, set, v128 } from '../assembler/index.ts';
import type { Body, Code, Local, V128 } from '../assembler/index.ts';
import { QUICK_GELU } from '../../../tensor/math/index.ts';
import { CONTROL } from '../memory/control.ts';

/**
 * The constants of `expf`, each four times, as they lie in memory from CONTROL.CONSTANTS on. V8 makes a vector constant
 * anew at every use, with two shuffling instructions; a load from memory costs the busy ports nothing.
 */
const floats: readonly number[] = [
  EXPF.LOWEST,
  EXPF.HIGHEST,
  EXPF.LOG2_E,
  EXPF.ROUNDER,
  EXPF.LN2_HIGH,
  EXPF.LN2_LOW,
  ...EXPF.POLYNOMIAL,
  1,
];
/** Added to an exponent before it is moved to its place in a float. */
const BIAS = 127;

/** Writes what the functions below read. */
export function writeConstants(memory: WebAssembly.Memory): void {
  for (const [i, value] of floats.entries()) new Float32Array(memory.buffer, CONTROL.CONSTANTS + 16 * i, 4).fill(value);
  new Int32Array(memory.buffer, CONTROL.CONSTANTS + 16 * floats.length, 4).fill(BIAS);
}

const loadConstant = (index: number): V128 => v128.load(i32.const(CONTROL.CONSTANTS), 16 * index);
const [lowest, highest, log2e, rounder, ln2High, ln2Low] = [0, 1, 2, 3, 4, 5].map(loadConstant);
const [leading, ...coefficients] = EXPF.POLYNOMIAL.map((_, i) => loadConstant(6 + i));
const one = loadConstant(floats.length - 1);
const bias = loadConstant(floats.length);

/** 2ⁿ from the integers n, which must be the exponents of normal floats: n + 127 moved into the exponent's bits. */
function powerOfTwo(n: V128): V128 {
  return i32x4.shl(i32x4.add(n, bias), i32.const(23));
}

/** Of how many vectors to take the exp at once. */
export const AT_ONCE = 4;

/**
 * Code for x = expf(x), for each x. Several take turns, operation by operation: one alone is a long chain in which each
 * link waits for the one before.
 */
export function expf(body: Body, xs: readonly Local<'v128'>[]): Code {
  const { add, sub, mul } = f32x4;
  const each = xs.map((x) => {
    const [shifted, n, r, q, half] = body.locals('v128');
    return { x, shifted, n, r, q, half };
  });
  const forEach = (operation: (names: (typeof each)[0]) => Code): Code => each.map(operation);
  return [
    // pmax(x, l) is x < l ? l : x, which lets NaN through as the comparisons of the definition do.
    forEach(({ x }) => set(x, f32x4.pmin(f32x4.pmax(x, lowest), highest))),
    forEach(({ x, shifted }) => set(shifted, add(mul(x, log2e), rounder))),
    forEach(({ shifted, n }) => set(n, sub(shifted, rounder))),
    forEach(({ x, n, r }) => set(r, sub(sub(x, mul(n, ln2High)), mul(n, ln2Low)))),
    forEach(({ q }) => set(q, leading)),
    coefficients.map((coefficient) => forEach(({ q, r }) => set(q, add(mul(q, r), coefficient)))),
    forEach(({ x, q, r }) => set(x, add(one, add(r, mul(mul(r, r), q))))),
    // The rounder's last bit is worth 1, so n as an integer is the distance of the bit patterns.
    forEach(({ shifted, n }) => set(n, i32x4.sub(shifted, rounder))),
    forEach(({ n, half }) => set(half, i32x4.shrS(n, i32.const(1)))),
    forEach(({ x, n, half }) => set(x, mul(mul(x, powerOfTwo(half)), powerOfTwo(i32x4.sub(n, half))))),
  ];
}

/** Code for x = siluf(x), x / (1 + expf(−x)), for each x. */
export function siluf(body: Body, xs: readonly Local<'v128'>[]): Code {
  const es = xs.map(() => body.local('v128'));
  return [
    es.map((e, i) => set(e, f32x4.neg(xs[i]))),
    expf(body, es),
    xs.map((x, i) => set(x, f32x4.div(x, f32x4.add(one, es[i])))),
  ];
}

/** Code for x = quickGeluf(x), x / (1 + expf(−1.702 x)). */
export function quickGeluf(body: Body, x: Local<'v128'>): Code {
  const e = body.local('v128');
  return [set(e, f32x4.mul(f32x4.const(-QUICK_GELU), x)), expf(body, [e]), set(x, f32x4.div(x, f32x4.add(one, e)))];
}

/** Returns code for x = max(x, 0): x where x > 0 or x is NaN, else +0. */
export function reluf(): (x: Local<'v128'>) => Code {
  return (x) => set(x, v128.andnot(x, f32x4.le(x, f32x4.const(0))));
}
