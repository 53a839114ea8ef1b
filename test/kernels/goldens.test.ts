/**
 * The definitions and the plain loops against PyTorch, in several numerical regimes: zero mean, positive, cancelling,
 * flat, large, wide.
 */
import { describe, expect, it } from 'vitest';
import { readTensor } from '../../src/formats/safetensors.ts';
import { definitionKernels } from '../../src/kernels/definition/index.ts';
import type { Activation, EntmaxAlpha, Kernels, WinogradWidth } from '../../src/kernels/kernels.ts';
import { kinds, type Kind } from '../../src/kernels/operations/index.ts';
import { referenceKernels } from '../../src/kernels/plain/index.ts';
import { cast } from '../../src/tensor/rounding.ts';
import { sameShape, type Tensor } from '../../src/tensor/tensor.ts';
import { disagreement, goldenOf } from '../agreement.ts';
import { metadataOf, openGoldens, paddingOf } from '../goldens.ts';

interface Case {
  readonly name: string;
  readonly operation: Kind;
  /** The names of the tensors that the operation is given; null for none. */
  readonly inputs: readonly (string | null)[];
  readonly arguments: readonly unknown[];
}

const files = [
  'kernels/kernels.safetensors',
  'text/operations/operations.safetensors',
  'gradients/kernels.safetensors',
  'text/rows/rows.safetensors',
  'winograd/winograd.safetensors',
].map(openGoldens);
const stated = files.flatMap((file) =>
  metadataOf<readonly Case[]>(file, 'cases').map((golden) => ({ ...golden, file, golden: golden.name })),
);
/** A convolution by 3 × 3 with a stride of 1 is golden for both orders. */
const inFastOrder = stated.flatMap((direct) => {
  const { name, file, operation, inputs, arguments: more } = direct;
  const kernel = operation === 'conv2d' ? readTensor(file, inputs[1] ?? '').shape.slice(2) : [];
  if (more[0] !== 1 || !sameShape(kernel, [3, 3])) return [];
  return ([2, 4] as const).map((width) => ({
    ...direct,
    name: `${name}, Winograd 2×${width}`,
    operation: 'winogradConv2d' as const,
    arguments: [width, more[1]],
  }));
});
const cases = [...stated, ...inFastOrder];

type Call = (
  kernels: Kernels,
  inputs: readonly [x: Tensor, a: Tensor, b: Tensor],
  /** The arguments, where they are numbers; and whatever they are. */
  numbers: readonly [n: number, m: number],
  more: readonly unknown[],
) => Tensor;

