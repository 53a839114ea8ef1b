/**
 * The way back through a group norm. Repeats definition/group-norm-gradient: all in double precision, sums in eight
 * lanes, and one rounding at the end.
 */
import { keyOf } from '../../key.ts';
import { f32x4, f64, f64x2, forRange, i32, promoteHigh, set, shuffle32, v128 } from '../assembler/index.ts';
import type { Code, Func, V128 } from '../assembler/index.ts';
import { at, kernel, type Library } from '../library.ts';
import { parallel } from '../threads/parallel.ts';
import { laneSum64, square } from './lanes.ts';
import { storeLanes } from './vectors.ts';

/** Groups of `size` numbers. */
export interface GroupNormGradientSpec {
  readonly batch: number;
  readonly groups: number;
  readonly size: number;
  readonly eps: number;
  /** Bytes from a sample of x, of the gradient and of the result to the next. */
  readonly xStride: number;
  readonly gradientStride: number;
  readonly outStride: number;
}

/** The kernel of (thread, counters, x, gradient, out). */
export function groupNormGradientKernel(lib: Library, spec: GroupNormGradientSpec): Func {
  const { batch, groups, size, eps } = spec;
  return kernel(lib, `groupNormGradient${keyOf(spec)}`, 3, (body) => {
    const [x0, gradient0, out0] = body.pointers;
    const [b, group, x, gradient, out, offset] = body.locals('i32');
    const [mean, inverse, shift, stretch] = [0, 1, 2, 3].map(() => body.local('f64'));
    const [means, inverses, shifts, stretches, deviation, low, high] = body.locals('v128');
    const sum = laneSum64(body, size);
    const each = f64.const(size);
    const normed = (v: V128): V128 => f64x2.mul(f64x2.sub(v, means), inverses);
    /** Two results from two numbers and their gradients. */
    const back = (v: V128, g: V128): V128 =>
      f64x2.mul(f64x2.sub(f64x2.sub(g, shifts), f64x2.mul(normed(v), stretches)), inverses);
    const four: Code = [
      set(low, v128.load(i32.add(x, offset))),
      set(high, v128.load(i32.add(gradient, offset))),
      set(
        low,
        shuffle32(
          f32x4.demoteZero(back(f64x2.promoteLow(low), f64x2.promoteLow(high))),
          f32x4.demoteZero(back(promoteHigh(low), promoteHigh(high))),
          [0, 1, 4, 5],
        ),
      ),
    ];
    const whole = size - (size % 4);
    return parallel(lib, body, batch * groups, (unit) => [
      set(b, i32.divU(unit, i32.const(groups))),
      set(group, i32.remU(unit, i32.const(groups))),
      set(x, at(at(x0, b, spec.xStride), group, 4 * size)),
      set(gradient, at(at(gradient0, b, spec.gradientStride), group, 4 * size)),
      set(out, at(at(out0, b, spec.outStride), group, 4 * size)),
      sum([x], ([v]) => v, mean),
      set(mean, f64.div(mean, each)),
      set(means, f64x2.splat(mean)),
      sum([x], ([v]) => square(deviation, f64x2.sub(v, means)), inverse),
      set(inverse, f64.div(f64.const(1), f64.sqrt(f64.add(f64.div(inverse, each), f64.const(eps))))),
      set(inverses, f64x2.splat(inverse)),
      sum([gradient], ([g]) => g, shift),
      set(shifts, f64x2.splat(f64.div(shift, each))),
      sum([x, gradient], ([v, g]) => f64x2.mul(g, normed(v)), stretch),
      set(stretches, f64x2.splat(f64.div(stretch, each))),
      forRange(offset, i32.const(0), i32.const(4 * whole), 16, [four, v128.store(i32.add(out, offset), low)]),
      size % 4 === 0 ? [] : [four, storeLanes(i32.add(out, offset), low, size % 4)],
    ]);
  });
}
