/** Convolutions, linear layers and attention in double precision, as uncertain as their sums are. See noise.ts. */
import type { Kernels, Padding } from '../../kernels/kernels.ts';
import { quickKernels as exact } from '../matrix/kernels.ts';
import { evenPadding } from '../../nn/layers.ts';
import type { FloatArray, Tensor } from '../../tensor/tensor.ts';
import { growthOf, type Noise } from './noise.ts';
import { winogradMagnitude, type winogradSizes } from './noisy-winograd.ts';

type Multiply = (a: Tensor, b: Tensor) => Tensor;

/**
 * A product that has been computed: of which tensors, with how many terms each sum, and how to compute it of others.
 */
export interface Product {
  readonly result: Tensor;
  readonly a: Tensor;
  readonly b: Tensor;
  readonly terms: number;
  readonly run: Multiply;
  /** Where ports sum otherwise, too: the magnitude of that way, times its growth. */
  readonly otherwise?: FloatArray | undefined;
  /** What is added to element i of the result, perhaps after that has been stored. */
  readonly bias?: ((i: number) => number) | undefined;
}

/** The result, moved by what its sums may err. */
export function uncertain({ format, moved }: Noise, { result: y, a, b, terms, run, otherwise, bias }: Product): Tensor {
  const { stored, multiplied, added } = format;
  const magnitude = run(absolute(a), absolute(b)).data;
  const squares = multiplied > 0 ? run(squared(a), squared(b)).data : undefined;
  const growth = growthOf(terms);
  return moved(
    y,
    (i) =>
      added * Math.max(growth * magnitude[i], otherwise?.[i] ?? 0) +
      added * growth * (bias ? Math.abs(bias(i)) : 0) +
      stored * (Math.abs(y.data[i]) + (bias ? Math.abs(y.data[i] - bias(i)) : 0)) +
      (squares ? multiplied * (2 * Math.sqrt(squares[i]) + Math.abs(y.data[i])) : 0),
  );
}

/** What a Winograd convolution errs by, in units of one rounding; undefined where there is none. */
function winogradErrors(
  x: Tensor,
  weight: Tensor,
  stride: number,
  padding: Padding,
  sizesOf: typeof winogradSizes,
): FloatArray | undefined {
  const [, channels, ...kernel] = weight.shape;
  if (stride !== 1 || kernel.some((extent) => extent !== 3)) return undefined;
  const growth = growthOf(channels);
  return winogradMagnitude(x, sizesOf(weight), padding).map((magnitude) => growth * magnitude);
}

/**
 * Convolutions and linear layers.
 * @param sizesOf `winogradSizes`, which may remember those of weights that it has seen
 */
export function noisyProducts(
  noise: Noise,
  sizesOf: typeof winogradSizes,
): Pick<Kernels, 'conv2d' | 'winogradConv2d' | 'joinedConv2d' | 'upsampleConv2d' | 'linear'> {
  const conv2d: Kernels['conv2d'] = (x, weight, bias, stride, padding) => {
    const result = exact.conv2d(x, weight, bias, stride, padding);
    const pixels = result.shape[2] * result.shape[3];
    return uncertain(noise, {
      result,
      a: x,
      b: weight,
      terms: weight.data.length / weight.shape[0],
      run: (a, b) => exact.conv2d(a, b, undefined, stride, padding),
      otherwise: winogradErrors(x, weight, stride, padding, sizesOf),
      bias: bias && ((i) => bias.data[Math.floor(i / pixels) % bias.data.length]),
    });
  };
  return {
    conv2d,
    winogradConv2d: (x, weight, bias, _width, padding) => conv2d(x, weight, bias, 1, padding),
    // As ports do it: they know no seam, and double the picture first.
    joinedConv2d: (x, weight, bias, stride, padding) => conv2d(x, weight, bias, stride, padding),
    upsampleConv2d: (x, weight, bias) => conv2d(exact.upsampleNearest2x(x), weight, bias, 1, evenPadding(1)),
    linear: (x, weight, bias) =>
      uncertain(noise, {
        result: exact.linear(x, weight, bias),
        a: x,
        b: weight,
        terms: weight.shape[1],
        run: (a, b) => exact.linear(a, b, undefined),
        bias: bias && ((i) => bias.data[i % bias.data.length]),
      }),
  };
}

/** Attention, with the softmax of `softmax`. */
export function noisyAttention(
  noise: Noise,
  softmax: Kernels['softmax'],
): Pick<Kernels, 'attentionScores' | 'attentionMap' | 'applyAttentionMap' | 'attention'> {
  const attentionScores: Kernels['attentionScores'] = (q, k, heads, scale) => {
    const run = (a: Tensor, b: Tensor): Tensor => exact.attentionScores(a, b, heads, scale);
    return uncertain(noise, { result: run(q, k), a: q, b: k, terms: q.shape[2] / heads, run });
  };
  const attentionMap: Kernels['attentionMap'] = (...given) => softmax(attentionScores(...given));
  const applyAttentionMap: Kernels['applyAttentionMap'] = (map, v) =>
    uncertain(noise, {
      result: exact.applyAttentionMap(map, v),
      a: map,
      b: v,
      terms: v.shape[1],
      run: exact.applyAttentionMap,
    });
  return {
    attentionScores,
    attentionMap,
    applyAttentionMap,
    attention: (q, k, v, heads, scale) => applyAttentionMap(attentionMap(q, k, heads, scale), v),
  };
}

/** |x|, element by element. */
export function absolute(x: Tensor): Tensor {
  const data = x.data.slice();
  for (let i = 0; i < data.length; i++) data[i] = Math.abs(data[i]);
  return { ...x, data };
}

function squared(x: Tensor): Tensor {
  return { ...x, data: x.data.map((value) => value * value) };
}
