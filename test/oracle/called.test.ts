/** A fault in a function that is not called changes nothing: with and without the short cut there is one trace. */
import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/tensor/errors.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { differing, noting } from '../../src/oracle/called.ts';
import type { Case } from '../../src/oracle/case.ts';
import { faultyTraces, rememberedTraces, type FaultyTraces } from '../../src/oracle/diagnosis.ts';
import { bank } from '../../src/oracle/faults/bank.ts';
import type { Fault } from '../../src/oracle/faults/fault.ts';
import { formats } from '../../src/oracle/honest/format.ts';
import { reference } from '../../src/oracle/implementation.ts';
import { exact, traceCase, type Trace } from '../../src/oracle/trace.ts';
import { loadCase } from './cases.ts';

/** Computed whatever the faults are. */
function alone(one: Case, names: ReadonlySet<string>, faults: readonly Fault[]): Trace | undefined {
  const implementation = faults.reduce((changed, fault) => fault.apply(changed), reference);
  try {
    return traceCase(one, implementation, exact, { names, apart: true });
  } catch (error) {
    if (error instanceof RangeError || error instanceof InputError) return undefined;
    throw error;
  }
}

describe('a trace with faults', () => {
  it.each(['layers/attention', 'guidances/rescaled', 'gradients/adamw', 'schedulers/ddim-eta'])(
    'is that of all its computations: %s',
    async (name) => {
      const one = await loadCase(name);
      const names = new Set(one.expected.keys());
      const traces = faultyTraces(one, formats.f32, names);
      for (const fault of bank.filter((_, i) => i % 4 === 0))
        expect(traces.of([fault]), fault.name).toEqual(alone(one, names, [fault]));
      const [first, second, third] = [bank[0], bank[60], bank[120]] as [Fault, Fault, Fault];
      for (const faults of [[], [first, second], [first, second, third], [first, third]])
        expect(traces.of(faults)).toEqual(alone(one, names, faults));
    },
  );
});

describe('calls', () => {
  it('are noted by name, where they are made and not where they are handed on', () => {
    const [implementation, called] = noting(reference);
    const { add, ...others } = implementation.kernels;
    const x = tensor('f32', [2], Float32Array.of(1, 2));
    expect(called).toEqual(new Set());
    expect(add(x, x).data).toEqual(Float32Array.of(2, 4));
    expect({ ...others }.affine(x, 2, 0).data).toEqual(Float32Array.of(2, 4));
    expect(implementation.timestep(7)).toBe(7);
    expect(called).toEqual(new Set(['kernels.add', 'kernels.affine', 'timestep']));
  });

  it('differ between implementations where a function is another', () => {
    expect(differing(reference, { ...reference })).toEqual(new Set());
    const other = {
      ...reference,
      timestep: () => 1,
      kernels: { ...reference.kernels, add: reference.kernels.multiply },
    };
    expect(differing(reference, other)).toEqual(new Set(['timestep', 'kernels.add']));
  });
});

describe('remembered traces', () => {
  const values = ['a', 'b', 'c'].map((name) => [name, tensor('f64', [0], new Float64Array())] as const);
  const [fault] = bank as [Fault];
  const counted = () => {
    let count = 0;
    const traces: FaultyTraces = {
      of(_faults, goOn = () => true) {
        count++;
        const stop = values.findIndex(([name, value]) => !goOn(name, value));
        return new Map(stop < 0 ? values : values.slice(0, stop + 1));
      },
    };
    return { traces: rememberedTraces(traces), count: () => count };
  };
  const until = (last: string) => (name: string) => name !== last;

  it('are computed as far as is asked, and once more where more is wanted', () => {
    const { traces, count } = counted();
    const lengths = [until('a'), until('a'), until('b'), until('a'), undefined, until('b'), undefined].map(
      (goOn) => [traces.of([fault], goOn)?.size, count()] as const,
    );
    expect(lengths).toEqual([
      [1, 1],
      [1, 1],
      [3, 2],
      [3, 2],
      [3, 2],
      [3, 2],
      [3, 2],
    ]);
  });

  it('are of single faults: others are computed each time', () => {
    const { traces, count } = counted();
    for (let i = 0; i < 3; i++) traces.of(bank.slice(0, 2));
    expect(count()).toBe(3);
  });
});
