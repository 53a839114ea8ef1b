/** From a program to its graph: what is written down, what is computed at once, what is found again. */
import { describe, expect, it } from 'vitest';
import { constantOf, type Graph } from '../../src/kernels/graph.ts';
import type { Kernels, Program, Tensors } from '../../src/kernels/kernels.ts';
import { applyOperation } from '../../src/kernels/operations/index.ts';
import { referenceKernels } from '../../src/kernels/plain/index.ts';
import { traceProgram } from '../../src/kernels/trace.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { zeros, type Tensor } from '../../src/tensor/tensor.ts';
import { expectSameBits } from './bits.ts';

const { randn } = manualSeed(3);
const even = { top: 1, bottom: 1, left: 1, right: 1 };
const traced = (program: Program, inputs: Tensors): Graph => traceProgram(program, inputs, referenceKernels);
const kindsOf = ({ nodes }: Graph): readonly string[] => nodes.map(({ operation }) => operation.kind);

/** The outputs of a graph, computed node by node. */
function evaluated({ inputs, nodes, outputs }: Graph, given: Tensors): Tensors {
  const values = new Map<number, Tensor>([...inputs].map(([name, { id }]) => [id, given[name]]));
  const tensorOf = (value: Graph['nodes'][number]['output']): Tensor => {
    if (value.source.kind === 'constant') return value.source.tensor;
    const found = values.get(value.id);
    if (!found) throw new Error(`value ${value.id} is read before it is computed`);
    return found;
  };
  for (const { operation, inputs: read, output } of nodes) {
    const result = applyOperation(referenceKernels, operation, read.map(tensorOf));
    expect(result.shape, operation.kind).toEqual(output.shape);
    values.set(output.id, result);
  }
  return Object.fromEntries([...outputs].map(([name, value]) => [name, tensorOf(value)]));
}

describe('a graph', () => {
  const weight = randn([3, 4, 3, 3]);
  const bias = randn([3]);
  const program =
    (body: (k: Kernels, x: Tensor) => Tensor): Program =>
    (k, { x }) => ({ out: body(k, x) });
  const x = randn([2, 4, 5, 5]);

  it('holds what the outputs need, in order, and computes what the program computes', () => {
    const two: Program = (k, { x }) => {
      k.softmax(x);
      const h = k.activation(k.conv2d(x, weight, bias, 1, even), 'silu');
      return { out: k.add(h, k.affine(h, 2, 1)), x };
    };
    const graph = traced(two, { x });
    expect(kindsOf(graph)).toEqual(['conv2d', 'activation', 'affine', 'add']);
    const [ours, theirs] = [evaluated(graph, { x }), two(referenceKernels, { x })];
    expectSameBits(ours.out, theirs.out);
    expect(ours.x).toBe(x);
  });

  it('computes once what is asked for twice, and keeps apart what differs in a number, −0 and 0 among them', () => {
    const twice = traced(
      program((k, x) => k.add(k.affine(x, 2, 0), k.affine(x, 2, 0))),
      { x },
    );
    expect(kindsOf(twice)).toEqual(['affine', 'add']);
    const apart = traced(
      program((k, x) => k.add(k.affine(x, 2, 0), k.affine(x, 2, -0))),
      { x },
    );
    expect(kindsOf(apart)).toEqual(['affine', 'affine', 'add']);
  });

  it('computes at once what depends on constants alone; but slices stay parts of their constant', () => {
    const graph = traced(
      program((k, x) => k.conv2d(x, k.affine(weight, 2, 0), undefined, 1, even)),
      { x },
    );
    expect(kindsOf(graph)).toEqual(['conv2d']);
    const sliced = traced(
      program((k, x) => k.conv2d(x, k.sliceChannels(randn([3, 9, 3, 3]), 2, 6), undefined, 1, even)),
      { x },
    );
    expect(kindsOf(sliced)).toEqual(['sliceChannels', 'conv2d']);
    const constant = constantOf(sliced.nodes[0].output);
    expect(constant?.slice).toMatchObject({ start: 2, end: 6 });
    expect(constant?.tensor.shape).toEqual([3, 9, 3, 3]);
    expect(constantOf(sliced.nodes[1].output)).toBeUndefined();
  });

  it('takes a slice of a slice for no part of a constant: nobody adds up where it begins', () => {
    const graph = traced(
      program((k, x) => k.add(x, k.sliceChannels(k.sliceChannels(randn([2, 9, 5, 5]), 2, 8), 1, 5))),
      { x },
    );
    const [outer, inner] = graph.nodes.map(({ output }) => constantOf(output));
    expect([outer?.slice?.start, inner]).toEqual([2, undefined]);
  });

  it('knows a constant again by its numbers, not by the tensor around them, and not under another shape', () => {
    const again = { ...bias };
    const graph = traced(
      (k, { x }) => ({ a: k.conv2d(x, weight, bias, 1, even), b: k.conv2d(x, weight, again, 1, even) }),
      { x },
    );
    expect(kindsOf(graph)).toEqual(['conv2d']);
    const vector = randn([8]);
    const reshaped = traced(
      (k, { y }) => ({ a: k.add(y, { ...vector, shape: [2, 4] }), b: k.add(y, { ...vector, shape: [2, 4] }) }),
      { y: randn([2, 4]) },
    );
    expect(kindsOf(reshaped)).toEqual(['add']);
  });

  it.each<[string, (k: Kernels, x: Tensor) => Tensor, string]>([
    [
      'shapes that do not meet',
      (k, x) => k.conv2d(x, randn([3, 5, 3, 3]), undefined, 1, even),
      'conv2d: the weight is for 5',
    ],
    [
      'a constant of another dtype',
      (k, x) => k.add(x, zeros('f64', x.shape)),
      'add: the inputs have dtypes f32 and f64',
    ],
    [
      'an activation that does not exist',
      (k, x) => k.activation(x, 'selu' as 'silu'),
      '"selu" is no activation function',
    ],
    ['a program that looks at values', (k, x) => k.affine(x, x.data[0], 0), 'may not look at the values'],
  ])('refuses %s with an InputError', (_, body, message) => {
    const run = () => traced(program(body), { x });
    expect(run).toThrow(InputError);
    expect(run).toThrow(message);
  });
});

