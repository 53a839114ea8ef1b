/**
 * Group norm, if wanted with the SiLU that follows it and straight into the zero-bordered picture that a convolution
 * reads. Repeats definition/group-norm: double sums in eight lanes (lane = index in the group mod 8), halved 4, 2, 1;
 * then y = fround(fround(x · a) + b) with a and b per channel.
 */
import { keyOf } from '../../key.ts';
import { f32, f32x4, f64, f64x2, forRange, i32, increase, set } from '../assembler/index.ts';
import type { Func } from '../assembler/index.ts';
import { at, kernel, type Library } from '../library.ts';
import type { PlaneLayout } from '../memory/planes.ts';
import { parallel } from '../threads/parallel.ts';
import { MORE_AT_ONCE, siluf } from './elementary.ts';
import { laneSum64, square } from './lanes.ts';
import { writePlane } from './plane-writer.ts';

/** Group norm of pictures [B,C,H,W], or of anything [B,C,…] as pictures of one row. */
export interface GroupNormSpec {
  readonly batch: number;
  readonly channels: number;
  readonly groups: number;
  readonly height: number;
  readonly width: number;
  readonly eps: number;
  /** Whether SiLU follows. */
  readonly silu: boolean;
  /** Bytes from a sample of the input to the next. */
  readonly inBatchStride: number;
  /** Where the result goes: like the input, or into a picture with a border or with its planes apart. */
  readonly out: PlaneLayout;
}

/** The kernel of (thread, counters, x, weight, bias, out). */
export function groupNormKernel(lib: Library, spec: GroupNormSpec): Func {
  const { batch, channels, groups, height, width, out } = spec;
  const pixels = height * width;
  const perGroup = channels / groups;
  const size = perGroup * pixels;

  return kernel(lib, `groupNorm${keyOf(spec)}`, 4, (body) => {
    const [x0, weight, bias, out0] = body.pointers;
    const [b, first, channel, x, y] = body.locals('i32');
    const [mean, rstd, a] = [body.local('f64'), body.local('f64'), body.local('f32')];
    const [scale, shift, meanVector, deviation] = body.locals('v128');
    const sum = laneSum64(body, size);

    return parallel(lib, body, batch * groups, (unit) => [
      set(b, i32.divU(unit, i32.const(groups))),
      set(first, i32.mul(i32.remU(unit, i32.const(groups)), i32.const(perGroup))),
      set(x, at(at(x0, b, spec.inBatchStride), first, 4 * pixels)),
      sum([x], ([v]) => v, mean),
      set(mean, f64.div(mean, f64.const(size))),
      set(meanVector, f64x2.splat(mean)),
      sum([x], ([v]) => square(deviation, f64x2.sub(v, meanVector)), rstd),
      set(rstd, f64.div(f64.const(1), f64.sqrt(f64.add(f64.div(rstd, f64.const(size)), f64.const(spec.eps))))),
      set(y, at(at(out0, b, out.batchStride), first, out.planeStride)),
      forRange(channel, first, i32.add(first, i32.const(perGroup)), 1, [
        set(a, f32.demote(f64.mul(rstd, f64.promote(f32.load(at(weight, channel, 4)))))),
        set(scale, f32x4.splat(a)),
        set(
          shift,
          f32x4.splat(f32.demote(f64.sub(f64.promote(f32.load(at(bias, channel, 4))), f64.mul(mean, f64.promote(a))))),
        ),
        writePlane(body, {
          x,
          y,
          height,
          width,
          layout: out,
          atOnce: spec.silu ? MORE_AT_ONCE : 1,
          compute: (values) => [
            values.map((value) => set(value, f32x4.add(f32x4.mul(value, scale), shift))),
            spec.silu ? siluf(body, values, lib.panel / 8) : [],
          ],
        }),
        increase(x, 4 * pixels),
        increase(y, out.planeStride),
      ]),
    ]);
  });
}
