/** exp and the activation functions on four floats at a time, repeating src/tensor/math operation by operation. */
import { EXPF } from '../../tensor/math/expf.ts';
import { f32x4, i32, i32x4, set, v128 } from './assembler.ts';
import type { Body, Code, Local, V128 } from './assembler.ts';

const roundingBits = new Int32Array(new Float32Array([EXPF.ROUNDER]).buffer)[0]!;

/** 2ⁿ from the integers n, which must be the exponents of normal floats: n + 127 moved into the exponent's bits. */
function powerOfTwo(n: V128): V128 {
  return i32x4.shl(i32x4.add(n, i32x4.const(127)), i32.const(23));
}

/** Returns code for x = expf(x). */
export function expf(body: Body): (x: Local<'v128'>) => Code {
  const shifted = body.local('v128');
  const n = body.local('v128');
  const r = body.local('v128');
  const q = body.local('v128');
  const half = body.local('v128');
  const constant = f32x4.const;
  const { add, sub, mul } = f32x4;
  const [highest, ...rest] = EXPF.POLYNOMIAL;
  return (x) => [
    // pmax(x, l) is x < l ? l : x, which lets NaN through as the comparisons of the definition do.
    set(x, f32x4.pmin(f32x4.pmax(x, constant(EXPF.LOWEST)), constant(EXPF.HIGHEST))),
    set(shifted, add(mul(x, constant(EXPF.LOG2_E)), constant(EXPF.ROUNDER))),
    set(n, sub(shifted, constant(EXPF.ROUNDER))),
    set(r, sub(sub(x, mul(n, constant(EXPF.LN2_HIGH))), mul(n, constant(EXPF.LN2_LOW)))),
    set(q, constant(highest)),
    rest.map((coefficient) => set(q, add(mul(q, r), constant(coefficient)))),
    set(x, add(constant(1), add(r, mul(mul(r, r), q)))),
    // The rounder's last bit is worth 1, so n as an integer is the distance of the bit patterns.
    set(n, i32x4.sub(shifted, i32x4.const(roundingBits))),
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
    set(x, f32x4.div(x, f32x4.add(f32x4.const(1), e))),
  ];
}

/** Returns code for x = max(x, 0): x where x > 0 or x is NaN, else +0. */
export function reluf(): (x: Local<'v128'>) => Code {
  return (x) => set(x, v128.andnot(x, f32x4.le(x, f32x4.const(0))));
}
