/**
 * Every rule against central differences in f64, number by number, and on random shapes by the adjoint identity ⟨Jv, w⟩
 * = ⟨v, Jᵀw⟩; that gradients are linear in what comes back; that every backend gives the bits of the definitions.
 */
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { rules } from '../../../src/kernels/gradients/rules.ts';
import { definitionBackend } from '../../../src/kernels/definition/index.ts';
import { activations, type Kernels, type Tensors } from '../../../src/kernels/kernels.ts';
import { kinds, type Kind } from '../../../src/kernels/operations/index.ts';
import { simdBackend } from '../../../src/kernels/simd/index.ts';
import { cast } from '../../../src/tensor/rounding.ts';
import type { DType, Tensor } from '../../../src/tensor/tensor.ts';
import {
  attentions,
  convolutions,
  doubledConvolutions,
  extent,
  groupNorms,
  layerNorms,
  linears,
  pairs,
  pictures,
  tensors,
} from '../arbitraries.ts';
import { expectSameBits } from '../bits.ts';
import { inner, numbers, pulledBack, pushedForward, reference, resultOf, type Body } from './support.ts';
import { repeated } from '../../thorough.ts';

/** The operations that only gradients have. */
type Once = 'conv2dWeightGradient' | 'placePixels' | 'activationDerivative' | 'groupNormGradient' | 'groupNormSums';
/** The operations that only perturbed passes have. */
type None = 'entmax' | 'limitNorm';
type Derived = Exclude<Kind, Once | None>;

interface Example {
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly body: (kernels: Kernels, inputs: Tensors) => Tensor;
}

const uneven = { top: 1, bottom: 0, left: 2, right: 1 };
const wide = { top: 2, bottom: 3, left: 2, right: 2 };