describe('a joined convolution', () => {
  const [first, second] = [randn([1, 4, 5, 5]), randn([1, 6, 5, 5])];
  const weight = randn([3, 10, 3, 3]);
  const bias = randn([3]);
  const [scale, shift] = [randn([10]), randn([10])];
  const joined =
    (seam: number, groups: number): Program =>
    (k, { first, second }) => {
      const x = k.concatChannels(first, second);
      const h = k.activation(k.groupNorm(x, groups, scale, shift, 1e-5), 'silu');
      return { out: k.joinedConv2d(h, weight, bias, 1, even, seam) };
    };

  it.each([
    [4, 5],
    [4, 2],
    [5, 2],
    [1, 10],
    [9, 1],
  ])('is two convolutions and their sum, whatever lies before it: seam %i, %i groups', (seam, groups) => {
    const program = joined(seam, groups);
    const graph = traced(program, { first, second });
    expect(kindsOf(graph).filter((kind) => kind === 'conv2d')).toHaveLength(2);
    expect(kindsOf(graph)).not.toContain('joinedConv2d');
    expectSameBits(evaluated(graph, { first, second }).out, program(referenceKernels, { first, second }).out);
  });

  /** What stands between joining and convolution. */
  const between: Readonly<Record<string, (k: Kernels, x: Tensor) => Tensor>> = {
    activation: (k, x) => k.activation(x, 'silu'),
    affine: (k, x) => k.affine(x, 1.5, -0.25),
    divide: (k, x) => k.divide(x, 1.3),
    groupNorm: (k, x) => k.groupNorm(x, 5, scale, shift, 1e-5),
    concatChannels: (_, x) => x, // as it was joined
  };

  it.each(Object.entries(between))(
    'is traced back through %s, to halves that know nothing of one another',
    (_, make) => {
      const program: Program = (k, { first, second }) => ({
        out: k.joinedConv2d(make(k, k.concatChannels(first, second)), weight, bias, 1, even, 4),
      });
      const graph = traced(program, { first, second });
      expectSameBits(evaluated(graph, { first, second }).out, program(referenceKernels, { first, second }).out);
      const other = { first: randn([1, 4, 5, 5]), second };
      const both: Program = (k, { a, b, second }) => ({
        a: program(k, { first: a, second }).out,
        b: program(k, { first: b, second }).out,
      });
      const shared = traced(both, { a: first, b: other.first, second });
      expect(kindsOf(shared).filter((kind) => kind === 'conv2d')).toHaveLength(3);
      expectSameBits(evaluated(shared, { a: first, b: other.first, second }).b, program(referenceKernels, other).out);
    },
  );

  it('shares what depends on the second picture alone with one of another first picture', () => {
    const both: Program = (k, { a, b, second }) => ({
      a: joined(4, 5)(k, { first: a, second }).out,
      b: joined(4, 5)(k, { first: b, second }).out,
    });
    const graph = traced(both, { a: first, b: randn([1, 4, 5, 5]), second });
    expect(kindsOf(graph).filter((kind) => kind === 'conv2d')).toHaveLength(3);
    // Where a group of the norm straddles the seam, it mixes both pictures: nothing is shared.
    const mixed: Program = (k, { a, b, second }) => ({
      a: joined(4, 1)(k, { first: a, second }).out,
      b: joined(4, 1)(k, { first: b, second }).out,
    });
    const unshared = traced(mixed, { a: first, b: randn([1, 4, 5, 5]), second });
    expect(kindsOf(unshared).filter((kind) => kind === 'conv2d')).toHaveLength(4);
  });
});
