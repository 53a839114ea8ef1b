/** exp and the activation functions on four floats at a time, repeating src/tensor/math operation by operation. */
import { EXPF } from '../../../tensor/math/expf.ts';
import { f32x4, i32, i32x4, set, v128 } from '../assembler/index.ts';
import type { Body, Code, Local, V128 } from '../assembler/index.ts';
import { QUICK_GELU } from '../../../tensor/math/index.ts';
import type { Activation } from '../../kernels.ts';
import type { Library } from '../library.ts';
import { CONTROL } from '../memory/control.ts';

/** By so many powers of two a small result is kept up until its last rounding, where it may become subnormal. */
const KEPT_UP = 32;

/**
 * The constants of `expf`, each for two vectors, as they lie in memory from CONTROL.CONSTANTS on. V8 makes a vector
 * constant anew at every use, with two shuffling instructions; a load from memory costs the busy ports nothing. Two
 * vectors, so that an engine that joins neighbours finds joined constants, too.
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
  2 ** -KEPT_UP,
];
/** Added to an exponent before it is moved to its place in a float. */
const BIAS = 127;
/** Of one constant. */
const CONSTANT_BYTES = 32;
const integers: readonly number[] = [BIAS, BIAS + KEPT_UP];

/** Writes what the functions below read. */
export function writeConstants(memory: WebAssembly.Memory): void {
  const start = (i: number): number => CONTROL.CONSTANTS + CONSTANT_BYTES * i;
  for (const [i, value] of floats.entries()) new Float32Array(memory.buffer, start(i), 8).fill(value);
  for (const [i, value] of integers.entries()) new Int32Array(memory.buffer, start(floats.length + i), 8).fill(value);
}

/** A constant, for the first or the second of two neighbouring vectors. */
type Constant = (vector: number) => V128;

function constant(index: number): Constant {
  return (vector) => v128.load(i32.const(CONTROL.CONSTANTS), CONSTANT_BYTES * index + 16 * (vector % 2));
}
const [lowest, highest, log2e, rounder, ln2High, ln2Low] = [0, 1, 2, 3, 4, 5].map(constant);
const [leading, ...coefficients] = EXPF.POLYNOMIAL.map((_, i) => constant(6 + i));
const [one, down, bias, biasUp] = [2, 1, 0, -1].map((before) => constant(floats.length - before));

/** exp of what is not below this is a normal number, with something to spare. */
export const LEAST_NORMAL = -80;

/** Of how many vectors to take the exp at once. */
export const AT_ONCE = 4;
/** Of how many, where the values around them need no registers. */
export const MORE_AT_ONCE = 8;

/** What is being made of a vector: x, and the names of its parts. */
interface Exponential {
  readonly x: Local<'v128'>;
  /** Ends, as an integer, with the nine bits of n, the power of two. */
  readonly shifted: Local<'v128'>;
  readonly n: Local<'v128'>;
  readonly r: Local<'v128'>;
  readonly q: Local<'v128'>;
}

/**
 * Does one operation after another on all vectors; the constant of an operation is read once for all of them, or, where
 * `joined` neighbours are to be joined, for the first and the second of each pair.
 */
function interleaved(body: Body, xs: readonly Local<'v128'>[], joined: number) {
  const each = xs.map((x): Exponential => {
    const [shifted, n, r, q] = body.locals('v128');
    return { x, shifted, n, r, q };
  });
  const constants = xs.slice(0, joined).map(() => body.local('v128'));
  return (operation: (names: Exponential, constant: V128) => Code, value?: Constant): Code => [
    value ? constants.map((local, vector) => set(local, value(vector))) : [],
    each.map((names, i) => operation(names, constants[i % joined])),
  ];
}

/** 2ⁿ of what ends with the nine bits of n + 127. */
const powerOfTwo = (n: V128): V128 => i32x4.shl(n, i32.const(23));

/**
 * Code for x = expf(x), for each x. Several take turns, operation by operation: one alone is a long chain in which each
 * link waits for the one before.
 */
export function expf(body: Body, xs: readonly Local<'v128'>[], joined = 2): Code {
  const { sub } = i32x4;
  const forEach = interleaved(body, xs, joined);
  return [
    // pmax(x, l) is x < l ? l : x, which lets NaN through as the comparisons of the definition do.
    forEach(({ x }, c) => set(x, f32x4.pmin(x, c)), highest),
    mantissa(forEach),
    forEach(({ shifted, n }) => set(n, i32x4.shrS(shifted, i32.const(1)))),
    forEach(({ shifted, n, r }, c) => set(r, i32x4.add(sub(shifted, n), c)), bias),
    forEach(({ n }, c) => set(n, i32x4.add(n, c)), bias),
    forEach(({ x, n, r }) => set(x, f32x4.mul(f32x4.mul(x, powerOfTwo(n)), powerOfTwo(r)))),
  ];
}

