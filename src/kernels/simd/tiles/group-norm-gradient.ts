/**
 * The way back through a group norm, and through the SiLU behind it if there is one. Repeats
 * definition/group-norm-gradient, whose moments and sums are in double precision, in eight lanes; all that is done to
 * each number is single. A unit of work is one group, which stays in the nearest cache meanwhile.
 */
import { keyOf } from '../../key.ts';
import { f32, f32x4, f64, f64x2, forRange, i32, increase, set, tee, v128 } from '../assembler/index.ts';
import type { Code, F64, Func, Local, V128 } from '../assembler/index.ts';
import { at, kernel, type KernelBody, type Library } from '../library.ts';
import { parallel } from '../threads/parallel.ts';
import { siluDerivativef } from './activation-derivatives.ts';
import { AT_ONCE } from './elementary.ts';
import { laneSum64, laneSums64, square } from './lanes.ts';
import { storeLanes } from './vectors.ts';

/** Which group norm, and what is wanted of it. */
export interface GroupNormGradientSpec {
  readonly batch: number;
  readonly channels: number;
  readonly groups: number;
  /** Numbers of a channel. */
  readonly pixels: number;
  readonly eps: number;
  /** Whether the gradient that is given is that of the SiLU behind the norm. */
  readonly silu: boolean;
  /** Whether the gradient of x is wanted, and not the sums alone. */
  readonly back: boolean;
  /** Bytes from a sample of x, of the gradient and of the result to the next. */
  readonly xStride: number;
  readonly gradientStride: number;
  readonly outStride: number;
}

/** What is known of a group, and where it lies. Addresses move on with the channels. */
interface Group {
  readonly body: KernelBody;
  readonly spec: GroupNormGradientSpec;
  readonly x: Local<'i32'>;
  readonly gradient: Local<'i32'>;
  readonly out: Local<'i32'>;
  /** Of the channel's weight and bias. */
  readonly weight: Local<'i32'>;
  readonly bias: Local<'i32'>;
  readonly mean: Local<'f64'>;
  readonly inverse: Local<'f64'>;
}

/**
 * The kernel of (thread, counters, x, gradient, sums [B,2C], weight, bias, out). What is not wanted is not read: weight
 * and `out` without `back`, the bias without `silu`, which wants `back`.
 */
export function groupNormGradientKernel(lib: Library, spec: GroupNormGradientSpec): Func {
  const { batch, channels, groups, pixels, silu, back } = spec;
  const perGroup = channels / groups;
  const size = perGroup * pixels;
  return kernel(lib, `groupNormGradient${keyOf(spec)}`, 6, (body) => {
    const [x0, gradient0, sums0, weight0, bias0, out0] = body.pointers;
    const [b, first, x, gradient, out, sums, weight, bias] = body.locals('i32');
    const [mean, inverse, shift, stretch] = [0, 1, 2, 3].map(() => body.local('f64'));
    const [means, deviation] = body.locals('v128');
    const sum = laneSum64(body, size);
    const group: Group = { body, spec, x, gradient, out, weight, bias, mean, inverse };
    const start = [
      set(x, at(at(x0, b, spec.xStride), first, 4 * pixels)),
      set(gradient, at(at(gradient0, b, spec.gradientStride), first, 4 * pixels)),
      set(out, at(at(out0, b, spec.outStride), first, 4 * pixels)),
      set(weight, at(weight0, first, 4)),
      set(bias, at(bias0, first, 4)),
    ];
    return parallel(lib, body, batch * groups, (unit) => [
      set(b, i32.divU(unit, i32.const(groups))),
      set(first, i32.mul(i32.remU(unit, i32.const(groups)), i32.const(perGroup))),
      start,
      sum([x], ([v]) => v, mean),
      set(mean, f64.div(mean, f64.const(size))),
      set(means, f64x2.splat(mean)),
      sum([x], ([v]) => square(deviation, f64x2.sub(v, means)), inverse),
      set(inverse, f64.div(f64.const(1), f64.sqrt(f64.add(f64.div(inverse, f64.const(size)), f64.const(spec.eps))))),
      // What comes back through the SiLU waits where the result will be.
      silu ? [throughSilu(group), start, set(gradient, out)] : [],
      set(sums, at(at(sums0, b, 8 * channels), first, 4)),
      channelSums(group, { sums, means, shift, stretch }),
      back ? [start, silu ? set(gradient, out) : [], result(group, f64.div(shift, f64.const(size)), stretch)] : [],
    ]);
  });
}

/** Code for each channel of a group. */
function eachChannel({ body, spec, x, gradient, out, weight, bias }: Group, code: Code): Code {
  const channel = body.local('i32');
  return forRange(channel, i32.const(0), i32.const(spec.channels / spec.groups), 1, [
    code,
    [x, gradient, out].map((address) => increase(address, 4 * spec.pixels)),
    [weight, bias].map((address) => increase(address, 4)),
  ]);
}

