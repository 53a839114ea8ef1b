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

/** The case's operation; its arguments are in the order of scripts/goldens/kernels.py. */
function compute(
  kernels: Kernels,
  { operation, arguments: more }: Case,
  inputs: readonly (Tensor | undefined)[],
): Tensor {
  const [x, a, b] = inputs as [Tensor, Tensor, Tensor];
  const [n, m] = more as [number, number];
  switch (operation) {
    case 'conv2d':
      return kernels.conv2d(x, a, b, n, paddingOf(more[1] as readonly number[]));
    case 'winogradConv2d':
      return kernels.winogradConv2d(x, a, b, more[0] as WinogradWidth, paddingOf(more[1] as readonly number[]));
    case 'linear':
      return kernels.linear(x, a, b);
    case 'groupNorm':
      return kernels.groupNorm(x, n, a, b, m);
    case 'layerNorm':
      return kernels.layerNorm(x, a, b, n);
    case 'softmax':
      return kernels.softmax(x);
    case 'entmax':
      return kernels.entmax(x, more[0] as EntmaxAlpha);
    case 'limitNorm':
      return kernels.limitNorm(x, a, n);
    case 'attentionScores':
      return kernels.attentionScores(x, a, n, m);
    case 'attentionMap':
      return kernels.attentionMap(x, a, n, m);
    case 'applyAttentionMap':
      return kernels.applyAttentionMap(x, a);
    case 'attention':
      return kernels.attention(x, a, b, n, m);
    case 'activation':
      return kernels.activation(x, more[0] as Activation);
    case 'upsampleNearest2x':
      return kernels.upsampleNearest2x(x);
    case 'upsampleConv2d':
      return kernels.upsampleConv2d(x, a, b);
    case 'resizeNearest':
      return kernels.resizeNearest(x, n, m);
    case 'averagePool2x':
      return kernels.averagePool2x(x);
    case 'concatChannels':
      return kernels.concatChannels(x, a);
    case 'sliceChannels':
      return kernels.sliceChannels(x, n, m);
    case 'concatBatch':
      return kernels.concatBatch([x, a, b]);
    case 'sliceBatch':
      return kernels.sliceBatch(x, n, m);
    case 'reshape':
      return kernels.reshape(x, more[0] as readonly number[]);
    case 'toTokens':
      return kernels.toTokens(x);
    case 'fromTokens':
      return kernels.fromTokens(x, n, m);
    case 'add':
      return kernels.add(x, a);
    case 'subtract':
      return kernels.subtract(x, a);
    case 'multiply':
      return kernels.multiply(x, a);
    case 'affine':
      return kernels.affine(x, n, m);
    case 'divide':
      return kernels.divide(x, n);
    case 'conv2dWeightGradient': {
      const [height, width, stride, padding] = more as [number, number, number, readonly number[]];
      return kernels.conv2dWeightGradient(x, a, height, width, stride, paddingOf(padding));
    }
    case 'transposeWeight':
      return kernels.transposeWeight(x);
    case 'transposeMap':
      return kernels.transposeMap(x);
    case 'placePixels': {
      const [stride, top, left, height, width] = more as [number, number, number, number, number];
      return kernels.placePixels(x, stride, top, left, height, width);
    }
    case 'activationDerivative':
      return kernels.activationDerivative(x, more[0] as Activation);
    case 'groupNormGradient':
      return kernels.groupNormGradient(x, a, b, n, m);
    case 'groupNormSums':
      return kernels.groupNormSums(x, a, n, m);
  }
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
  expect([...new Set(cases.map(({ operation }) => operation))].sort()).toEqual([...kinds].sort());
});
