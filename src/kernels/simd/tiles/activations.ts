/**
 * Mish, which is defined in double precision and rounded once, and what GELU (gelu.ts) is made of: two doubles at a
 * time, repeating src/tensor/math/activations, erf and exp operation by operation. Where a definition branches, both
 * ways are computed and one is selected.
 */
import { FRACTION_LEVELS, MISH_LINEAR, SQRT_2_PI, TAIL_END } from '../../../tensor/math/activations.ts';
import { ABOUT_0, EXPANSIONS, FIRST_CENTRE, SATURATION, SLOPE_AT_0_LESS_1, SPACING } from '../../../tensor/math/erf.ts';
import { EXP } from '../../../tensor/math/exp.ts';
import { SPLITTER } from '../../../tensor/math/wide.ts';
import {
  callV128,
  doWhile,
  f32x4,
  f64x2,
  i32,
  i32x4,
  i64x2,
  promoteHigh,
  set,
  shuffle32,
  shuffle64,
  v128,
} from '../assembler/index.ts';
import type { Body, Code, Expr, Func, I32, Local, V128 } from '../assembler/index.ts';
import { at, type Library } from '../library.ts';
import { CONTROL } from '../memory/control.ts';
import type { ElementFunction } from './elementary.ts';

const { add, sub, mul, div, const: number } = f64x2;
const one = number(1);

/**
 * Doubles of an expansion of erf in the table: the value, what is missing from it, the coefficients from the highest
 * on.
 */
const expansionRows = EXPANSIONS.map(({ value, rest, coefficients }) => [value, rest, ...[...coefficients].reverse()]);
const ROW_BYTES = 8 * expansionRows[0].length;

/** Writes what `erf` reads. */
export function writeErfTable(memory: WebAssembly.Memory): void {
  for (const [i, row] of expansionRows.entries())
    new Float64Array(memory.buffer, CONTROL.ERF + ROW_BYTES * i, row.length).set(row);
}

const unary = { params: ['v128'], results: ['v128'] } as const;

/** A function of two doubles: `write` computes its result from the argument. */
export function function64(lib: Library, name: string, write: (body: Body, x: Local<'v128'>) => Code): Func {
  return lib.func(name, unary, (body) => write(body, body.params[0]));
}

/** c₀ + c₁x + …, the highest coefficient first; the first sum of the definition, 0 · x + c, is c. */
function polynomial(x: V128, coefficients: readonly V128[]): V128 {
  return coefficients.reduce((sum, coefficient) => add(mul(sum, x), coefficient));
}

/** 2ⁿ from 64-bit integers n, which must be the exponents of normal doubles. */
function powerOfTwo(n: V128): V128 {
  return i64x2.shl(i64x2.add(n, longs(1023)), i32.const(52));
}

const longs = (value: number): V128 => v128.const(value, 0, value, 0);

/** exp(x). Clamped arguments overflow and vanish as the definition says without its branches. */
export function exp(lib: Library): Func {
  return function64(lib, 'exp', (body, x) => {
    const [shifted, n, near, far, r, sum, half] = body.locals('v128');
    const rest = sub(sub(near, r), far);
    const q = polynomial(r, EXP.TAYLOR.map(number));
    return [
      set(x, f64x2.pmin(f64x2.pmax(x, number(EXP.LOWEST)), number(EXP.HIGHEST))),
      set(shifted, add(mul(x, number(EXP.LOG2_E)), number(EXP.ROUNDER))),
      set(n, sub(shifted, number(EXP.ROUNDER))),
      set(near, sub(x, mul(n, number(EXP.LN2_HIGH)))),
      set(far, mul(n, number(EXP.LN2_LOW))),
      set(r, sub(near, far)),
      set(sum, add(one, r)),
      set(x, add(sum, add(sub(r, sub(sum, one)), add(rest, mul(mul(r, r), q))))),
      // The rounder's last bit is worth 1, so n as an integer is the distance of the bit patterns.
      set(n, i64x2.sub(shifted, number(EXP.ROUNDER))),
      set(half, i64x2.shrS(n, i32.const(1))),
      mul(mul(x, powerOfTwo(half)), powerOfTwo(i64x2.sub(n, half))).code,
    ];
  });
}

