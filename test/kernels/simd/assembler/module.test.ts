/** Code made and run: expressions, statements, functions and modules. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  call,
  callI32,
  doWhile,
  f32,
  f32x4,
  f64,
  forRange,
  i32,
  i32x4,
  increase,
  moduleBuilder,
  promoteHigh,
  set,
  shuffle32,
  tee,
  v128,
  when,
  whileLoop,
} from '../../../../src/kernels/simd/assembler/index.ts';
import type { Body, Code, Local, Signature, ValueType } from '../../../../src/kernels/simd/assembler/index.ts';

const memoryImport = { shared: false, minimum: 1, maximum: 1 };
/** The type of a function with so many integers as parameters. */
const takesI32 = (count: number, results: readonly ValueType[] = []): Signature<readonly 'i32'[]> => ({
  params: Array.from({ length: count }, () => 'i32' as const),
  results,
});

/** Instantiates a module with one exported function `f`. */
function build(signature: Signature<readonly 'i32'[]>, write: (body: Body<readonly 'i32'[]>) => Code) {
  const module = moduleBuilder(memoryImport);
  module.func(signature, write, 'f');
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const { f } = new WebAssembly.Instance(new WebAssembly.Module(module.build()), { env: { memory } }).exports as {
    f: (...args: number[]) => number;
  };
  return { f, floats: new Float32Array(memory.buffer), ints: new Int32Array(memory.buffer) };
}

describe('code', () => {
  test('integers: constants of every size, arithmetic, memory', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (a, b) => {
        const { f, ints } = build(takesI32(1, ['i32']), ({ params: [x] }) => [
          i32.store(i32.const(8), i32.sub(i32.mul(x, i32.const(b)), i32.const(3))),
          i32.add(i32.load(i32.const(4), 4), x).code,
        ]);
        expect(f(a)).toBe((Math.imul(a, b) - 3 + a) | 0);
        expect(ints[2]).toBe((Math.imul(a, b) - 3) | 0);
      }),
      { numRuns: 30 },
    );
  });

  test('loops and conditions', () => {
    const { f } = build(takesI32(1, ['i32']), (body) => {
      const [n] = body.params;
      const [i, even, odd] = [body.local('i32'), body.local('i32'), body.local('i32')];
      return [
        forRange(i, i32.const(0), n, 1, when(i32.and(i, i32.const(1)), increase(odd, 1), increase(even, i))),
        set(i, i32.const(0)),
        doWhile(increase(i, 1), i32.ltS(i, i32.const(5))),
        whileLoop(i32.gtS(i, i32.const(2)), increase(i, -1)),
        i32.add(i32.add(i32.mul(even, i32.const(100)), odd), i32.mul(i, i32.const(1000000))).code,
      ];
    });
    expect(f(7)).toBe(2001203);
    expect(f(0)).toBe(2000000);
  });

  test('floats: vectors, shuffles, lanes, doubles', () => {
    const { f, floats } = build(takesI32(0), (body) => {
      const a = body.local('v128');
      return [
        set(a, v128.load(i32.const(0))),
        v128.store(i32.const(0), f32x4.add(f32x4.mul(a, v128.load32Splat(i32.const(4))), f32x4.const(0.5)), 64),
        v128.store(i32.const(80), shuffle32(a, f32x4.const(9), [3, 4, 0, 1])),
        f32.store(i32.const(96), f32.demote(f64.sqrt(f64.const(2)))),
        v128.store32Lane(i32.const(100), a, 2),
        v128.store(i32.const(112), f32x4.demoteZero(promoteHigh(a))),
        v128.store(i32.const(128), v128.select(a, f32x4.neg(a), i32x4.gtS(v128.const(1, 0, 1, 0), i32x4.const(0)))),
      ];
    });
    floats.set([1, 2, 3, 4]);
    f();
    expect([...floats.subarray(16, 26)]).toEqual([2.5, 4.5, 6.5, 8.5, 4, 9, 1, 2, Math.fround(Math.SQRT2), 3]);
    expect([...floats.subarray(28, 36)]).toEqual([3, 4, 0, 0, 1, -2, 3, -4]);
  });

  test('functions call one another', () => {
    const module = moduleBuilder(memoryImport);
    const twice = module.func(takesI32(1, ['i32']), ({ params: [x] }) => i32.shl(x, i32.const(1)).code);
    const keep = module.func(takesI32(2), ({ params: [address, value] }) => i32.store(address, value));
    module.func(
      takesI32(1, ['i32']),
      (body) => {
        const y = body.local('i32');
        return [call(keep, i32.const(16), tee(y, callI32(twice, body.params[0]))), callI32(twice, y).code];
      },
      'f',
    );
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    const { f } = new WebAssembly.Instance(new WebAssembly.Module(module.build()), { env: { memory } }).exports as {
      f: (x: number) => number;
    };
    expect(f(21)).toBe(84);
    expect(new Int32Array(memory.buffer)[4]).toBe(42);
    expect(() => call(keep, i32.const(0))).toThrow('passes (i32) to a function of (i32, i32)');
    expect(() => call(twice, i32.const(0))).toThrow('result');
  });

  test('imports come first, parameters have their types', () => {
    const module = moduleBuilder(memoryImport);
    module.func({ params: ['f32', 'i32'], results: [] }, ({ params: [x, address] }) => {
      const number: Local<'f32'> = x;
      // @ts-expect-error an integer is no vector
      const vector: Local<'v128'> = address;
      expect([number.type, vector.type]).toEqual(['f32', 'i32']);
      return f32.store(address, number);
    });
    expect(() => module.importFunc('late', takesI32(0))).toThrow('must come before');
    expect(WebAssembly.validate(module.build())).toBe(true);
  });

  test('locals come in any number, each its own', () => {
    const { f } = build(takesI32(1, ['i32']), (body) => {
      const [a, b] = body.locals('i32');
      const [c] = body.locals('i32');
      return [set(a, body.params[0]), set(b, i32.const(10)), set(c, i32.const(100)), i32.add(i32.add(a, b), c).code];
    });
    expect(f(1)).toBe(111);
  });
});
