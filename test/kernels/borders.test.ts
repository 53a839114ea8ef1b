/** Where kernels end: tensors without elements, and what they refuse. The definitions and the plain loops alike. */
import { describe, expect, it } from 'vitest';
import { definitionKernels } from '../../src/kernels/definition/index.ts';
import type { Activation, Kernels, WinogradWidth } from '../../src/kernels/kernels.ts';
import { referenceKernels } from '../../src/kernels/plain/index.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { zeros, type Tensor } from '../../src/tensor/tensor.ts';

const implementations = [
  ['definition', definitionKernels],
  ['plain', referenceKernels],
] as const;

/** The operation, what is wrong, the call, and what the message must say. */
type Refusal = readonly [keyof Kernels, string, () => Tensor, RegExp];

describe.each(implementations)('what has no elements, %s', (_name, kernels) => {
  const none = (...shape: number[]): Tensor => zeros('f32', shape);
  const padding = { top: 1, bottom: 1, left: 1, right: 1 };
  // [what, result, shape]
  const cases: readonly (readonly [string, () => Tensor, number[]])[] = [
    [
      'a convolution of no samples',
      () => kernels.conv2d(none(0, 2, 4, 4), none(3, 2, 3, 3), none(3), 1, padding),
      [0, 3, 4, 4],
    ],
    [
      'a convolution to no channels',
      () => kernels.conv2d(none(1, 2, 4, 4), none(0, 2, 3, 3), undefined, 1, padding),
      [1, 0, 4, 4],
    ],
    [
      'a Winograd convolution of no samples',
      () => kernels.winogradConv2d(none(0, 2, 4, 4), none(3, 2, 3, 3), none(3), 4, padding),
      [0, 3, 4, 4],
    ],
    [
      'a Winograd convolution of no channels',
      () => kernels.winogradConv2d(none(1, 0, 4, 3), none(2, 0, 3, 3), none(2), 2, padding),
      [1, 2, 4, 3],
    ],
    ['a linear layer of no rows', () => kernels.linear(none(0, 4), none(3, 4), none(3)), [0, 3]],
    ['a linear layer of no channels', () => kernels.linear(none(2, 0), none(3, 0), none(3)), [2, 3]],
    ['a softmax of no rows', () => kernels.softmax(none(0, 4)), [0, 4]],
    ['a sparse softmax of no rows', () => kernels.entmax(none(0, 4), 1.5), [0, 4]],
    ['a sparse softmax of nothing', () => kernels.entmax(none(2, 0), 2), [2, 0]],
    ['no rows, cut to a norm', () => kernels.limitNorm(none(0, 4), none(0, 4), 1), [0, 4]],
    ['a group norm of no samples', () => kernels.groupNorm(none(0, 4, 2, 2), 2, none(4), none(4), 1e-5), [0, 4, 2, 2]],
    ['a layer norm of no rows', () => kernels.layerNorm(none(0, 4), none(4), none(4), 1e-5), [0, 4]],
    ['attention of no queries', () => kernels.attention(none(2, 0, 4), none(2, 3, 4), none(2, 3, 4), 2, 1), [2, 0, 4]],
    ['attention of no samples', () => kernels.attention(none(0, 3, 4), none(0, 3, 4), none(0, 3, 4), 2, 1), [0, 3, 4]],
    ['scores of no keys', () => kernels.attentionScores(none(2, 3, 4), none(2, 0, 4), 2, 1), [2, 2, 3, 0]],
    ['another size of no channels', () => kernels.resizeNearest(none(1, 0, 2, 2), 3, 3), [1, 0, 3, 3]],
    ['another shape of no numbers', () => kernels.reshape(none(2, 0, 3), [4, 0]), [2, 4, 0]],
    ['the average of a single pixel', () => kernels.averagePool2x(none(1, 2, 1, 1)), [1, 2, 0, 0]],
    ['no channels', () => kernels.sliceChannels(none(1, 3, 2, 2), 1, 1), [1, 0, 2, 2]],
    ['no samples', () => kernels.sliceBatch(none(2, 3), 2, 2), [0, 3]],
    [
      'the gradient of a weight that met nothing',
      () => kernels.conv2dWeightGradient(none(0, 2, 4, 4), none(0, 3, 4, 4), 3, 3, 1, padding),
      [3, 2, 3, 3],
    ],
    [
      'the gradient of no weights',
      () => kernels.conv2dWeightGradient(none(1, 2, 4, 4), none(1, 0, 4, 4), 3, 3, 1, padding),
      [0, 2, 3, 3],
    ],
    ['the transpose of nothing', () => kernels.transposeWeight(none(0, 3)), [3, 0]],
    ['the map of no keys, transposed', () => kernels.transposeMap(none(1, 2, 3, 0)), [1, 2, 0, 3]],
    ['pixels of nothing, placed', () => kernels.placePixels(none(1, 2, 0, 0), 2, 0, 0, 2, 2), [1, 2, 2, 2]],
    [
      'the way back through a norm of no samples',
      () => kernels.groupNormGradient(none(0, 4, 2), none(0, 4, 2), none(4), 2, 0),
      [0, 4, 2],
    ],
    [
      'the way back through a norm of no pixels',
      () => kernels.groupNormGradient(none(1, 4, 0), none(1, 4, 0), none(4), 2, 0),
      [1, 4, 0],
    ],
    [
      'what a norm of no samples adds to its weight',
      () => kernels.groupNormSums(none(0, 4, 2), none(0, 4, 2), 2, 0),
      [0, 8],
    ],
    ['a sum of no pixels', () => kernels.add(none(2, 3, 0, 4), none(2, 3)), [2, 3, 0, 4]],
  ];
  it.each(cases)('%s', (_, run, shape) => {
    const out = run();
    expect(out.shape).toEqual(shape);
    expect(out.data.length).toBe(shape.reduce((a, b) => a * b, 1));
  });
});

