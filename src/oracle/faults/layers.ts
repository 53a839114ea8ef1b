/** Mistakes in norms, convolutions, linear layers, activations and resampling. */
import { allocate, sameShape, sizeOf, tensor, type Tensor } from '../../tensor/tensor.ts';
import { tanh } from '../../tensor/math/index.ts';
import type { Kernels, Padding } from '../../kernels/kernels.ts';
import { evenPadding } from '../../nn/layers.ts';
import { permuted } from '../align.ts';
import { filled, groupNormEps, inKernels, inKernelsOf, type Fault } from './fault.ts';

type GroupNorm = Kernels['groupNorm'];

function inGroupNorm(name: string, says: string, change: (groupNorm: GroupNorm) => GroupNorm): Fault {
  return inKernels(name, says, (k) => ({ groupNorm: change(k.groupNorm) }));
}

/** What is known of a group of a norm. */
interface Group {
  readonly values: Tensor['data'];
  readonly mean: number;
  readonly variance: number;
  readonly eps: number;
}

/**
 * Each group less its mean, by another divisor.
 * @param isCentred whether the mean is subtracted
 */
function byMoments(divisorOf: (group: Group) => number, isCentred = true): (groupNorm: GroupNorm) => GroupNorm {
  return () => (x, groups, weight, bias, eps) => {
    const [batch, channels] = x.shape;
    const pixels = x.data.length / (batch * channels);
    const size = (channels / groups) * pixels;
    const data = x.data.slice();
    for (let start = 0; start < data.length; start += size) {
      const values = x.data.subarray(start, start + size);
      let [sum, squares] = [0, 0];
      for (let i = 0; i < size; i++) sum += values[i];
      const mean = sum / size;
      for (let i = 0; i < size; i++) squares += (values[i] - mean) ** 2;
      const divisor = divisorOf({ values, mean, variance: squares / size, eps });
      const centre = isCentred ? mean : 0;
      for (let i = start; i < start + size; i++) {
        const channel = Math.floor(i / pixels) % channels;
        data[i] = ((x.data[i] - centre) / divisor) * weight.data[channel] + bias.data[channel];
      }
    }
    return tensor(x.dtype, x.shape, data);
  };
}

/** E[x²] − E[x]² with every step in float32. */
function onePassVariance(values: Tensor['data']): number {
  const f32 = Math.fround;
  let [sum, squares] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    sum = f32(sum + values[i]);
    squares = f32(squares + f32(values[i] * values[i]));
  }
  const mean = f32(sum / values.length);
  return Math.max(0, f32(f32(squares / values.length) - f32(mean * mean)));
}

/** Channel c in group c mod G. */
const interleavedGroups =
  (groupNorm: GroupNorm): GroupNorm =>
  (x, groups, weight, bias, eps) => {
    const [batch, channels] = x.shape;
    const pixels = x.data.length / (batch * channels);
    const order = (from: number, to: number, y: Tensor): Tensor => ({
      ...permuted(tensor(y.dtype, [y.data.length / (channels * pixels), from, to, pixels], y.data), [0, 2, 1, 3]),
      shape: y.shape,
    });
    const vector = (v: Tensor): Tensor => ({
      ...permuted(tensor(v.dtype, [channels / groups, groups], v.data), [1, 0]),
      shape: v.shape,
    });
    const y = groupNorm(order(channels / groups, groups, x), groups, vector(weight), vector(bias), eps);
    return order(groups, channels / groups, y);
  };

const square = (weight: Tensor): boolean => weight.shape[0] === weight.shape[1];

type Convolution = Parameters<Kernels['conv2d']>;

/** Every convolution, given something else. */
function convolutionsOf(k: Kernels, change: (...given: Convolution) => Convolution): Partial<Kernels> {
  return {
    conv2d: (...given) => k.conv2d(...change(...given)),
    joinedConv2d: (x, weight, bias, stride, padding, seam) =>
      k.joinedConv2d(...change(x, weight, bias, stride, padding), seam),
  };
}

