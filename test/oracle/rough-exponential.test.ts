import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { bank } from '../../src/oracle/faults/bank.ts';
import { findingsOf } from '../../src/oracle/findings.ts';
import { singleActivation, singleSoftmaxRows } from '../../src/oracle/honest/single-steps.ts';
import type { Implementation } from '../../src/oracle/implementation.ts';
import { roughExponential } from '../../src/oracle/rough-exponential.ts';
import { loadCase } from './cases.ts';
import { checkerOf, fileOf, heldOut, outputOf, port } from './ports.ts';

const f32 = Math.fround;
const honest = port(heldOut['runs of 16']!);

function withExponential(exp: (x: number) => number): Implementation {
  const activation = singleActivation({ exp, erf: () => NaN });
  return {
    ...honest,
    kernels: {
      ...honest.kernels,
      activation: (x, kind) => (kind === 'silu' ? activation(x, kind) : honest.kernels.activation(x, kind)),
      softmax(x) {
        const data = Float32Array.from(x.data);
        singleSoftmaxRows(data, x.shape.at(-1) ?? 1, exp);
        return { ...x, data };
      },
    },
  };
}

/** 2^k times a polynomial of the rest. */
const byPolynomial = (terms: readonly number[]) => (x: number) => {
  const [power, k] = [x * Math.LOG2E, Math.floor(x * Math.LOG2E)];
  return f32(2 ** k * terms.reduceRight((sum, term) => sum * (power - k) + term, 0));
};

/** Schraudolph 1999: the bits of a float are nearly its logarithm. */
function byBits(x: number): number {
  const bits = new Int32Array(1);
  bits[0] = Math.max(0, Math.trunc((x * Math.LOG2E + 126.94269504) * 2 ** 23));
  return new Float32Array(bits.buffer)[0]!;
}

const approximations: Readonly<Record<string, (x: number) => number>> = {
  'by the bits of a float': byBits,
  'by a square': byPolynomial([1, 0.6565, 0.3435]),
  'by a cube': byPolynomial([1, 0.69583, 0.22606, 0.07811]),
  'by a fifth power': byPolynomial([1, 0.69304, 0.24023, 0.0559, 0.00877]),
};

describe.each(['operations/softmax', 'operations/activation'])('%s', async (name) => {
  const one = await loadCase(name);
  const check = checkerOf(one);
  const said = (implementation: Implementation, only?: readonly string[]): string => {
    const file = fileOf(outputOf(one, implementation));
    return findingsOf(check(file, only), file).sentences.join(' ');
  };

  it.each(Object.entries(approximations))('an exponential %s is seen', (_, exp) => {
    expect(said(withExponential(exp))).toMatch(/Your eˣ has a relative error of up to \de-\d/);
  });

  it('an honest one is none, and no mistake of the bank is one', () => {
    const rough = (tensors: Readonly<Record<string, Tensor>>): readonly string[] =>
      Object.entries(tensors).flatMap(([probe, found]) => {
        return roughExponential(one, probe, found) === undefined ? [] : [probe];
      });
    expect(rough(outputOf(one, honest))).toEqual([]);
    for (const fault of bank) {
      expect(rough(outputOf(one, fault.apply(honest))), fault.name).toEqual([]);
    }
  });
});