describe.each(implementations)(
  'what does not fit together is refused with an InputError that names it, %s',
  (_name, kernels) => {
    const x = (...shape: number[]): Tensor => zeros('f32', shape);
    const other = (...shape: number[]): Tensor => zeros('f64', shape);
    const padding = { top: 1, bottom: 1, left: 1, right: 1 };
    const none = { top: 0, bottom: 0, left: 0, right: 0 };
    const cases: readonly Refusal[] = [
      ['conv2d', 'rank of x', () => kernels.conv2d(x(2, 4, 4), x(3, 2, 3, 3), undefined, 1, padding), /\[2, 4, 4\]/],
      [
        'conv2d',
        'rank of the weight',
        () => kernels.conv2d(x(1, 2, 4, 4), x(3, 2, 3), undefined, 1, padding),
        /\[3, 2, 3\]/,
      ],
      [
        'winogradConv2d',
        'kernel',
        () => kernels.winogradConv2d(x(1, 2, 4, 4), x(3, 2, 3, 2), undefined, 2, padding),
        /weight has shape \[3, 2, 3, 2\], expected \[3, 2, 3, 3\]/,
      ],
      [
        'winogradConv2d',
        'tiles',
        () => kernels.winogradConv2d(x(1, 2, 4, 4), x(3, 2, 3, 3), undefined, 3 as WinogradWidth, padding),
        /2 or 4 outputs wide, not 3/,
      ],
      [
        'winogradConv2d',
        'a picture that is too small',
        () => kernels.winogradConv2d(x(1, 2, 2, 4), x(3, 2, 3, 3), undefined, 2, none),
        /smaller than the kernel/,
      ],
      ['conv2d', 'channels', () => kernels.conv2d(x(1, 2, 4, 4), x(3, 5, 3, 3), undefined, 1, padding), /5.*2|2.*5/],
      [
        'conv2d',
        'bias',
        () => kernels.conv2d(x(1, 2, 4, 4), x(3, 2, 3, 3), x(4), 1, padding),
        /\[4\].*\[3\]|\[3\].*\[4\]/,
      ],
      ['conv2d', 'stride', () => kernels.conv2d(x(1, 2, 4, 4), x(3, 2, 3, 3), undefined, 0, padding), /0/],
      [
        'conv2d',
        'stride that is no integer',
        () => kernels.conv2d(x(1, 2, 4, 4), x(3, 2, 3, 3), undefined, 1.5, padding),
        /1\.5/,
      ],
      [
        'conv2d',
        'padding below zero',
        () => kernels.conv2d(x(1, 2, 4, 4), x(3, 2, 1, 1), undefined, 1, { ...none, top: -1 }),
        /-1/,
      ],
      [
        'conv2d',
        'padding that is no integer',
        () => kernels.conv2d(x(1, 2, 4, 4), x(3, 2, 1, 1), undefined, 1, { ...none, left: 0.5 }),
        /0\.5/,
      ],
      [
        'joinedConv2d',
        'dtypes',
        () => kernels.joinedConv2d(x(1, 2, 4, 4), x(3, 2, 3, 3), other(3), 1, padding, 1),
        /f32.*f64/,
      ],
      [
        'joinedConv2d',
        'a seam at the border',
        () => kernels.joinedConv2d(x(1, 2, 4, 4), x(3, 2, 3, 3), undefined, 1, padding, 2),
        /seam at 2/,
      ],
      [
        'joinedConv2d',
        'a seam before the first channel',
        () => kernels.joinedConv2d(x(1, 2, 4, 4), x(3, 2, 3, 3), undefined, 1, padding, 0),
        /seam at 0/,
      ],
      [
        'joinedConv2d',
        'a seam that is no integer',
        () => kernels.joinedConv2d(x(1, 2, 4, 4), x(3, 2, 3, 3), undefined, 1, padding, 0.5),
        /seam at 0\.5/,
      ],
      [
        'conv2d',
        'kernel larger than the picture',
        () => kernels.conv2d(x(1, 2, 2, 2), x(3, 2, 5, 5), undefined, 1, padding),
        /kernel/,
      ],
      ['conv2d', 'dtypes', () => kernels.conv2d(x(1, 2, 4, 4), other(3, 2, 3, 3), undefined, 1, padding), /f32.*f64/],
      [
        'conv2d',
        'dtype of the bias',
        () => kernels.conv2d(x(1, 2, 4, 4), x(3, 2, 3, 3), other(3), 1, padding),
        /f32.*f64/,
      ],
      ['linear', 'channels', () => kernels.linear(x(2, 4), x(3, 5), undefined), /4.*5|5.*4/],
      ['linear', 'rank of the weight', () => kernels.linear(x(2, 4), x(4), undefined), /\[4\]/],
      ['linear', 'bias', () => kernels.linear(x(2, 4), x(3, 4), x(4)), /\[4\].*\[3\]|\[3\].*\[4\]/],
      ['linear', 'dtypes', () => kernels.linear(x(2, 4), other(3, 4), undefined), /f32.*f64/],
      ['groupNorm', 'groups', () => kernels.groupNorm(x(1, 6, 2, 2), 4, x(6), x(6), 1e-5), /4.*6|6.*4/],
      ['groupNorm', 'no groups', () => kernels.groupNorm(x(1, 6, 2, 2), 0, x(6), x(6), 1e-5), /0/],
      ['groupNorm', 'less than no groups', () => kernels.groupNorm(x(1, 6, 2, 2), -3, x(6), x(6), 1e-5), /-3/],
      [
        'groupNorm',
        'groups that are no integer',
        () => kernels.groupNorm(x(1, 6, 2, 2), 1.5, x(6), x(6), 1e-5),
        /1\.5/,
      ],
      ['groupNorm', 'weight', () => kernels.groupNorm(x(1, 6, 2, 2), 3, x(5), x(6), 1e-5), /\[5\].*\[6\]|\[6\].*\[5\]/],
      ['groupNorm', 'bias', () => kernels.groupNorm(x(1, 6, 2, 2), 3, x(6), x(5), 1e-5), /\[5\].*\[6\]|\[6\].*\[5\]/],
      ['groupNorm', 'rank', () => kernels.groupNorm(x(6), 3, x(6), x(6), 1e-5), /C/],
      ['groupNorm', 'dtypes', () => kernels.groupNorm(x(1, 6, 2, 2), 3, x(6), other(6), 1e-5), /f32.*f64/],
      ...[-1, NaN, Infinity].map(
        (eps): Refusal => [
          'groupNorm',
          `eps of ${eps}`,
          () => kernels.groupNorm(x(1, 6, 2, 2), 3, x(6), x(6), eps),
          new RegExp(`eps is ${eps}`),
        ],
      ),
      ['layerNorm', 'weight', () => kernels.layerNorm(x(2, 4), x(3), x(4), 1e-5), /\[3\].*\[4\]|\[4\].*\[3\]/],
      ['layerNorm', 'dtypes', () => kernels.layerNorm(x(2, 4), other(4), x(4), 1e-5), /f32.*f64|f64.*f32/],
      ['layerNorm', 'bias', () => kernels.layerNorm(x(2, 4), x(4), x(3), 1e-5), /the bias has shape \[3\]/],
      ['layerNorm', 'rank of the weight', () => kernels.layerNorm(x(2, 4), x(1, 4), x(4), 1e-5), /\[1, 4\]/],
      ['layerNorm', 'eps', () => kernels.layerNorm(x(2, 4), x(4), x(4), Infinity), /eps is Infinity/],
      ['attentionScores', 'heads', () => kernels.attentionScores(x(1, 4, 6), x(1, 4, 6), 4, 1), /4.*6|6.*4/],
      ['attentionScores', 'scale', () => kernels.attentionScores(x(1, 4, 6), x(1, 4, 6), 2, NaN), /NaN/],
      ['attentionMap', 'rank', () => kernels.attentionMap(x(4, 6), x(1, 4, 6), 2, 1), /\[4, 6\]/],
      ['attentionMap', 'channels', () => kernels.attentionMap(x(1, 4, 6), x(1, 4, 8), 2, 1), /\[1, 4, 8\]/],
      ['attentionMap', 'batch', () => kernels.attentionMap(x(1, 4, 6), x(2, 4, 6), 2, 1), /\[2, 4, 6\]/],
      ['attentionMap', 'heads', () => kernels.attentionMap(x(1, 4, 6), x(1, 4, 6), 4, 1), /4.*6|6.*4/],
      ['attentionMap', 'less than no heads', () => kernels.attentionMap(x(1, 4, 6), x(1, 4, 6), -2, 1), /-2/],
      ['attentionMap', 'dtypes', () => kernels.attentionMap(x(1, 4, 6), other(1, 4, 6), 2, 1), /f32.*f64/],
      ...[NaN, Infinity].map(
        (scale): Refusal => [
          'attentionMap',
          `scale of ${scale}`,
          () => kernels.attentionMap(x(1, 4, 6), x(1, 4, 6), 2, scale),
          new RegExp(`the scale is ${scale}`),
        ],
      ),
      ['applyAttentionMap', 'rank of the map', () => kernels.applyAttentionMap(x(2, 4, 4), x(1, 4, 6)), /\[2, 4, 4\]/],
      ['applyAttentionMap', 'keys', () => kernels.applyAttentionMap(x(1, 2, 4, 5), x(1, 4, 6)), /\[1, 4, 6\]/],
      ['applyAttentionMap', 'heads', () => kernels.applyAttentionMap(x(1, 4, 4, 4), x(1, 4, 6)), /4.*6|6.*4/],
      ['attention', 'values', () => kernels.attention(x(1, 4, 6), x(1, 5, 6), x(1, 4, 6), 2, 1), /\[1, 4, 6\]/],
      [
        'attention',
        'channels of the keys',
        () => kernels.attention(x(1, 4, 6), x(1, 5, 8), x(1, 5, 6), 2, 1),
        /\[1, 5, 8\]/,
      ],
      ['attention', 'heads', () => kernels.attention(x(1, 4, 6), x(1, 4, 6), x(1, 4, 6), 0, 1), /0/],
      [
        'attention',
        'heads that are no integer',
        () => kernels.attention(x(1, 4, 6), x(1, 4, 6), x(1, 4, 6), 1.5, 1),
        /1\.5/,
      ],
      ['attention', 'dtypes', () => kernels.attention(x(1, 4, 6), x(1, 4, 6), other(1, 4, 6), 2, 1), /f32.*f64/],
      ['activation', 'kind', () => kernels.activation(x(2), 'selu' as Activation), /"selu".*silu, gelu, mish, relu/],
      ['upsampleNearest2x', 'rank', () => kernels.upsampleNearest2x(x(3, 4, 4)), /\[3, 4, 4\]/],
      ['upsampleConv2d', 'rank', () => kernels.upsampleConv2d(x(3, 4, 4), x(2, 3, 3, 3), undefined), /\[3, 4, 4\]/],
      [
        'upsampleConv2d',
        'kernel',
        () => kernels.upsampleConv2d(x(1, 3, 4, 4), x(2, 3, 1, 1), undefined),
        /\[2, 3, 1, 1\]/,
      ],
      [
        'upsampleConv2d',
        'channels',
        () => kernels.upsampleConv2d(x(1, 3, 4, 4), x(2, 4, 3, 3), undefined),
        /\[2, 4, 3, 3\]/,
      ],
      ['upsampleConv2d', 'bias', () => kernels.upsampleConv2d(x(1, 3, 4, 4), x(2, 3, 3, 3), x(3)), /\[3\]/],
      [
        'upsampleConv2d',
        'dtypes',
        () => kernels.upsampleConv2d(x(1, 3, 4, 4), other(2, 3, 3, 3), undefined),
        /f32.*f64/,
      ],
      ['resizeNearest', 'rank', () => kernels.resizeNearest(x(3, 4, 4), 2, 2), /\[3, 4, 4\]/],
      ['resizeNearest', 'half a row', () => kernels.resizeNearest(x(1, 3, 4, 4), 2.5, 2), /2\.5/],
      ['resizeNearest', 'to nothing', () => kernels.resizeNearest(x(1, 3, 4, 4), 2, 0), /2 × 0/],
      ['resizeNearest', 'of nothing', () => kernels.resizeNearest(x(1, 3, 0, 4), 2, 2), /0 × 4/],
      ['averagePool2x', 'rank', () => kernels.averagePool2x(x(3, 4, 4)), /\[3, 4, 4\]/],
      ['concatChannels', 'pixels', () => kernels.concatChannels(x(1, 2, 4, 4), x(1, 2, 4, 5)), /\[1, 2, 4, 5\]/],
      ['concatChannels', 'batch', () => kernels.concatChannels(x(1, 2, 4, 4), x(2, 2, 4, 4)), /\[2, 2, 4, 4\]/],
      ['concatChannels', 'dtypes', () => kernels.concatChannels(x(1, 2), other(1, 2)), /f32.*f64/],
      ['concatChannels', 'rank', () => kernels.concatChannels(x(2), x(2)), /\[2\]/],
      ['sliceChannels', 'too far', () => kernels.sliceChannels(x(1, 3, 2), 1, 4), /4/],
      ['sliceChannels', 'backwards', () => kernels.sliceChannels(x(1, 3, 2), 2, 1), /2.*1/],
      ['sliceChannels', 'half a channel', () => kernels.sliceChannels(x(1, 3, 2), 0.5, 2.5), /0\.5/],
      ['sliceChannels', 'rank', () => kernels.sliceChannels(x(3), 0, 1), /\[3\]/],
      ['concatBatch', 'channels', () => kernels.concatBatch([x(1, 2), x(1, 3)]), /\[1, 3\]/],
      ['concatBatch', 'no parts', () => kernels.concatBatch([]), /./],
      ['concatBatch', 'dtypes', () => kernels.concatBatch([x(1, 2), other(1, 2)]), /f32.*f64/],
      ['concatBatch', 'rank', () => kernels.concatBatch([x(), x()]), /without dimensions/],
      ['sliceBatch', 'too far', () => kernels.sliceBatch(x(3, 2), 0, 4), /4/],
      ['sliceBatch', 'below zero', () => kernels.sliceBatch(x(3, 2), -1, 2), /-1/],
      ['sliceBatch', 'to half a sample', () => kernels.sliceBatch(x(3, 2), 0, 1.5), /1\.5/],
      ['sliceBatch', 'rank', () => kernels.sliceBatch(x(), 0, 0), /\[\]/],
      ['reshape', 'other numbers', () => kernels.reshape(x(2, 6), [2, 4]), /\[2, 6\].*\[2, 4\]/],
      ['reshape', 'rank', () => kernels.reshape(x(), []), /\[\]/],
      ['reshape', 'half an extent', () => kernels.reshape(x(2, 5), [2, 2.5]), /2\.5/],
      ['toTokens', 'rank', () => kernels.toTokens(x(3, 4, 4)), /\[3, 4, 4\]/],
      ['fromTokens', 'number of tokens', () => kernels.fromTokens(x(1, 15, 2), 4, 4), /15/],
      ['fromTokens', 'rank', () => kernels.fromTokens(x(16, 2), 4, 4), /\[16, 2\]/],
      ['fromTokens', 'half a pixel', () => kernels.fromTokens(x(1, 5, 2), 2, 2.5), /2\.5/],
      ['fromTokens', 'half a row', () => kernels.fromTokens(x(1, 5, 2), 2.5, 2), /2\.5/],
      ['fromTokens', 'less than nothing', () => kernels.fromTokens(x(1, 16, 2), -4, -4), /-4/],
      ['add', 'shapes', () => kernels.add(x(2, 3, 4, 4), x(2, 4)), /\[2, 4\]/],
      ['add', 'dtypes', () => kernels.add(x(2, 3), other(2, 3)), /f32.*f64/],
      ['add', 'a number for each channel of another batch', () => kernels.add(x(2, 3, 4, 4), x(1, 3)), /\[1, 3\]/],
      ['add', 'a number for each channel, and no pixels', () => kernels.add(x(2, 3), x(2, 3, 1)), /\[2, 3, 1\]/],
      ['multiply', 'shapes', () => kernels.multiply(x(2, 3), x(3, 2)), /\[3, 2\]/],
      ['subtract', 'shapes: it does not spread', () => kernels.subtract(x(2, 3, 4, 4), x(2, 3)), /\[2, 3\]/],
      ['subtract', 'dtypes', () => kernels.subtract(x(2, 3), other(2, 3)), /f32.*f64/],
      [
        'conv2dWeightGradient',
        'the gradient of another picture',
        () => kernels.conv2dWeightGradient(x(1, 2, 4, 4), x(1, 3, 4, 5), 3, 3, 1, padding),
        /\[1, 3, 4, 5\].*\[1, 3, 4, 4\]/,
      ],
      [
        'conv2dWeightGradient',
        'another batch',
        () => kernels.conv2dWeightGradient(x(1, 2, 4, 4), x(2, 3, 4, 4), 3, 3, 1, padding),
        /\[2, 3, 4, 4\]/,
      ],
      [
        'conv2dWeightGradient',
        'tiles of another kernel',
        () => kernels.conv2dWeightGradient(x(1, 2, 4, 4), x(1, 3, 4, 3), 3, 4, 1, padding, 2),
        /tiles are for a kernel of 3 × 3 and a stride of 1, not 3 × 4 and a stride of 1/,
      ],
      [
        'conv2dWeightGradient',
        'tiles of another width',
        () => kernels.conv2dWeightGradient(x(1, 2, 4, 4), x(1, 3, 4, 4), 3, 3, 1, padding, 3 as never),
        /a tile is 2 or 4 outputs wide, not 3/,
      ],
      [
        'conv2dWeightGradient',
        'no kernel',
        () => kernels.conv2dWeightGradient(x(1, 2, 4, 4), x(1, 3, 4, 4), 0, 3, 1, padding),
        /0 × 3/,
      ],
      [
        'conv2dWeightGradient',
        'dtypes',
        () => kernels.conv2dWeightGradient(x(1, 2, 4, 4), other(1, 3, 4, 4), 3, 3, 1, padding),
        /f32.*f64/,
      ],
      ['entmax', 'alpha', () => kernels.entmax(x(2, 3), 1 as never), /alpha is 1; it must be 1.5 or 2/],
      ['limitNorm', 'other', () => kernels.limitNorm(x(2, 3), x(2, 4), 1), /\[2, 4\]/],
      ['limitNorm', 'limit', () => kernels.limitNorm(x(2, 3), x(2, 3), -1), /the limit is -1/],
      ['transposeWeight', 'rank', () => kernels.transposeWeight(x(3)), /1 dimensions/],
      ['transposeMap', 'rank', () => kernels.transposeMap(x(3, 4, 4)), /\[3, 4, 4\]/],
      ['placePixels', 'rank', () => kernels.placePixels(x(3, 4, 4), 1, 0, 0, 2, 2), /\[3, 4, 4\]/],
      ['placePixels', 'stride', () => kernels.placePixels(x(1, 3, 4, 4), 0, 0, 0, 2, 2), /stride of 0/],
      ['placePixels', 'half a pixel', () => kernels.placePixels(x(1, 3, 4, 4), 1, 0.5, 0, 2, 2), /0\.5/],
      ['placePixels', 'less than nothing', () => kernels.placePixels(x(1, 3, 4, 4), 1, 0, 0, -1, 2), /-1 × 2/],
      [
        'activationDerivative',
        'kind',
        () => kernels.activationDerivative(x(2), 'selu' as Activation),
        /"selu".*silu, gelu/,
      ],
      [
        'groupNormGradient',
        'shapes',
        () => kernels.groupNormGradient(x(1, 6, 2), x(1, 6, 3), x(6), 3, 1e-5),
        /\[1, 6, 3\]/,
      ],
      ['groupNormGradient', 'weight', () => kernels.groupNormGradient(x(1, 6, 2), x(1, 6, 2), x(3), 3, 1e-5), /\[3\]/],
      ['groupNormGradient', 'groups', () => kernels.groupNormGradient(x(1, 6, 2), x(1, 6, 2), x(6), 4, 1e-5), /4.*6/],
      ['groupNormGradient', 'eps', () => kernels.groupNormGradient(x(1, 6, 2), x(1, 6, 2), x(6), 3, -1), /eps is -1/],
      ['groupNormSums', 'shapes', () => kernels.groupNormSums(x(1, 6, 2), x(1, 6, 3), 3, 1e-5), /\[1, 6, 3\]/],
      ['groupNormSums', 'groups', () => kernels.groupNormSums(x(1, 6, 2), x(1, 6, 2), 4, 1e-5), /4.*6/],
    ];
    it.each(cases)('%s: %s', (operation, _, run, found) => {
      let error: unknown;
      try {
        run();
      } catch (caught) {
        error = caught;
      }
      expect(error).toBeInstanceOf(InputError);
      expect((error as InputError).message).toMatch(new RegExp(`^${operation}: `));
      expect((error as InputError).message).toMatch(found);
    });
  },
);
