/** Convolutions and linear layers: a picture or rows, a weight, and perhaps a bias. */
import { shown } from '../../tensor/shown.ts';
import { sizeOf, type Tensor } from '../../tensor/tensor.ts';
import { dimensions, expect, expectShape } from './checks.ts';
import type { Padding, WinogradWidth } from '../kernels.ts';
import type { Attributes, Kind, Rows, Shape } from './operation.ts';

/** What is a sum of products with weights. */
export const products: Rows<'conv2d' | 'winogradConv2d' | 'upsampleConv2d' | 'linear'> = {
  conv2d: {
    read: (x, weight, bias, stride, padding) => ({
      tensors: given(x, weight, bias),
      attributes: { stride, padding },
    }),
    shape: convolved,
    products: (attributes, shapes) => sizeOf(convolved(attributes, shapes)) * sizeOf(shapes[1].slice(1)),
    apply: (kernels, { stride, padding }, [x, weight, bias]) => kernels.conv2d(x, weight, bias, stride, padding),
  },
  winogradConv2d: {
    read: (x, weight, bias, width, padding) => ({
      tensors: given(x, weight, bias),
      attributes: { width, padding },
    }),
    shape({ width, padding }, shapes) {
      const [outChannels, channels] = dimensions('winogradConv2d', shapes[1], 'O,C,kh,kw');
      expectShape('winogradConv2d', 'the weight', shapes[1], [outChannels, channels, 3, 3]);
      expectTileWidth('winogradConv2d', width);
      return convolved({ stride: 1, padding }, shapes, 'winogradConv2d');
    },
    products: ({ width, padding }, shapes) => winogradProducts(width, padding, shapes),
    apply: (kernels, { width, padding }, [x, weight, bias]) => kernels.winogradConv2d(x, weight, bias, width, padding),
  },
  upsampleConv2d: {
    read: (x, weight, bias) => ({
      tensors: given(x, weight, bias),
      attributes: {},
    }),
    shape(_, [x, weight, bias]) {
      const [batch, channels, height, width] = dimensions('upsampleConv2d', x, 'B,C,H,W');
      const [outChannels] = dimensions('upsampleConv2d', weight, 'O,C,kh,kw');
      expectShape('upsampleConv2d', 'the weight', weight, [outChannels, channels, 3, 3]);
      expectShape('upsampleConv2d', 'the bias', bias, [outChannels]);
      return [batch, outChannels, 2 * height, 2 * width];
    },
    // Four of a kernel's nine products are done for an output pixel: see definition/upsample-conv2d.
    products: (_, [[batch, channels, height, width], [outChannels]]) =>
      4 * batch * outChannels * channels * (4 * height * width),
    apply: (kernels, _, [x, weight, bias]) => kernels.upsampleConv2d(x, weight, bias),
  },
  linear: {
    read: (x, weight, bias) => ({
      tensors: given(x, weight, bias),
      attributes: {},
    }),
    shape(_, [x, weight, bias]) {
      const [outChannels, channels] = dimensions('linear', weight, 'O,C');
      expect('linear', x.at(-1) === channels, `rows of ${x.at(-1)} numbers meet a weight for ${channels}`);
      expectShape('linear', 'the bias', bias, [outChannels]);
      return [...x.slice(0, -1), outChannels];
    },
    products: (_, [x, [outChannels]]) => sizeOf(x) * outChannels,
    apply: (kernels, _, [x, weight, bias]) => kernels.linear(x, weight, bias),
  },
};

function given(x: Tensor, weight: Tensor, bias: Tensor | undefined): readonly Tensor[] {
  return bias === undefined ? [x, weight] : [x, weight, bias];
}

/** The shape of a convolution's result. @param operation what messages call it */
export function convolved(
  { stride, padding }: Attributes['conv2d'],
  [x, weight, bias]: readonly Shape[],
  operation = 'conv2d',
): Shape {
  const { top, bottom, left, right } = Object(padding) as Padding;
  const [batch, channels, height, width] = dimensions(operation, x, 'B,C,H,W');
  const [outChannels, weightChannels, kernelHeight, kernelWidth] = dimensions(operation, weight, 'O,C,kh,kw');
  expect(
    operation,
    weightChannels === channels,
    `the weight is for ${weightChannels} channels, but the picture has ${channels}`,
  );
  expectShape(operation, 'the bias', bias, [outChannels]);
  expect(
    operation,
    Number.isInteger(stride) && stride >= 1,
    `the stride must be a whole number from 1 on, but is ${shown(stride)}`,
  );
  expect(
    operation,
    [top, bottom, left, right].every((pixels) => Number.isInteger(pixels) && pixels >= 0),
    `the padding must be whole numbers from 0 on, but is ${[top, bottom, left, right].map(shown).join(', ')}`,
  );
  const outHeight = Math.floor((height + top + bottom - kernelHeight) / stride) + 1;
  const outWidth = Math.floor((width + left + right - kernelWidth) / stride) + 1;
  expect(
    operation,
    outHeight >= 1 && outWidth >= 1,
    `a picture of ${height} × ${width} with its padding is smaller than the kernel`,
  );
  return [batch, outChannels, outHeight, outWidth];
}

/** Fails unless tiles of Winograd's convolutions are so wide. */
export function expectTileWidth(kind: Kind, width: unknown): void {
  const known: readonly unknown[] = [2, 4];
  expect(kind, known.includes(width), `a tile is 2 or 4 outputs wide, not ${shown(width)}`);
}

/** Products of whole tiles: see definition/winograd-conv2d. @param shapes of the picture and the weight */
export function winogradProducts(width: WinogradWidth, padding: Padding, [x, weight]: readonly Shape[]): number {
  const [batch, outChannels, height, columns] = convolved({ stride: 1, padding }, [x, weight]);
  const tiles = batch * Math.ceil(height / 2) * Math.ceil(columns / width);
  return 4 * (width + 2) * tiles * outChannels * weight[1];
}
