/**
 * GELU, which is defined in double precision and rounded once. Near 0, where most numbers are, a polynomial gives the
 * double with a bound on its error, and nearly always all that lies within the bound rounds to one float: then that is
 * the float of the definition, too. Where it does not, or further out, the definition is repeated operation by
 * operation.
 */
import { LOWER_TAIL } from '../../../tensor/math/activations.ts';
import { callV128, f32x4, f64x2, i32, promoteHigh, set, shuffle32, v128, when } from '../assembler/index.ts';
import type { Func, V128 } from '../assembler/index.ts';
import type { Library } from '../library.ts';
import { CONTROL } from '../memory/control.ts';
import { erf, function64, inDouble, lowerTail } from './activations.ts';
import type { ElementFunction } from './elementary.ts';

const { add, sub, mul, const: number } = f64x2;

/** Φ(x) = ½ + x · p(x² − MIDDLE) for |x| ≤ REACH: p, the highest power first (scripts/minimax/normal.py). */
const POLYNOMIAL = [
  1.2691054874811201e-18, -3.894475651493357e-17, 1.0234577272641963e-15, -2.709242985974798e-14, 6.670258063406097e-13,
  -1.5072132918736914e-11, 3.1143566029967095e-10, -5.840140789145691e-9, 9.849493092973996e-8, -1.4789800579087737e-6,
  1.956162660509629e-5, -0.00022574612424598658, 0.0022702342464058735, -0.020629439978351812, 0.22771316680397166,
] as const;
const MIDDLE = 4.5;
const REACH = 3;
/** Φ errs by less: by 2^−44.5 here, by a few times 2⁻⁵³ in the definition. */
const BOUND = 2 ** -42;

const constants = [...POLYNOMIAL, MIDDLE, 0.5, BOUND];

/** Writes what `geluf` reads: a load takes less of the processor than a constant of V8's. */
export function writeGeluConstants(memory: WebAssembly.Memory): void {
  new Float64Array(memory.buffer, CONTROL.GELU, constants.length).set(constants);
}

const [leading, ...others] = POLYNOMIAL.map((_, k) => constant(k));
const [middle, half, bound] = [0, 1, 2].map((k) => constant(POLYNOMIAL.length + k));

function constant(k: number): V128 {
  return v128.load64Splat(i32.const(CONTROL.GELU), 8 * k);
}

/** Two doubles as they are defined. */
function gelu(lib: Library): Func {
  return function64(lib, 'gelu', (body, x) => {
    const [result, inTail] = body.locals('v128');
    return [
      set(result, mul(mul(number(0.5), x), add(number(1), callV128(erf(lib), mul(x, number(Math.SQRT1_2)))))),
      set(inTail, f64x2.lt(x, number(LOWER_TAIL))),
      when(
        v128.anyTrue(inTail),
        set(result, v128.select(mul(x, callV128(lowerTail(lib), f64x2.neg(x))), result, inTail)),
      ),
      result.code,
    ];
  });
}

const defined = inDouble(gelu);

/** Four floats: near 0 by the polynomial. */
function geluOfFour(lib: Library): Func {
  return lib.func('geluf', { params: ['v128'], results: ['v128'] }, (body) => {
    const [x] = body.params;
    const [factor, result, isSure] = body.locals('v128');
    const halves = [f64x2.promoteLow(x), promoteHigh(x)].map((value) => {
      const [number, w, p, error] = body.locals('v128');
      return { value, number, w, p, error };
    });
    const rounded = (of: (part: (typeof halves)[number]) => V128): V128 => {
      const [low, high] = halves.map((part) => f32x4.demoteZero(of(part)));
      return shuffle32(low, high, [0, 1, 4, 5]);
    };
    return [
      halves.map(({ value, number, w, p }) => [
        set(number, value),
        set(w, sub(mul(number, number), middle)),
        set(p, leading),
      ]),
      others.map((coefficient) => [set(factor, coefficient), halves.map(({ w, p }) => set(p, add(mul(p, w), factor)))]),
      halves.map(({ number, p, error }) => [
        set(p, mul(number, add(half, mul(number, p)))),
        set(error, mul(f64x2.abs(number), bound)),
      ]),
      set(
        result,
        rounded(({ p }) => p),
      ),
      set(
        isSure,
        f32x4.eq(
          rounded(({ p, error }) => sub(p, error)),
          rounded(({ p, error }) => add(p, error)),
        ),
      ),
      set(isSure, v128.and(isSure, f32x4.le(f32x4.abs(x), f32x4.const(REACH)))),
      when(v128.anyTrue(v128.not(isSure)), [defined(lib, body)([x]), set(result, x)]),
      result.code,
    ];
  });
}

/** gelu(x). The memory has `writeErfTable` and `writeGeluConstants`. */
export const geluf: ElementFunction = (lib) => {
  const ofFour = geluOfFour(lib);
  return (xs) => xs.map((x) => set(x, callV128(ofFour, x)));
};
