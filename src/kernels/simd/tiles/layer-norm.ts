/** Layer norm. Repeats definition/layer-norm; a unit of work is one row. */
import { keyOf } from '../../key.ts';
import { f32x4, f64, f64x2, forRange, i32, promoteHigh, set, shuffle64, v128 } from '../assembler/index.ts';
import type { Code, Func, V128 } from '../assembler/index.ts';
import { at, kernel, type Library } from '../library.ts';
import { parallel } from '../threads/parallel.ts';
import { laneSum64, square } from './lanes.ts';
import type { RowsSpec } from './softmax.ts';
import { storeLanes } from './vectors.ts';

/** `eps` is added to the variance. */
export interface LayerNormSpec extends RowsSpec {
  readonly eps: number;
}

/**
 * The kernel of (thread, counters, x, weight, bias, out): y = fround(fround((x − mean) · rstd) · weight) + bias, mean
 * and rstd in double.
 */
export function layerNormKernel(lib: Library, { rows, size, eps }: LayerNormSpec): Func {
  return kernel(lib, `layerNorm${keyOf([rows, size, eps])}`, 4, (body) => {
    const [x0, weight, bias, out0] = body.pointers;
    const [x, out, offset] = body.locals('i32');
    const [mean, rstd] = body.locals('f64');
    const [means, rstds, value, deviation] = body.locals('v128');
    const sum = laneSum64(body, size);
    const whole = size - (size % 4);
    const normed = (pair: V128): V128 => f32x4.demoteZero(f64x2.mul(f64x2.sub(pair, means), rstds));
    const compute: Code = [
      set(value, v128.load(i32.add(x, offset))),
      set(value, shuffle64(normed(f64x2.promoteLow(value)), normed(promoteHigh(value)), [0, 2])),
      set(value, f32x4.add(f32x4.mul(value, v128.load(i32.add(weight, offset))), v128.load(i32.add(bias, offset)))),
    ];
    return parallel(lib, body, rows, (row) => [
      set(x, at(x0, row, 4 * size)),
      set(out, at(out0, row, 4 * size)),
      sum([x], ([v]) => v, mean),
      set(mean, f64.div(mean, f64.const(size))),
      set(means, f64x2.splat(mean)),
      sum([x], ([v]) => square(deviation, f64x2.sub(v, means)), rstd),
      set(rstd, f64.div(f64.const(1), f64.sqrt(f64.add(f64.div(rstd, f64.const(size)), f64.const(eps))))),
      set(rstds, f64x2.splat(rstd)),
      forRange(offset, i32.const(0), i32.const(4 * whole), 16, [compute, v128.store(i32.add(out, offset), value)]),
      size % 4 === 0 ? [] : [compute, storeLanes(i32.add(out, offset), value, size % 4)],
    ]);
  });
}