/** Calls of each operation; every tensor is an input. */
const examples: { readonly [K in Derived]: readonly Example[] } = {
  conv2d: [
    { shapes: { x: [2, 3, 5, 4], w: [2, 3, 3, 2], b: [2] }, body: (k, { x, w, b }) => k.conv2d(x, w, b, 1, uneven) },
    { shapes: { x: [1, 2, 6, 5], w: [3, 2, 3, 3] }, body: (k, { x, w }) => k.conv2d(x, w, undefined, 2, uneven) },
    { shapes: { x: [1, 2, 3, 4], w: [2, 2, 1, 1] }, body: (k, { x, w }) => k.conv2d(x, w, undefined, 1, wide) },
  ],
  winogradConv2d: [
    {
      shapes: { x: [2, 3, 5, 4], w: [2, 3, 3, 3], b: [2] },
      body: (k, { x, w, b }) => k.winogradConv2d(x, w, b, 2, uneven),
    },
    { shapes: { x: [1, 2, 3, 6], w: [3, 2, 3, 3] }, body: (k, { x, w }) => k.winogradConv2d(x, w, undefined, 4, wide) },
  ],
  upsampleConv2d: [
    { shapes: { x: [2, 2, 2, 3], w: [2, 2, 3, 3], b: [2] }, body: (k, { x, w, b }) => k.upsampleConv2d(x, w, b) },
  ],
  linear: [
    { shapes: { x: [3, 4], w: [2, 4], b: [2] }, body: (k, { x, w, b }) => k.linear(x, w, b) },
    { shapes: { x: [2, 3, 4], w: [2, 4], b: [2] }, body: (k, { x, w, b }) => k.linear(x, w, b) },
    { shapes: { x: [2, 2, 3, 4], w: [3, 4] }, body: (k, { x, w }) => k.linear(x, w, undefined) },
    { shapes: { x: [4], w: [3, 4], b: [3] }, body: (k, { x, w, b }) => k.linear(x, w, b) },
  ],
  groupNorm: [
    { shapes: { x: [2, 4, 2, 3], w: [4], b: [4] }, body: (k, { x, w, b }) => k.groupNorm(x, 2, w, b, 0.1) },
    { shapes: { x: [2, 6], w: [6], b: [6] }, body: (k, { x, w, b }) => k.groupNorm(x, 2, w, b, 1e-5) },
    { shapes: { x: [2, 4, 5], w: [4], b: [4] }, body: (k, { x, w, b }) => k.groupNorm(x, 1, w, b, 1e-5) },
  ],
  layerNorm: [
    { shapes: { x: [2, 3, 4], w: [4], b: [4] }, body: (k, { x, w, b }) => k.layerNorm(x, w, b, 0.1) },
    { shapes: { x: [3, 5], w: [5], b: [5] }, body: (k, { x, w, b }) => k.layerNorm(x, w, b, 1e-5) },
    { shapes: { x: [5], w: [5], b: [5] }, body: (k, { x, w, b }) => k.layerNorm(x, w, b, 1e-5) },
  ],
  softmax: [
    { shapes: { x: [3, 4] }, body: (k, { x }) => k.softmax(x) },
    { shapes: { x: [2, 2, 3, 5] }, body: (k, { x }) => k.softmax(x) },
    { shapes: { x: [5] }, body: (k, { x }) => k.softmax(x) },
  ],
  attentionScores: [
    { shapes: { q: [2, 3, 4], k: [2, 5, 4] }, body: (kernels, { q, k }) => kernels.attentionScores(q, k, 2, 0.7) },
  ],
  attentionMap: [
    { shapes: { q: [2, 3, 4], k: [2, 5, 4] }, body: (kernels, { q, k }) => kernels.attentionMap(q, k, 2, 0.7) },
  ],
  applyAttentionMap: [
    { shapes: { map: [2, 2, 3, 5], v: [2, 5, 4] }, body: (k, { map, v }) => k.applyAttentionMap(map, v) },
  ],
  attention: [
    {
      shapes: { q: [2, 3, 4], k: [2, 5, 4], v: [2, 5, 4] },
      body: (kernels, { q, k, v }) => kernels.attention(q, k, v, 2, 0.7),
    },
    {
      shapes: { x: [1, 4, 3] },
      body: (kernels, { x }) => kernels.attention(x, x, x, 1, 1),
    },
  ],
  activation: activations.map((kind) => ({ shapes: { x: [2, 9] }, body: (k, { x }) => k.activation(x, kind) })),
  upsampleNearest2x: [{ shapes: { x: [1, 2, 2, 3] }, body: (k, { x }) => k.upsampleNearest2x(x) }],
  resizeNearest: [
    { shapes: { x: [2, 2, 2, 3] }, body: (k, { x }) => k.resizeNearest(x, 3, 5) },
    { shapes: { x: [2, 2, 5, 3] }, body: (k, { x }) => k.resizeNearest(x, 2, 4) },
  ],
  averagePool2x: [
    { shapes: { x: [2, 2, 4, 2] }, body: (k, { x }) => k.averagePool2x(x) },
    { shapes: { x: [1, 2, 3, 5] }, body: (k, { x }) => k.averagePool2x(x) },
  ],
  concatChannels: [{ shapes: { a: [2, 3, 2], b: [2, 1, 2] }, body: (k, { a, b }) => k.concatChannels(a, b) }],
  sliceChannels: [
    { shapes: { x: [2, 5, 2] }, body: (k, { x }) => k.sliceChannels(x, 1, 3) },
    { shapes: { x: [2, 3] }, body: (k, { x }) => k.sliceChannels(x, 0, 3) },
  ],
  concatBatch: [
    { shapes: { a: [1, 2, 2], b: [2, 2, 2], c: [1, 2, 2] }, body: (k, { a, b, c }) => k.concatBatch([a, b, c, a]) },
  ],
  sliceBatch: [
    { shapes: { x: [5, 2] }, body: (k, { x }) => k.sliceBatch(x, 1, 3) },
    { shapes: { x: [3] }, body: (k, { x }) => k.sliceBatch(x, 0, 2) },
  ],
  reshape: [{ shapes: { x: [2, 3, 4] }, body: (k, { x }) => k.reshape(x, [6, 2, 1]) }],
  toTokens: [{ shapes: { x: [2, 3, 2, 2] }, body: (k, { x }) => k.toTokens(x) }],
  fromTokens: [{ shapes: { x: [2, 6, 3] }, body: (k, { x }) => k.fromTokens(x, 2, 3) }],
  add: [
    { shapes: { a: [2, 3, 2], b: [2, 3, 2] }, body: (k, { a, b }) => k.add(a, b) },
    { shapes: { a: [2, 3, 2, 2], b: [2, 3] }, body: (k, { a, b }) => k.add(a, b) },
    { shapes: { a: [2, 3] }, body: (k, { a }) => k.add(a, a) },
  ],
  subtract: [{ shapes: { a: [2, 3], b: [2, 3] }, body: (k, { a, b }) => k.subtract(a, b) }],
  multiply: [
    { shapes: { a: [2, 3, 2], b: [2, 3, 2] }, body: (k, { a, b }) => k.multiply(a, b) },
    { shapes: { a: [2, 3, 2, 2], b: [2, 3] }, body: (k, { a, b }) => k.multiply(a, b) },
    { shapes: { a: [2, 3] }, body: (k, { a }) => k.multiply(a, a) },
  ],
  affine: [{ shapes: { x: [2, 3] }, body: (k, { x }) => k.affine(x, -1.5, 4) }],
  divide: [{ shapes: { x: [2, 3] }, body: (k, { x }) => k.divide(x, 3) }],
  transposeMap: [{ shapes: { map: [2, 2, 3, 5] }, body: (k, { map }) => k.transposeMap(map) }],
  transposeWeight: [
    { shapes: { w: [3, 2, 2, 3] }, body: (k, { w }) => k.transposeWeight(w) },
    { shapes: { w: [3, 2] }, body: (k, { w }) => k.transposeWeight(w) },
  ],
};

