/** Every rule against PyTorch's autograd. */
import { describe, expect, it } from 'vitest';
import { readTensor } from '../../../src/formats/safetensors.ts';
import type { Activation, Kernels } from '../../../src/kernels/kernels.ts';
import { kinds, type Kind } from '../../../src/kernels/operations/index.ts';
import { cast } from '../../../src/tensor/rounding.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { gradientDisagreement, gradientGoldens } from '../../agreement.ts';
import { metadataOf, openGoldens, paddingOf } from '../../goldens.ts';
import { pulledBack } from './support.ts';

interface Case {
  readonly name: string;
  readonly operation: Kind;
  /** How many tensors it is given. */
  readonly inputs: number;
  readonly arguments: readonly unknown[];
}

const file = openGoldens('gradients/operations.safetensors');
const stated = metadataOf<readonly Case[]>(file, 'cases').map((golden) => ({ ...golden, golden: golden.name }));
/** What is golden for a convolution by 3 × 3 with a stride of 1 is so in the fast order, too. */
const inFastOrder = stated.flatMap((direct) => {
  const [stride, padding] = direct.arguments;
  const isFast =
    direct.operation === 'conv2d' && stride === 1 && readTensor(file, `${direct.name}/in.1`).shape[2] === 3;
  if (!isFast) return [];
  return [
    { ...direct, name: `${direct.name}, Winograd`, operation: 'winogradConv2d' as const, arguments: [2, padding] },
  ];
});
const cases = [...stated, ...inFastOrder];
const goldens = gradientGoldens(file, (name) => name);

/** The operation, its arguments in the order of scripts/goldens/kernels.py. */
function call(kernels: Kernels, { operation, arguments: more }: Case, tensors: readonly Tensor[]): Tensor {
  const [x, a, b] = tensors;
  const [n, m] = more as [number, number];
  if (operation === 'conv2d') return kernels.conv2d(x, a, b, n, paddingOf(more[1] as readonly number[]));
  if (operation === 'winogradConv2d')
    return kernels.winogradConv2d(x, a, b, 2, paddingOf(more[1] as readonly number[]));
  if (operation === 'groupNorm') return kernels.groupNorm(x, n, a, b, m);
  if (operation === 'concatBatch') return kernels.concatBatch(tensors);
  if (operation === 'activation') return kernels.activation(x, more[0] as Activation);
  return (kernels[operation] as (...given: readonly unknown[]) => Tensor)(...tensors, ...more);
}

describe.each(['f32', 'f64'] as const)('back through an operation in %s against PyTorch', (dtype) => {
  it.each(cases.map((golden) => [golden.name, golden] as const))('%s', (_name, { golden: name, ...golden }) => {
    const given = Array.from({ length: golden.inputs }, (_, i) => [
      `${i}`,
      cast(readTensor(file, `${name}/in.${i}`), dtype),
    ]);
    const ours = pulledBack(
      (kernels, inputs) =>
        call(
          kernels,
          golden,
          given.map(([i]) => inputs[i as string]),
        ),
      Object.fromEntries(given) as Record<string, Tensor>,
      cast(readTensor(file, `${name}/back`), dtype),
    );
    for (const [i, gradient] of Object.entries(ours)) {
      const expected = goldens.get(`${name}/grad.${i}`);
      expect(expected && gradientDisagreement(gradient, expected), `of input ${i}`).toBeUndefined();
      expect(expected).toBeDefined();
    }
  });
});

it('every operation has a golden, but those of gradients alone, and those of perturbed passes alone', () => {
  const normed = ['groupNormGradient', 'groupNormSums'];
  const once = ['conv2dWeightGradient', 'placePixels', 'activationDerivative', ...normed];
  const none = ['entmax', 'limitNorm'];
  const found = [...new Set(cases.map(({ operation }) => operation)), ...once, ...none].sort();
  expect(found, 'add its gradient to scripts/goldens/gradients.py').toEqual([...kinds].sort());
});