function mish(lib: Library): Func {
  return function64(lib, 'mish', (body, x) => {
    const [e, n] = body.locals('v128');
    return [
      set(e, callV128(exp(lib), x)),
      set(n, mul(e, add(e, number(2)))),
      v128.select(x, div(mul(x, n), add(n, number(2))), f64x2.gt(x, number(MISH_LINEAR))).code,
    ];
  });
}

/** erf(x) for |x| below ∞. */
export function erf(lib: Library): Func {
  return function64(lib, 'erf', (body, x) => {
    const [size, z, index, h, result, sign] = body.locals('v128');
    const [first, second] = body.locals('i32');
    /** The k-th double of the rows that belong to the two numbers. */
    const entry = (k: number): V128 => shuffle64(v128.load64Zero(first, 8 * k), v128.load64Zero(second, 8 * k), [0, 2]);
    const [value, rest, ...coefficients] = expansionRows[0].map((_, k) => entry(k));
    const last = EXPANSIONS.length - 1;
    const row = (lane: number): I32 => at(i32.const(CONTROL.ERF), i32x4.extractLane(z, lane), ROW_BYTES);
    return [
      set(size, f64x2.abs(x)),
      // Clamped, so that what is selected away below reads no other memory. NaN becomes 0 on the way to an integer.
      set(index, f64x2.floor(add(div(sub(size, number(FIRST_CENTRE)), number(SPACING)), number(0.5)))),
      set(index, f64x2.pmin(f64x2.pmax(index, number(0)), number(last))),
      set(z, i32x4.truncF64Zero(index)),
      set(first, row(0)),
      set(second, row(1)),
      set(h, sub(size, add(number(FIRST_CENTRE), mul(number(SPACING), index)))),
      set(result, add(value, add(rest, mul(h, polynomial(h, coefficients))))),
      set(result, v128.select(one, result, f64x2.ge(size, number(SATURATION)))),
      set(sign, v128.and(x, v128.const(0, -0x80000000, 0, -0x80000000))),
      set(result, v128.xor(result, sign)),
      set(z, mul(x, x)),
      v128.select(
        add(x, mul(x, add(number(SLOPE_AT_0_LESS_1), mul(z, polynomial(z, [...ABOUT_0].reverse().map(number)))))),
        result,
        f64x2.lt(size, number(FIRST_CENTRE - SPACING / 2)),
      ).code,
    ];
  });
}

/** Φ(−a) for a ≥ 3. */
export function lowerTail(lib: Library): Func {
  return function64(lib, 'lowerTail', (body, a) => {
    const [fraction, level, high, low, scaled, hi] = body.locals('v128');
    const count = body.local('i32');
    const lo = body.local('v128');
    return [
      set(fraction, a),
      set(level, number(FRACTION_LEVELS)),
      set(count, i32.const(FRACTION_LEVELS)),
      doWhile(
        [
          set(fraction, add(a, div(level, fraction))),
          set(level, sub(level, one)),
          set(count, i32.sub(count, i32.const(1))),
        ],
        count,
      ),
      // a² = hi + lo, as twoProduct gives it.
      set(hi, mul(a, a)),
      set(scaled, mul(number(SPLITTER), a)),
      set(high, sub(scaled, sub(scaled, a))),
      set(low, sub(a, high)),
      set(lo, add(add(add(sub(mul(high, high), hi), mul(high, low)), mul(low, high)), mul(low, low))),
      v128.andnot(
        div(
          mul(callV128(exp(lib), mul(number(-0.5), hi)), sub(one, mul(number(0.5), lo))),
          mul(number(SQRT_2_PI), fraction),
        ),
        f64x2.gt(a, number(TAIL_END)),
      ).code,
    ];
  });
}

/** What is computed in double precision, two elements at a time, and rounded once. */
export function inDouble(functionOf: (lib: Library) => Func): ElementFunction {
  return (lib) => {
    const f = functionOf(lib);
    const rounded = (half: V128): Expr<'v128'> => f32x4.demoteZero(callV128(f, half));
    return (xs) =>
      xs.map((x) => set(x, shuffle32(rounded(f64x2.promoteLow(x)), rounded(promoteHigh(x)), [0, 1, 4, 5])));
  };
}

/** mish(x). */
export const mishf: ElementFunction = inDouble(mish);