/** Numbers of these shapes, away from where relu bends. */
function inputsOf({ shapes }: Example, dtype: DType): Tensors {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => {
      const x = numbers(shape, 5 + i);
      return [name, cast({ ...x, data: x.data.map((value) => value + Math.sign(value) * 0.01) }, dtype)];
    }),
  );
}

const derived = Object.entries(examples).flatMap(([kind, list]) =>
  list.map((example, i) => [`${kind} ${i + 1}`, example] as const),
);

const fast = [simdBackend(), simdBackend({ threads: 2 })];
afterAll(() => fast.forEach((backend) => backend.dispose()));

describe.each(derived)('back through %s', (_name, example) => {
  const inputs = inputsOf(example, 'f64');
  const w = numbers(resultOf(example.body, inputs).shape, 3);

  it('each number is that of a central difference', () => {
    const ours = pulledBack(example.body, inputs, w);
    for (const [name, x] of Object.entries(inputs)) {
      expect(ours[name].shape).toEqual(x.shape);
      for (let i = 0; i < x.data.length; i++) {
        const v = Object.fromEntries(
          Object.entries(inputs).map(([other, y]) => [other, { ...y, data: y.data.map(() => 0) }]),
        );
        v[name].data[i] = 1;
        const { value, size } = inner(pushedForward(example.body, inputs, v), w);
        expect(Math.abs(ours[name].data[i] - value), `${name}[${i}]`).toBeLessThan(1e-8 * Math.max(1, size));
      }
    }
  });

  it('is linear in what comes back', () => {
    const [a, b] = [w, numbers(w.shape, 4)];
    const [ofA, ofB] = [a, b].map((each) => pulledBack(example.body, inputs, each));
    const sum = { ...a, data: a.data.map((value, i) => 2 * value - 3 * b.data[i]) };
    const ofSum = pulledBack(example.body, inputs, sum);
    for (const [name, { data }] of Object.entries(ofSum)) {
      const most = Math.max(...ofA[name].data.map(Math.abs), ...ofB[name].data.map(Math.abs));
      for (const [i, value] of data.entries())
        expect(Math.abs(value - (2 * ofA[name].data[i] - 3 * ofB[name].data[i]))).toBeLessThanOrEqual(1e-13 * most);
    }
  });

  it.each(['f64', 'f32', 'f16', 'bf16'] as const)('has the bits of the definitions, %s', (dtype) => {
    const given = inputsOf(example, dtype);
    const back = cast(w, dtype);
    const expected = pulledBack(example.body, given, back, definitionBackend());
    for (const backend of dtype === 'f32' ? [reference, ...fast] : [reference]) {
      const ours = pulledBack(example.body, given, back, backend);
      for (const name of Object.keys(given)) expectSameBits(ours[name], expected[name]);
    }
  });
});