/** A channel's vectors at hand, some at once: what they are made of, and what is stored of them. */
interface Vectors {
  readonly ys: readonly Local<'v128'>[];
  readonly x: (i: number) => V128;
  readonly gradient: (i: number) => V128;
}

/** Code that makes all vectors of a channel of `out`: `code` sets some of them at a time. */
function eachVector({ body, spec: { pixels }, x, gradient, out }: Group, code: (vectors: Vectors) => Code): Code {
  const [offset, here, there, target] = body.locals('i32');
  const values = Array.from({ length: AT_ONCE }, () => body.local('v128'));
  const [rest, whole] = [pixels % 4, Math.floor(pixels / 4)];
  const together = whole - (whole % AT_ONCE);
  const some = (count: number, lanes: number): Code => {
    const ys = values.slice(0, count);
    return [
      set(here, i32.add(x, offset)),
      set(there, i32.add(gradient, offset)),
      set(target, i32.add(out, offset)),
      code({ ys, x: (i) => v128.load(here, 16 * i), gradient: (i) => v128.load(there, 16 * i) }),
      ys.map((y, i) => storeLanes(target, y, lanes, 16 * i)),
    ];
  };
  return [
    forRange(offset, i32.const(0), i32.const(16 * together), 16 * AT_ONCE, some(AT_ONCE, 4)),
    forRange(offset, i32.const(16 * together), i32.const(16 * whole), 16, some(1, 4)),
    rest === 0 ? [] : some(1, rest),
  ];
}

/** out = gradient · silu′(y), y the norm's result, as the way there has computed it. */
function throughSilu(group: Group): Code {
  const { body, weight, bias, mean, inverse } = group;
  const [scale, shift] = body.locals('v128');
  const a = body.local('f32');
  return eachChannel(group, [
    set(a, f32.demote(f64.mul(inverse, f64.promote(f32.load(weight))))),
    set(scale, f32x4.splat(a)),
    set(shift, f32x4.splat(f32.demote(f64.sub(f64.promote(f32.load(bias)), f64.mul(mean, f64.promote(a)))))),
    eachVector(group, ({ ys, x, gradient }) => [
      ys.map((y, i) => set(y, f32x4.add(f32x4.mul(x(i), scale), shift))),
      siluDerivativef(body, ys),
      ys.map((y, i) => set(y, f32x4.mul(gradient(i), y))),
    ]),
  ]);
}

/** Where the sums of a group go: to memory, and, times the weights, into one. */
interface Sums {
  readonly sums: Local<'i32'>;
  readonly means: Local<'v128'>;
  readonly shift: Local<'f64'>;
  readonly stretch: Local<'f64'>;
}

/** Σ g · x̂ and Σ g of each channel; with `back` what all of them weigh together, Σ g · (x − mean) and Σ g. */
function channelSums(group: Group, { sums, means, shift, stretch }: Sums): Code {
  const { body, spec, x, gradient, weight, inverse } = group;
  const [ofG, ofProducts] = [body.local('f64'), body.local('f64')];
  const own = body.local('v128');
  const sum = laneSums64(body, spec.pixels, 2);
  const weighted = (total: Local<'f64'>, one: F64): Code =>
    set(total, f64.add(total, f64.mul(one, f64.promote(f32.load(weight)))));
  return [
    [shift, stretch].map((total) => set(total, f64.const(0))),
    eachChannel(group, [
      sum([x, gradient], ([v, g]) => [tee(own, g), f64x2.mul(own, f64x2.sub(v, means))], [ofG, ofProducts]),
      f32.store(sums, f32.demote(f64.mul(ofProducts, inverse))),
      f32.store(sums, f32.demote(ofG), 4 * spec.channels),
      increase(sums, 4),
      spec.back ? [weighted(shift, ofG), weighted(stretch, ofProducts)] : [],
    ]),
  ];
}

/** out = gradient · a + x · b + c. */
function result(group: Group, shift: F64, stretch: Local<'f64'>): Code {
  const { body, spec, weight, mean, inverse } = group;
  const size = (spec.channels / spec.groups) * spec.pixels;
  const [ofG, ofX, ofAll] = body.locals('v128');
  const exact = body.local('f64');
  const negative = (a: F64): F64 => f64.mul(a, f64.const(-1));
  const cube = f64.mul(f64.mul(inverse, inverse), inverse);
  const spread = (a: F64) => f32x4.splat(f32.demote(a));
  return [
    set(exact, negative(f64.mul(cube, f64.div(stretch, f64.const(size))))),
    set(ofX, spread(exact)),
    set(ofAll, spread(f64.sub(negative(f64.mul(inverse, shift)), f64.mul(exact, mean)))),
    eachChannel(group, [
      set(ofG, spread(f64.mul(inverse, f64.promote(f32.load(weight))))),
      eachVector(group, ({ ys, x, gradient }) => [
        ys.map((y, i) => set(y, f32x4.add(f32x4.mul(gradient(i), ofG), f32x4.mul(x(i), ofX)))),
        ys.map((y) => set(y, f32x4.add(y, ofAll))),
      ]),
    ]),
  ];
}