function inWeightOf(name: string, says: string, change: (weight: Tensor) => Tensor): Fault {
  return inKernels(name, says, (k) => ({
    ...convolutionsOf(k, (x, weight, ...rest) => [x, change(weight), ...rest]),
    upsampleConv2d: (x, weight, bias) => k.upsampleConv2d(x, change(weight), bias),
  }));
}

const noPadding = evenPadding(0);
const below: Padding = { top: 0, bottom: 1, left: 0, right: 1 };

/** Convolutions that halve with one padding, with another one. */
function paddedDownsampling(k: Kernels, from: Padding, to: Padding): Partial<Kernels> {
  return convolutionsOf(k, (x, weight, bias, stride, padding) => {
    const isMeant = stride === 2 && padding.top === from.top && padding.bottom === from.bottom;
    return [x, weight, bias, stride, isMeant ? to : padding];
  });
}

/** The picture with its border repeated once. */
function replicated(x: Tensor): Tensor {
  const [batch, channels, height, width] = x.shape;
  const shape = [batch, channels, height + 2, width + 2];
  const out = allocate(x.dtype, sizeOf(shape));
  for (let at = 0; at < out.length; at++) {
    const column = Math.min(width - 1, Math.max(0, (at % (width + 2)) - 1));
    const row = Math.min(height - 1, Math.max(0, (Math.floor(at / (width + 2)) % (height + 2)) - 1));
    out[at] = x.data[(Math.floor(at / ((width + 2) * (height + 2))) * height + row) * width + column];
  }
  return tensor(x.dtype, shape, out);
}

/** Twice the picture, linear between the pixels, as interpolate(mode="bilinear", align_corners=False). */
function bilinear(x: Tensor, doubled: Tensor): Tensor {
  const [, , height, width] = x.shape;
  const between = (target: number, size: number): readonly [number, number, number] => {
    const place = Math.max(0, (target + 0.5) / 2 - 0.5);
    const low = Math.min(size - 1, Math.floor(place));
    return [low, Math.min(size - 1, low + 1), place - low];
  };
  return filled(doubled, (at) => {
    const [left, right, across] = between(at % (2 * width), width);
    const [upper, lower, down] = between(Math.floor(at / (2 * width)) % (2 * height), height);
    const plane = Math.floor(at / (4 * width * height)) * width * height;
    const row = (y: number): number =>
      x.data[plane + y * width + left] * (1 - across) + x.data[plane + y * width + right] * across;
    return row(upper) * (1 - down) + row(lower) * down;
  });
}

function pooledBy(x: Tensor, pooled: Tensor, choose: (values: readonly number[]) => number): Tensor {
  const [, , height, width] = x.shape;
  const [, , outHeight, outWidth] = pooled.shape;
  return filled(pooled, (at) => {
    const [column, row, plane] = [
      at % outWidth,
      Math.floor(at / outWidth) % outHeight,
      Math.floor(at / (outWidth * outHeight)),
    ];
    const first = (plane * height + 2 * row) * width + 2 * column;
    return choose([x.data[first], x.data[first + 1], x.data[first + width], x.data[first + width + 1]]);
  });
}