/**
 * The same for x that are at most 0, or NaN, in fewer operations: their powers cannot overflow, so it is enough to keep
 * them up while they are made.
 */
export function expfAtMostOne(body: Body, xs: readonly Local<'v128'>[], joined: number): Code {
  const forEach = interleaved(body, xs, joined);
  return [
    mantissa(forEach),
    forEach(({ x, shifted }, c) => set(x, f32x4.mul(x, powerOfTwo(i32x4.add(shifted, c)))), biasUp),
    forEach(({ x }, c) => set(x, f32x4.mul(x, c)), down),
  ];
}

/**
 * The same for x from LEAST_NORMAL to 0, in still fewer: nothing has to be kept away from where floats end, and n can
 * be added to what is an exponent already.
 */
export function expfOfNormal(body: Body, xs: readonly Local<'v128'>[], joined: number): Code {
  const forEach = interleaved(body, xs, joined);
  return [reduced(forEach), forEach(({ x, shifted }) => set(x, i32x4.add(x, powerOfTwo(shifted))))];
}

/** Code for x = exp(r), and for `shifted`; no x is taken below that of which exp is 0. */
function mantissa(forEach: ReturnType<typeof interleaved>): Code {
  return [forEach(({ x }, c) => set(x, f32x4.pmax(x, c)), lowest), reduced(forEach)];
}

/** Code for x = exp(r), and for `shifted`. */
function reduced(forEach: ReturnType<typeof interleaved>): Code {
  const { add, sub, mul } = f32x4;
  return [
    forEach(({ x, shifted }, c) => set(shifted, mul(x, c)), log2e),
    // The rounder's last bit is worth 1, so the last bits of the sum are those of n.
    forEach(({ shifted }, c) => set(shifted, add(shifted, c)), rounder),
    forEach(({ shifted, n }, c) => set(n, sub(shifted, c)), rounder),
    forEach(({ x, n, r }, c) => set(r, sub(x, mul(n, c))), ln2High),
    forEach(({ n, r }, c) => set(r, sub(r, mul(n, c))), ln2Low),
    forEach(({ q, r }, c) => set(q, mul(c, r)), leading),
    coefficients.map((coefficient, i) =>
      forEach(({ q, r }, c) => set(q, i === 0 ? add(q, c) : add(mul(q, r), c)), coefficient),
    ),
    forEach(({ x, q, r }) => set(x, add(r, mul(mul(r, r), q)))),
    forEach(({ x }, c) => set(x, add(c, x)), one),
  ];
}

/** Code for x = siluf(x), x / (1 + expf(−x)), for each x. */
export function siluf(body: Body, xs: readonly Local<'v128'>[], joined = 2): Code {
  const es = xs.map(() => body.local('v128'));
  return [
    es.map((e, i) => set(e, f32x4.neg(xs[i]))),
    expf(body, es, joined),
    xs.map((x, i) => set(x, f32x4.div(x, f32x4.add(one(i), es[i])))),
  ];
}

/** Code for x = quickGeluf(x), x / (1 + expf(−1.702 x)). */
function quickGeluf(body: Body, x: Local<'v128'>): Code {
  const e = body.local('v128');
  return [set(e, f32x4.mul(f32x4.const(-QUICK_GELU), x)), expf(body, [e]), set(x, f32x4.div(x, f32x4.add(one(0), e)))];
}

/** Code for x = max(x, 0): x where x > 0 or x is NaN, else +0. */
function reluf(x: Local<'v128'>): Code {
  return set(x, v128.andnot(x, f32x4.le(x, f32x4.const(0))));
}

/** A function of each element: for a body, code for x = f(x), for each x. */
export type ElementFunction = (lib: Library, body: Body) => (xs: readonly Local<'v128'>[]) => Code;

/** Activation functions, by name. */
export type ActivationFunctions = { readonly [A in Activation]?: ElementFunction };

/** Those that are computed in floats. */
export const floatActivations: ActivationFunctions = {
  silu: (_lib, body) => (xs) => siluf(body, xs),
  relu: () => (xs) => xs.map(reluf),
  quick_gelu: (_lib, body) => (xs) => xs.map((x) => quickGeluf(body, x)),
};