/** How an operation is called; its arguments are in the order of scripts/goldens/kernels.py. */
const calls: Readonly<Record<Kind, Call>> = {
  conv2d: (k, [x, a, b], [n], [, padding]) => k.conv2d(x, a, b, n, paddingOf(padding as readonly number[])),
  winogradConv2d: (k, [x, a, b], _, [width, padding]) =>
    k.winogradConv2d(x, a, b, width as WinogradWidth, paddingOf(padding as readonly number[])),
  linear: (k, [x, a, b]) => k.linear(x, a, b),
  groupNorm: (k, [x, a, b], [n, m]) => k.groupNorm(x, n, a, b, m),
  layerNorm: (k, [x, a, b], [n]) => k.layerNorm(x, a, b, n),
  softmax: (k, [x]) => k.softmax(x),
  entmax: (k, [x], _, [alpha]) => k.entmax(x, alpha as EntmaxAlpha),
  limitNorm: (k, [x, a], [n]) => k.limitNorm(x, a, n),
  attentionScores: (k, [x, a], [n, m]) => k.attentionScores(x, a, n, m),
  attentionMap: (k, [x, a], [n, m]) => k.attentionMap(x, a, n, m),
  applyAttentionMap: (k, [x, a]) => k.applyAttentionMap(x, a),
  attention: (k, [x, a, b], [n, m]) => k.attention(x, a, b, n, m),
  activation: (k, [x], _, [kind]) => k.activation(x, kind as Activation),
  upsampleNearest2x: (k, [x]) => k.upsampleNearest2x(x),
  upsampleConv2d: (k, [x, a, b]) => k.upsampleConv2d(x, a, b),
  resizeNearest: (k, [x], [n, m]) => k.resizeNearest(x, n, m),
  averagePool2x: (k, [x]) => k.averagePool2x(x),
  concatChannels: (k, [x, a]) => k.concatChannels(x, a),
  sliceChannels: (k, [x], [n, m]) => k.sliceChannels(x, n, m),
  concatBatch: (k, [x, a, b]) => k.concatBatch([x, a, b]),
  sliceBatch: (k, [x], [n, m]) => k.sliceBatch(x, n, m),
  reshape: (k, [x], _, [shape]) => k.reshape(x, shape as readonly number[]),
  toTokens: (k, [x]) => k.toTokens(x),
  fromTokens: (k, [x], [n, m]) => k.fromTokens(x, n, m),
  add: (k, [x, a]) => k.add(x, a),
  subtract: (k, [x, a]) => k.subtract(x, a),
  multiply: (k, [x, a]) => k.multiply(x, a),
  affine: (k, [x], [n, m]) => k.affine(x, n, m),
  divide: (k, [x], [n]) => k.divide(x, n),
  conv2dWeightGradient: (k, [x, a], [height, width], [, , stride, padding]) =>
    k.conv2dWeightGradient(x, a, height, width, stride as number, paddingOf(padding as readonly number[])),
  transposeWeight: (k, [x]) => k.transposeWeight(x),
  transposeMap: (k, [x]) => k.transposeMap(x),
  placePixels: (k, [x], _, more) => {
    const [stride, top, left, height, width] = more as [number, number, number, number, number];
    return k.placePixels(x, stride, top, left, height, width);
  },
  activationDerivative: (k, [x], _, [kind]) => k.activationDerivative(x, kind as Activation),
  groupNormGradient: (k, [x, a, b], [n, m]) => k.groupNormGradient(x, a, b, n, m),
  groupNormSums: (k, [x, a], [n, m]) => k.groupNormSums(x, a, n, m),
};

function compute(kernels: Kernels, { operation, arguments: more }: Case, inputs: readonly (Tensor | undefined)[]) {
  return calls[operation](kernels, inputs as [Tensor, Tensor, Tensor], more as [number, number], more);
}

describe.each([
  ['definition', 'f32', definitionKernels],
  ['definition', 'f64', definitionKernels],
  ['plain', 'f32', referenceKernels],
  ['plain', 'f64', referenceKernels],
] as const)('%s in %s against PyTorch', (name, dtype, kernels) => {
  it.each(cases.map((golden) => [golden.name, golden] as const))(
    '%s',
    (_name, { file, golden: expected, ...golden }) => {
      const inputs = golden.inputs.map((input) => (input === null ? undefined : cast(readTensor(file, input), dtype)));
      const ours = compute(kernels, golden, inputs);
      expect(ours.dtype).toBe(dtype);
      expect(disagreement(ours, goldenOf(file, expected))).toBeUndefined();
    },
  );

  // The definition is slow; that the plain loops have its bits, the laws say.
  const seamsOf = (channels: number): readonly number[] => {
    const all = Array.from({ length: channels - 1 }, (_, i) => i + 1);
    return name === 'plain' ? all : all.filter((seam) => [1, channels >> 1, channels - 1].includes(seam));
  };
  it('a convolution of two pictures, joined anywhere', () => {
    for (const { file, name: convolution, inputs, arguments: more } of cases.filter(
      ({ operation }) => operation === 'conv2d',
    )) {
      const [x, weight, bias] = inputs.map((input) =>
        input === null ? undefined : cast(readTensor(file, input), dtype),
      ) as [Tensor, Tensor, Tensor | undefined];
      const padding = paddingOf(more[1] as readonly number[]);
      const golden = goldenOf(file, convolution);
      for (const seam of seamsOf(x.shape[1])) {
        const ours = kernels.joinedConv2d(x, weight, bias, more[0] as number, padding, seam);
        expect(disagreement(ours, golden), `${convolution}, seam ${seam}`).toBeUndefined();
      }
    }
  });
});

it('every operation has goldens', () => {
  const found = [...new Set(cases.map(({ operation }) => operation))].sort();
  expect(found, 'add it to scripts/goldens/kernels.py').toEqual([...kinds].sort());
});