describe('⟨Jv, w⟩ = ⟨v, Jᵀw⟩ on random shapes', () => {
  const holds = <T>(choices: fc.Arbitrary<T>, given: (choice: T) => { inputs: Tensors; body: Body }): void =>
    fc.assert(
      fc.property(choices, fc.nat(1000), (choice, seed) => {
        const { inputs, body } = given(choice);
        const w = numbers(resultOf(body, inputs).shape, seed);
        const v = Object.fromEntries(
          Object.entries(inputs).map(([name, { shape }], i) => [name, numbers(shape, seed + i + 1)]),
        );
        const forward = inner(pushedForward(body, inputs, v), w);
        const back = pulledBack(body, inputs, w);
        const parts = Object.keys(inputs).map((name) => inner(v[name], back[name]));
        const [value, size] = [
          parts.reduce((sum, part) => sum + part.value, 0),
          parts.reduce((sum, part) => sum + part.size, forward.size),
        ];
        expect(Math.abs(forward.value - value)).toBeLessThan(1e-7 * Math.max(1, size));
      }),
      { numRuns: repeated(25) },
    );
  const given = (tensors: Readonly<Record<string, Tensor | undefined>>): Tensors =>
    Object.fromEntries(Object.entries(tensors).flatMap(([name, x]) => (x ? [[name, x]] : [])));

  it('conv2d', () =>
    holds(convolutions('f64'), ({ x, weight, bias, stride, padding }) => ({
      inputs: given({ x, weight, bias }),
      body: (k, { x, weight, bias }) => k.conv2d(x, weight, bias, stride, padding),
    })));
  it('upsampleConv2d', () =>
    holds(doubledConvolutions('f64'), ({ x, weight, bias }) => ({
      inputs: given({ x, weight, bias }),
      body: (k, { x, weight, bias }) => k.upsampleConv2d(x, weight, bias),
    })));
  it('linear', () =>
    holds(linears('f64'), ({ x, weight, bias }) => ({
      inputs: given({ x, weight, bias }),
      body: (k, { x, weight, bias }) => k.linear(x, weight, bias),
    })));
  it('groupNorm', () =>
    holds(groupNorms('f64', 'moderate', 3), ({ x, groups, weight, bias }) => ({
      inputs: { x, weight, bias },
      body: (k, { x, weight, bias }) => k.groupNorm(x, groups, weight, bias, 0.1),
    })));
  it('layerNorm', () =>
    holds(layerNorms('f64'), ({ x, weight, bias }) => ({
      inputs: { x, weight, bias },
      body: (k, { x, weight, bias }) => k.layerNorm(x, weight, bias, 0.1),
    })));
  it('attention', () =>
    holds(attentions('f64'), ({ q, k, v, heads, scale }) => ({
      inputs: { q, k, v },
      body: (kernels, { q, k, v }) => kernels.attention(q, k, v, heads, scale),
    })));
  it('resizeNearest', () =>
    holds(fc.tuple(pictures('f64'), extent(9), extent(9)), ([x, height, width]) => ({
      inputs: { x },
      body: (k, { x }) => k.resizeNearest(x, height, width),
    })));
  it('arithmetic', () =>
    holds(pairs('f64'), ({ a, b, perChannel }) => ({
      inputs: { a, b, perChannel },
      body: (k, { a, b, perChannel }) => k.add(k.multiply(k.multiply(a, b), perChannel), perChannel),
    })));
  it.each(activations.filter((kind) => kind !== 'relu'))('%s', (kind) =>
    holds(tensors('f64', [3, 7]), (x) => ({ inputs: { x }, body: (k, { x }) => k.activation(x, kind) })),
  );
});

it('has a rule for every operation, and refuses to derive what is a gradient already', () => {
  expect(Object.keys(rules).sort()).toEqual([...kinds].sort());
  const x = numbers([1, 2, 3, 3], 1);
  const none = { top: 0, bottom: 0, left: 0, right: 0 };
  const refused: { readonly [K in Once]: Body } = {
    conv2dWeightGradient: (k, { x }) => k.conv2dWeightGradient(x, x, 1, 1, 1, none),
    placePixels: (k, { x }) => k.placePixels(x, 1, 0, 0, 3, 3),
    activationDerivative: (k, { x }) => k.activationDerivative(x, 'silu'),
    groupNormGradient: (k, { x }) => k.groupNormGradient(x, x, numbers([2], 3), 1, 0.1),
    groupNormSums: (k, { x }) => k.groupNormSums(x, x, 1, 0.1),
  };
  for (const [kind, body] of Object.entries(refused))
    expect(() => pulledBack(body, { x }, numbers(resultOf(body, { x }).shape, 2)), kind).toThrow(
      new RegExp(`^gradient: ${kind} is part of a gradient`),
    );
  const perturbing: { readonly [K in None]: Body } = {
    entmax: (k, { x }) => k.entmax(x, 2),
    limitNorm: (k, { x }) => k.limitNorm(x, x, 1),
  };
  for (const [kind, body] of Object.entries(perturbing))
    expect(() => pulledBack(body, { x }, x), kind).toThrow(`gradient: ${kind} stands in perturbed passes only`);
});
