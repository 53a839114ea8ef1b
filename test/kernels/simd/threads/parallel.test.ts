/** How a step's units are shared: each is done once, whatever the others have taken. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { call, i32 } from '../../../../src/kernels/simd/assembler/index.ts';
import { kernel, library } from '../../../../src/kernels/simd/library.ts';
import { CONTROL } from '../../../../src/kernels/simd/memory/control.ts';
import { parallel, wantedUnits } from '../../../../src/kernels/simd/threads/parallel.ts';

/** Pieces that others have taken and done. */
interface Taken {
  readonly front: number;
  readonly end: number;
}

/** The units that one of so many threads does, in their order. */
function unitsOf(threads: number, thread: number, units: number, { front, end }: Taken): readonly number[] {
  const limits = { shared: true, minimum: 1, maximum: 1 };
  const lib = library(limits, { threads, fma: false, panel: 8 });
  const host = lib.module.importFunc('host', { params: ['i32'], results: [] });
  const step = kernel(lib, 'step', 0, (body) => parallel(lib, body, units, (unit) => call(host, unit)));
  const code = ({ params: [number] }: { params: readonly [Parameters<typeof call>[1]] }) =>
    call(step, number, i32.const(CONTROL.COUNTERS));
  lib.module.func({ params: ['i32'], results: [] }, code, 'run');
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  new Int32Array(memory.buffer, CONTROL.COUNTERS, 2).set([front + 2 ** 16 * end, front + end]);
  const done: number[] = [];
  const env = { memory, host: (unit: number) => done.push(unit) };
  const { run } = new WebAssembly.Instance(new WebAssembly.Module(lib.module.build()), { env }).exports;
  (run as (thread: number) => void)(thread);
  return done;
}

const range = (from: number, to: number): readonly number[] => Array.from({ length: to - from }, (_, i) => from + i);
const threadOf = fc
  .integer({ min: 2, max: 9 })
  .chain((threads) => fc.record({ threads: fc.constant(threads), thread: fc.integer({ min: 0, max: threads - 1 }) }));

test('a thread that is alone does all units, each once', () => {
  fc.assert(
    fc.property(threadOf, fc.integer({ min: 0, max: 3000 }), ({ threads, thread }, units) => {
      const done = unitsOf(threads, thread, units, { front: 0, end: 0 });
      expect([...done].sort((a, b) => a - b)).toEqual(range(0, units));
    }),
  );
});

test('a thread does what others have left between the ends', () => {
  const taken = fc.record({ front: fc.integer({ min: 0, max: 24 }), end: fc.integer({ min: 0, max: 24 }) });
  fc.assert(
    // So few units are pieces of their own.
    fc.property(threadOf, taken, fc.integer({ min: 0, max: 24 }), ({ threads, thread }, { front, end }, left) => {
      const units = Math.min(24 * threads, front + left + end);
      const others = { front: Math.min(front, units), end: Math.min(end, units - Math.min(front, units)) };
      const done = unitsOf(threads, thread, units, others);
      expect([...done].sort((a, b) => a - b)).toEqual(range(others.front, units - others.end));
    }),
  );
});

test('every other thread begins at the end', () => {
  const all = { front: 0, end: 0 };
  expect(unitsOf(2, 0, 48, all)[0]).toBe(0);
  expect(unitsOf(2, 1, 48, all)).toContain(47);
  expect(unitsOf(2, 1, 48, all).indexOf(47)).toBeLessThan(12);
});

test('a step has units for all threads, and more where there is work for them', () => {
  const unitsFor = (threads: number, work: number): number =>
    wantedUnits(library({ shared: true, minimum: 1, maximum: 1 }, { threads, fma: false, panel: 8 }), work);
  expect(unitsFor(1, 1e12)).toBe(1);
  expect(unitsFor(3, 1)).toBe(3);
  expect(unitsFor(2, 10 * 2 ** 20)).toBe(10);
  expect(unitsFor(2, 1e12)).toBe(48);
});
