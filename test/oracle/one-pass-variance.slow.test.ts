/** The variance as E[x²] − E[x]² has other numbers in every order of sums, and is recognised in all of them. */
import { describe, expect, it } from 'vitest';
import { tensor, type Tensor } from '../../src/tensor/tensor.ts';
import { check } from '../../src/oracle/check.ts';
import { bank } from '../../src/oracle/faults/bank.ts';
import { diagnosesOf } from '../../src/oracle/findings.ts';
import { fused, lanes, pairwise, reversed, sequential, type Dot } from '../../src/oracle/honest/dot.ts';
import { hasOnePassVariance } from '../../src/oracle/one-pass-variance.ts';
import { formats } from '../../src/oracle/honest/format.ts';
import { loadCase } from './cases.ts';
import { checkerOf, fileOf, heldOut, outputOf, port } from './ports.ts';

const honest = port(heldOut['runs of 16']);
const f32 = Math.fround;

/** Groups of `size` neighbours normed in one pass, with sums in an order of one's own. */
function normed(
  x: Tensor,
  size: number,
  dot: Dot,
  clamps: boolean,
  eps: number,
  affine: (y: number, i: number) => number,
) {
  const data = new Float32Array(x.data.length);
  const ones = new Float32Array(size).fill(1);
  for (let start = 0; start < data.length; start += size) {
    const mean = f32(dot(x.data, start, ones, 0, size) / size);
    const raw = f32(f32(dot(x.data, start, x.data, start, size) / size) - f32(mean * mean));
    const variance = clamps ? Math.max(0, raw) : raw;
    const inverse = f32(1 / f32(Math.sqrt(f32(variance + eps))));
    for (let i = start; i < start + size; i++) data[i] = affine(f32(f32(x.data[i] - mean) * inverse), i);
  }
  return tensor('f32', x.shape, data);
}

function onePass(dot: Dot, clamps: boolean) {
  return {
    ...honest,
    kernels: {
      ...honest.kernels,
      groupNorm: (x: Tensor, groups: number, weight: Tensor, bias: Tensor, eps: number) => {
        const pixels = x.data.length / (x.shape[0] * x.shape[1]);
        const channel = (i: number) => Math.floor(i / pixels) % x.shape[1];
        return normed(x, (x.shape[1] / groups) * pixels, dot, clamps, eps, (y, i) =>
          f32(f32(y * weight.data[channel(i)]) + bias.data[channel(i)]),
        );
      },
      layerNorm: (x: Tensor, weight: Tensor, bias: Tensor, eps: number) => {
        const size = weight.data.length;
        return normed(x, size, dot, clamps, eps, (y, i) => f32(f32(y * weight.data[i % size]) + bias.data[i % size]));
      },
    },
  };
}

describe.each(['operations/groupNorm', 'operations/layerNorm'])('%s', async (name) => {
  const one = await loadCase(name);
  const checked = checkerOf(one);
  const orders = Object.entries({ sequential, reversed, fused, pairwise, lanes });
  it.each(orders.flatMap(([what, dot]) => [true, false].map((clamps) => [what, clamps, dot] as const)))(
    'sums %s, clamped at 0: %s',
    (_, clamps, dot) => {
      const found = checked(fileOf(outputOf(one, onePass(dot, clamps))));
      expect(found.report.passes).toBe(false);
      const names = diagnosesOf(found).map(({ best, about }) => [best?.faults.map((fault) => fault.name), about]);
      expect(names).toEqual([[['norm-variance-one-pass'], expect.arrayContaining(['offset'])]]);
    },
  );
});

describe('what is no variance in one pass', () => {
  it.each(['norm-variance-unbiased', 'norm-without-mean', 'norm-eps-outside-root', 'norm-without-weight'])(
    'keeps its name: %s',
    async (name) => {
      const one = await loadCase('operations/groupNorm');
      const fault = bank.find((candidate) => candidate.name === name);
      const checked = check(one, fileOf(outputOf(one, fault?.apply(honest) ?? honest)), formats.f32);
      const names = diagnosesOf(checked).flatMap(({ best }) => best?.faults.map((found) => found.name) ?? []);
      expect(names).toEqual([name]);
    },
  );
});

describe('a variance in one pass', () => {
  it('is none where some group is wrong in another way', async () => {
    const one = await loadCase('operations/groupNorm');
    const offset = outputOf(one, onePass(sequential, true))['offset'];
    const wide = (data: ArrayLike<number>): Tensor => tensor('f64', offset.shape, Float64Array.from(data));
    expect(hasOnePassVariance(one, 'offset', wide(offset.data))).toBe(true);
    const last = offset.data.length - 1;
    expect(hasOnePassVariance(one, 'offset', wide(offset.data.map((y, i) => (i === last ? y + 1 : y))))).toBe(false);
    expect(hasOnePassVariance(one, 'offset', wide(outputOf(one, honest)['offset'].data))).toBe(false);
  });
});