const geluByTanh = (x: number): number => 0.5 * x * (1 + tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

/** Mistakes in all layers but attention. */
export const layerFaults: readonly Fault[] = [
  inKernels('norm-eps-1e-6', 'use ε = 1e-6 in the group norms where it is 1e-5', groupNormEps(1e-5, 1e-6)),
  inGroupNorm(
    'norm-eps-1e-5',
    'use ε = 1e-5 in the group norms whatever the config says',
    (norm) => (x, g, w, b) => norm(x, g, w, b, 1e-5),
  ),
  inGroupNorm(
    'norm-eps-outside-root',
    'compute 1/(√variance + ε) where 1/√(variance + ε) is meant',
    byMoments(({ variance, eps }) => Math.sqrt(variance) + eps),
  ),
  inGroupNorm(
    'norm-variance-unbiased',
    'divide the variance of a group by n − 1 where n is meant',
    byMoments(({ values: { length: n }, variance, eps }) => Math.sqrt((variance * n) / Math.max(1, n - 1) + eps)),
  ),
  inGroupNorm(
    'norm-variance-one-pass',
    'compute the variance as E[x²] − E[x]² in float32, which cancels where the mean is large',
    byMoments(({ values, eps }) => Math.sqrt(onePassVariance(values) + eps)),
  ),
  inGroupNorm(
    'norm-without-mean',
    'do not subtract the mean in the group norms (RMS norm)',
    byMoments(({ mean, variance, eps }) => Math.sqrt(variance + mean * mean + eps), false),
  ),
  inGroupNorm(
    'norm-groups-halved',
    'norm with half as many groups',
    (norm) => (x, g, w, b, eps) => norm(x, g % 2 === 0 ? g / 2 : g, w, b, eps),
  ),
  inGroupNorm(
    'norm-groups-doubled',
    'norm with twice as many groups',
    (norm) => (x, g, w, b, eps) => norm(x, x.shape[1] % (2 * g) === 0 ? 2 * g : g, w, b, eps),
  ),
  inGroupNorm(
    'norm-one-group',
    'norm all channels together (one group) where there are several',
    (norm) => (x, _, w, b, eps) => norm(x, 1, w, b, eps),
  ),
  inGroupNorm(
    'norm-each-channel',
    'norm each channel on its own (instance norm)',
    (norm) => (x, _, w, b, eps) => norm(x, x.shape[1], w, b, eps),
  ),
  inGroupNorm(
    'norm-groups-interleaved',
    'put channel c into group c mod G: the channels of a group are neighbours',
    interleavedGroups,
  ),
  inGroupNorm(
    'norm-without-weight',
    'leave out weight and bias of the group norms',
    (norm) => (x, g, w, b, eps) =>
      norm(
        x,
        g,
        filled(w, () => 1),
        filled(b, () => 0),
        eps,
      ),
  ),

  inWeightOf(
    'convolution-flipped',
    'turn the kernel by 180°: a true convolution, where a correlation is meant',
    (weight) => {
      const size = weight.shape[2] * weight.shape[3];
      return filled(weight, (i) => weight.data[i - (i % size) + size - 1 - (i % size)]);
    },
  ),
  inWeightOf('convolution-transposed', 'swap height and width of the kernels', (weight) =>
    weight.shape[2] === weight.shape[3] ? permuted(weight, [0, 1, 3, 2]) : weight,
  ),
  inWeightOf('convolution-channels-swapped', 'swap input and output channels of the kernels', (weight) =>
    square(weight) ? permuted(weight, [1, 0, 2, 3]) : weight,
  ),
  inKernels('convolution-bias-missing', 'leave out the bias of the convolutions', (k) => ({
    ...convolutionsOf(k, (x, weight, _, ...rest) => [x, weight, undefined, ...rest]),
    upsampleConv2d: (x, weight) => k.upsampleConv2d(x, weight, undefined),
  })),
  inKernels('convolution-edge-padding', 'repeat the border of the picture where it is padded with zeros', (k) => ({
    ...convolutionsOf(k, (x, weight, bias, stride, padding) =>
      Object.values(padding).every((pixels) => pixels === 1)
        ? [replicated(x), weight, bias, stride, noPadding]
        : [x, weight, bias, stride, padding],
    ),
    upsampleConv2d: (x, weight, bias) => k.conv2d(replicated(k.upsampleNearest2x(x)), weight, bias, 1, noPadding),
  })),
  inKernels(
    'downsample-padding-symmetric',
    'pad the downsampling on all sides where zeros below and right are meant, as in every autoencoder',
    (k) => paddedDownsampling(k, below, evenPadding(1)),
  ),
  inKernels(
    'downsample-padding-asymmetric',
    'pad the downsampling below and right only where all sides are meant',
    (k) => paddedDownsampling(k, evenPadding(1), below),
  ),
  inKernels(
    'downsample-padding-upper-left',
    'put the zeros of the downsampling above and left where they belong below and right',
    (k) =>
      convolutionsOf(k, (x, weight, bias, stride, { top, bottom, left, right }) => [
        x,
        weight,
        bias,
        stride,
        { top: bottom, bottom: top, left: right, right: left },
      ]),
  ),
  inKernels('linear-transposed', 'multiply by W where Wᵀ is meant in linear layers that are square', (k) => ({
    linear: (x, weight, bias) => k.linear(x, square(weight) ? permuted(weight, [1, 0]) : weight, bias),
  })),
  inKernels('linear-bias-missing', 'leave out the bias of the linear layers', (k) => ({
    linear: (x, weight) => k.linear(x, weight, undefined),
  })),

  inKernels('gelu-tanh', 'approximate GELU by tanh where the exact form is meant', (k) => ({
    activation: (x, kind) => (kind === 'gelu' ? filled(x, (i) => geluByTanh(x.data[i])) : k.activation(x, kind)),
  })),
  inKernels('silu-is-gelu', 'use GELU where SiLU is meant', (k) => ({
    activation: (x, kind) => k.activation(x, kind === 'silu' ? 'gelu' : kind),
  })),
  inKernels('silu-is-relu', 'use ReLU where SiLU is meant', (k) => ({
    activation: (x, kind) => k.activation(x, kind === 'silu' ? 'relu' : kind),
  })),
  inKernels('silu-of-double', 'compute x · sigmoid(1.702 x) where x · sigmoid(x) is meant', (k) => ({
    activation: (x, kind) =>
      kind === 'silu' ? k.affine(k.activation(k.affine(x, 1.702, 0), kind), 1 / 1.702, 0) : k.activation(x, kind),
  })),
  inKernels('upsample-bilinear', 'double the picture bilinearly where the nearest neighbour is meant', (k) => ({
    upsampleNearest2x: (x) => bilinear(x, k.upsampleNearest2x(x)),
    upsampleConv2d: (x, weight, bias) => k.conv2d(bilinear(x, k.upsampleNearest2x(x)), weight, bias, 1, evenPadding(1)),
  })),
  inKernels('pool-maximum', 'halve by the maximum where the mean is meant', (k) => ({
    averagePool2x: (x) => pooledBy(x, k.averagePool2x(x), (values) => Math.max(...values)),
  })),
  inKernels('pool-corner', 'halve by taking every second pixel where the mean is meant', (k) => ({
    averagePool2x: (x) => pooledBy(x, k.averagePool2x(x), ([first]) => first),
  })),

  inKernelsOf(
    ({ kind }) => kind === 'resnet',
    'residual-missing',
    'do not add the input of a residual block to its output',
    (k) => ({ add: (a, b) => (sameShape(a.shape, b.shape) && a.shape.length === 4 ? b : k.add(a, b)) }),
  ),
  inKernels('scale-without-one', 'multiply by the scale of the time embedding where 1 + scale is meant', (k) => ({
    affine: (x, factor, offset) => k.affine(x, factor, factor === 1 && offset === 1 ? 0 : offset),
  })),
  inKernels(
    'scale-shift-swapped',
    'take the first half of the time projection for the shift and the second for the scale',
    (k) => ({
      sliceChannels: (x, start, end) =>
        x.shape.length === 2 && 2 * (end - start) === x.shape[1]
          ? k.sliceChannels(x, start === 0 ? end : 0, start === 0 ? 2 * end : start)
          : k.sliceChannels(x, start, end),
    }),
  ),
];
