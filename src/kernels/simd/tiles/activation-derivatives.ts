/**
 * The derivatives of the activation functions, repeating src/tensor/math/activation-derivatives: SiLU's on four floats
 * at a time, the others in double precision, two at a time. Where a definition branches, both ways are computed and one
 * is selected.
 */
import { LOWER_TAIL, MISH_LINEAR, SQRT_2_PI } from '../../../tensor/math/activations.ts';
import { QUICK_GELU } from '../../../tensor/math/index.ts';
import { callV128, f32x4, f64x2, set, v128, when } from '../assembler/index.ts';
import type { Body, Code, Expr, Func, Local, V128 } from '../assembler/index.ts';
import type { Library } from '../library.ts';
import { erf, exp, function64, inDouble, lowerTail } from './activations.ts';
import { expf, type ActivationFunctions } from './elementary.ts';

const { add, mul, div, neg, const: number } = f64x2;
const one = number(1);

/** Code for x = siluDerivativef(x), for each x: s (1 + x (1 − s)), s = 1 / (1 + expf(−x)). */
export function siluDerivativef(body: Body, xs: readonly Local<'v128'>[]): Code {
  const shares = xs.map(() => body.local('v128'));
  const oneFloat = f32x4.const(1);
  return [
    shares.map((s, i) => set(s, f32x4.neg(xs[i]))),
    expf(body, shares),
    shares.map((s) => set(s, f32x4.div(oneFloat, f32x4.add(oneFloat, s)))),
    xs.map((x, i) => set(x, f32x4.mul(shares[i], f32x4.add(oneFloat, f32x4.mul(x, f32x4.sub(oneFloat, shares[i])))))),
  ];
}

/** Code for x = 1 where x > 0, else 0; NaN stays. */
function reluDerivativef(x: Local<'v128'>): Code {
  return set(x, v128.select(x, v128.and(f32x4.gt(x, f32x4.const(0)), f32x4.const(1)), f32x4.ne(x, x)));
}

function sigmoid(lib: Library, x: V128): Expr<'v128'> {
  return div(one, add(one, callV128(exp(lib), neg(x))));
}

function quickGeluDerivative(lib: Library): Func {
  return function64(lib, 'quickGeluDerivative', (body, x) => {
    const s = body.local('v128');
    return [
      set(x, mul(number(QUICK_GELU), x)),
      set(s, sigmoid(lib, x)),
      mul(s, add(one, mul(x, sigmoid(lib, neg(x))))).code,
    ];
  });
}

function geluDerivative(lib: Library): Func {
  return function64(lib, 'geluDerivative', (body, x) => {
    const [below, inTail] = body.locals('v128');
    return [
      set(below, mul(number(0.5), add(one, callV128(erf(lib), mul(x, number(Math.SQRT1_2)))))),
      set(inTail, f64x2.lt(x, number(LOWER_TAIL))),
      when(v128.anyTrue(inTail), set(below, v128.select(callV128(lowerTail(lib), neg(x)), below, inTail))),
      add(below, div(mul(x, callV128(exp(lib), mul(mul(number(-0.5), x), x))), number(SQRT_2_PI))).code,
    ];
  });
}

function mishDerivative(lib: Library): Func {
  return function64(lib, 'mishDerivative', (body, x) => {
    const [e, n, more] = body.locals('v128');
    return [
      set(e, callV128(exp(lib), x)),
      set(n, mul(e, add(e, number(2)))),
      set(more, add(n, number(2))),
      set(n, add(div(n, more), div(mul(mul(mul(x, number(4)), e), add(e, one)), mul(more, more)))),
      v128.select(one, n, f64x2.gt(x, number(MISH_LINEAR))).code,
    ];
  });
}

/** The derivatives of the activation functions that have kernels. */
export const activationDerivatives: ActivationFunctions = {
  silu: (_lib, body) => (xs) => siluDerivativef(body, xs),
  relu: () => (xs) => xs.map(reluDerivativef),
  gelu: inDouble(geluDerivative),
  mish: inDouble(mishDerivative),
  quick_gelu: inDouble(quickGeluDerivative),
};
