/** Operations that treat every element alike: definition/elementwise and activation, four elements at a time. */
import { keyOf } from '../../key.ts';
import { atMost, f32, f32x4, forRange, i32, set, v128, when } from '../assembler/index.ts';
import type { Body, Code, Func, Local, V128 } from '../assembler/index.ts';
import { at, kernel, type Library } from '../library.ts';
import { parallel } from '../threads/parallel.ts';
import { AT_ONCE, type ElementFunction } from './elementary.ts';
import { storeLanes } from './vectors.ts';

/** What is done to an element, or to the elements of two tensors. */
export type MapOperation =
  | { readonly kind: 'add' | 'subtract' | 'multiply' }
  | { readonly kind: 'affine'; readonly factor: number; readonly offset: number }
  | { readonly kind: 'divide'; readonly divisor: number }
  /** Of the elements of the first tensor; `times` those of the second one. The name stands for the code in keys. */
  | { readonly kind: 'function'; readonly name: string; readonly code: ElementFunction; readonly times: boolean }
  | { readonly kind: 'copy' };

/** An operation on all elements of one tensor, or of two. */
export interface MapSpec {
  readonly operation: MapOperation;
  readonly batch: number;
  /** A sample is `planes` runs of `size` elements. A spread operand has one number for each run. */
  readonly planes: number;
  readonly size: number;
  /** Bytes between samples. */
  readonly aStride: number;
  /** The second operand, if there is one: of the first one's shape, or `spread`. */
  readonly b?: { readonly stride: number; readonly spread: boolean };
  readonly outStride: number;
}

/** Elements that a unit of work handles at most. */
const CHUNK = 8192;

/** Code for value = operation(value, other), for each of the values. */
type Apply = (values: readonly Local<'v128'>[], others: readonly V128[]) => Code;

function each(code: (value: Local<'v128'>, other: V128) => Code): Apply {
  return (values, others) => values.map((value, i) => code(value, others[i]));
}

const multiply = each((value, other) => set(value, f32x4.mul(value, other)));

function operate(operation: MapOperation, lib: Library, body: Body): Apply {
  switch (operation.kind) {
    case 'add':
      return each((value, other) => set(value, f32x4.add(value, other)));
    case 'subtract':
      return each((value, other) => set(value, f32x4.sub(value, other)));
    case 'multiply':
      return multiply;
    case 'affine': {
      const [factor, offset] = [f32x4.const(operation.factor), f32x4.const(operation.offset)];
      return each((value) => set(value, f32x4.add(f32x4.mul(value, factor), offset)));
    }
    case 'divide':
      return each((value) => set(value, f32x4.div(value, f32x4.const(operation.divisor))));
    case 'function': {
      const calculate = operation.code(lib, body);
      return (values, others) => [calculate(values), operation.times ? multiply(values, others) : []];
    }
    case 'copy':
      return () => [];
  }
}

/** The kernel of (thread, counters, a, out) or (thread, counters, a, b, out). */
export function mapKernel(lib: Library, spec: MapSpec): Func {
  const { batch, b: second } = spec;
  const spread = second?.spread === true;
  // Without a spread operand a sample is one run.
  const planes = spread ? spec.planes : 1;
  const size = spread ? spec.size : spec.planes * spec.size;
  const chunks = Math.ceil(size / CHUNK);

  return kernel(lib, `map${keyOf(spec)}`, second ? 3 : 2, (body) => {
    const [a0, b0] = body.pointers;
    const out0 = body.pointers[body.pointers.length - 1];
    const [sample, plane, offset, end, a, b, out] = body.locals('i32');
    // Variables: an engine that joins vectors sees neighbours only in offsets from one and the same.
    const [from, fromSecond, to] = body.locals('i32');
    const number = body.local('v128');
    const values = Array.from({ length: AT_ONCE }, () => body.local('v128'));
    const apply = operate(spec.operation, lib, body);
    const toSecond = ({ stride }: { readonly stride: number }): Code =>
      spread
        ? set(number, f32x4.splat(f32.load(at(at(b0, sample, stride), plane, 4))))
        : set(b, at(b0, sample, stride));
    /** From `offset` on, `count` vectors; what `store` does with each. */
    const compute = (count: number, store: (value: Local<'v128'>, place: number) => Code): Code => {
      const some = values.slice(0, count);
      const others = some.map((_, i) => (spread ? number : v128.load(fromSecond, 16 * i)));
      return [
        [set(from, i32.add(a, offset)), set(to, i32.add(out, offset))],
        second && !spread ? set(fromSecond, i32.add(b, offset)) : [],
        some.map((value, i) => set(value, v128.load(from, 16 * i))),
        apply(some, others),
        some.map((value, i) => store(value, 16 * i)),
      ];
    };
    const storeWhole = (value: Local<'v128'>, place: number): Code => v128.store(to, value, place);
    const whole = i32.const(4 * (size - (size % 4)));
    return parallel(lib, body, batch * planes * chunks, (unit) => [
      set(plane, i32.remU(i32.divU(unit, i32.const(chunks)), i32.const(planes))),
      set(sample, i32.divU(unit, i32.const(chunks * planes))),
      set(a, at(at(a0, sample, spec.aStride), plane, 4 * size)),
      set(out, at(at(out0, sample, spec.outStride), plane, 4 * size)),
      second ? toSecond(second) : [],
      set(offset, i32.mul(i32.remU(unit, i32.const(chunks)), i32.const(4 * CHUNK))),
      set(end, i32.add(offset, i32.const(4 * CHUNK))),
      atMost(end, whole),
      set(end, i32.sub(end, i32.const(16 * (AT_ONCE - 1)))),
      forRange(offset, offset, end, 16 * AT_ONCE, compute(AT_ONCE, storeWhole)),
      set(end, i32.add(end, i32.const(16 * (AT_ONCE - 1)))),
      forRange(offset, offset, end, 16, compute(1, storeWhole)),
      size % 4 === 0
        ? []
        : when(
            i32.eq(offset, whole),
            compute(1, (value) => storeLanes(to, value, size % 4)),
          ),
    ]);
  });
}
