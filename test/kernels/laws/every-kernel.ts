/** Laws of all kernels: samples are apart, results fit the dtype, zeros keep their sign, inputs stay as they are. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { onesLike } from '../../../src/kernels/gradients/sums.ts';
import type { Kernels } from '../../../src/kernels/kernels.ts';
import { roundInPlace } from '../../../src/tensor/rounding.ts';
import { reshape, sizeOf, tensor, type Tensor } from '../../../src/tensor/tensor.ts';
import { attentions, convolutions, filled, pairs, tensors } from '../arbitraries.ts';
import { expectSameBits } from '../bits.ts';
import { AROUND, EPS, NO_PADDING, type Subject } from './law.ts';

/** Declares the tests. */
export function lawsOfEveryKernel(subject: Subject): void {
  lawsOfBatches(subject);
  resultsFit(subject);
  zerosKeepTheirSign(subject);
  inputsStay(subject);
}

function lawsOfBatches({ dtype, compute, computeAll, holds }: Subject): void {
  it('a batch is its samples one by one, for every kernel', () =>
    holds(
      fc.tuple(pairs(dtype, 'any'), tensors(dtype, [5], 'any'), tensors(dtype, [3, 5, 2, 2], 'any')),
      ([{ a, b }, numbers, filter]) => {
        const all = everyKernel(a, numbers, filter);
        const together = computeAll({ a, b }, all);
        const apart = Array.from({ length: a.shape[0] }, (_, i) =>
          computeAll({ a: sampleOf(a, i), b: sampleOf(b, i) }, all),
        );
        const parts = apart.flatMap((outputs, i) =>
          Object.entries(outputs).map(([name, part]) => [`${name} ${i}`, part] as const),
        );
        const joined = computeAll(Object.fromEntries(parts), (k, given) =>
          Object.fromEntries(
            Object.keys(together).map((name) => [name, k.concatBatch(apart.map((_, i) => given[`${name} ${i}`]))]),
          ),
        );
        for (const [name, whole] of Object.entries(together)) expectSameBits(joined[name], whole);
      },
    ));

  it('what adds up over the batch adds up its samples, exactly so in whole numbers; a weight is no batch', () =>
    holds(pairs(dtype, 'moderate'), ({ a, b }) => {
      const whole = (x: Tensor): Tensor => ({ ...x, data: x.data.map((_, i) => ((i * 7919) % 5) - 2) });
      const given = { a: whole(a), b: whole({ ...b, data: b.data.slice().reverse() }) };
      const body = (k: Kernels, { a, b }: { readonly a: Tensor; readonly b: Tensor }): Tensor =>
        k.conv2dWeightGradient(a, b, 1, 1, 1, NO_PADDING);
      const parts = Array.from({ length: a.shape[0] }, (_, i) =>
        compute({ a: sampleOf(given.a, i), b: sampleOf(given.b, i) }, body),
      );
      expectSameBits(
        compute(Object.fromEntries(parts.map((part, i) => [`part${i}`, part])), (k, given) =>
          Object.values(given).reduce((sum, part) => k.add(sum, part)),
        ),
        compute(given, body),
      );
      expectSameBits(
        compute({ a }, (k, { a }) => k.transposeWeight(k.transposeWeight(a))),
        a,
      );
    }));
}

function resultsFit({ dtype, computeAll, holds }: Subject): void {
  it('every result can be stored in the dtype', () =>
    holds(
      fc.tuple(convolutions(dtype, 'any'), attentions(dtype, 'any')),
      ([{ x, weight, bias, stride, padding }, { q, k: key, v, heads, scale }]) => {
        const ones = filled(dtype, [x.shape[1]], 1);
        const winogradWeight = filled(dtype, [2, x.shape[1], 3, 3], 0.3);
        const results = computeAll({ x, q, key, v }, (k, { x, q, key, v }) => ({
          conv2d: k.conv2d(x, weight, bias, stride, padding),
          winogradConv2d: k.winogradConv2d(x, winogradWeight, undefined, 4, AROUND),
          norm: k.groupNorm(x, 1, ones, ones, EPS),
          silu: k.activation(x, 'silu'),
          gelu: k.activation(x, 'gelu'),
          mish: k.activation(x, 'mish'),
          softmax: k.softmax(x),
          affine: k.affine(x, 0.1, 0.3),
          quotient: k.divide(x, 3),
          square: k.multiply(x, x),
          quickGelu: k.activation(x, 'quick_gelu'),
          tanh: k.activation(x, 'tanh'),
          scores: k.attentionScores(q, key, heads, scale),
          map: k.attentionMap(q, key, heads, scale),
          attention: k.attention(q, key, v, heads, scale),
          weightGradient: k.conv2dWeightGradient(x, x, 1, 1, 1, NO_PADDING),
          derivative: k.activationDerivative(x, 'mish'),
          backThroughNorm: k.groupNormGradient(x, x, onesLike(x, [x.shape[1]]), 1, EPS),
          ofNorm: k.groupNormSums(x, x, 1, EPS),
        }));
        for (const result of Object.values(results)) {
          const rounded = { ...result, data: result.data.slice() };
          roundInPlace(dtype, rounded.data);
          expectSameBits(result, rounded);
        }
      },
    ));
}

function zerosKeepTheirSign({ dtype, computeAll }: Subject): void {
  it('zeros keep their sign where nothing is added up', () => {
    const x = filled(dtype, [1, 1, 2, 2], -0);
    const negative = computeAll({ x }, (k, { x }) => ({
      joined: k.concatChannels(x, x),
      tokens: k.toTokens(x),
      upsampled: k.upsampleNearest2x(x),
      resized: k.resizeNearest(x, 3, 3),
      reshaped: k.reshape(x, [4]),
      pooled: k.averagePool2x(x),
      sum: k.add(x, x),
      quotient: k.divide(x, 3),
      silu: k.activation(x, 'silu'),
      quickGelu: k.activation(x, 'quick_gelu'),
      tanh: k.activation(x, 'tanh'),
    }));
    for (const { data } of Object.values(negative)) expect([...data].every((value) => Object.is(value, -0))).toBe(true);
    const one = filled(dtype, [1, 1, 1, 1], 1);
    const positive = computeAll({ x }, (k, { x }) => ({
      relu: k.activation(x, 'relu'),
      difference: k.subtract(x, x),
      conv2d: k.conv2d(x, one, undefined, 1, NO_PADDING),
    }));
    for (const { data } of Object.values(positive)) expect([...data].every((value) => Object.is(value, 0))).toBe(true);
  });
}

function inputsStay({ dtype, computeAll, holds }: Subject): void {
  it('no kernel changes what it is given', () =>
    holds(
      fc.tuple(convolutions(dtype, 'any'), attentions(dtype, 'any')),
      ([{ x, weight, bias, stride, padding }, { q, k: key, v, heads, scale }]) => {
        const given = [x, weight, q, key, v, ...(bias ? [bias] : [])];
        const before = given.map((one) => ({ ...one, data: one.data.slice() }));
        computeAll({ x, q, key, v }, (k, { x, q, key, v }) => ({
          conv2d: k.conv2d(x, weight, bias, stride, padding),
          softmax: k.softmax(x),
          entmax: k.entmax(x, 1.5),
          limited: k.limitNorm(x, x, 0.5),
          sum: k.add(x, x),
          silu: k.activation(x, 'silu'),
          slice: k.sliceBatch(x, 0, 1),
          attention: k.attention(q, key, v, heads, scale),
          map: k.attentionMap(q, key, heads, scale),
          scores: k.attentionScores(q, key, heads, scale),
          resized: k.resizeNearest(x, 2, 3),
          reshaped: k.reshape(x, [sizeOf(x.shape) / x.shape[0]]),
          weightGradient: k.conv2dWeightGradient(x, x, 1, 1, 1, NO_PADDING),
          derivative: k.activationDerivative(x, 'silu'),
          backThroughNorm: k.groupNormGradient(x, x, onesLike(x, [x.shape[1]]), 1, EPS),
          ofNorm: k.groupNormSums(x, x, 1, EPS),
          turned: k.transposeWeight(x),
          fromTheOtherSide: k.transposeMap(x),
          placed: k.placePixels(x, 2, 0, 0, 3, 3),
        }));
        for (const [i, one] of given.entries()) expectSameBits(one, before[i]);
      },
    ));
}

/** All kernels that keep samples apart, on pictures a and b of one shape. */
function everyKernel(like: Tensor, numbers: Tensor, filter: Tensor) {
  const [, channels, height, width] = like.shape;
  const perChannel = cut(numbers, [channels]);
  const weight = cut(filter, [3, channels, 2, 2]);
  const square = filled(like.dtype, [3, channels, 3, 3], 0.3);
  const matrix = reshape(cut(filter, [2, channels]), [2, channels]);
  const padding = { top: 1, bottom: 0, left: 0, right: 1 };
  return (k: Kernels, { a, b }: { readonly a: Tensor; readonly b: Tensor }): Readonly<Record<string, Tensor>> => {
    const [tokens, others] = [k.toTokens(a), k.toTokens(b)];
    const map = k.attentionMap(tokens, others, 1, 0.5);
    return {
      tokens,
      map,
      conv2d: k.conv2d(a, weight, undefined, 1, padding),
      winogradConv2d: k.winogradConv2d(a, square, undefined, 2, AROUND),
      linear: k.linear(tokens, matrix, undefined),
      groupNorm: k.groupNorm(a, 1, perChannel, perChannel, EPS),
      layerNorm: k.layerNorm(tokens, perChannel, perChannel, EPS),
      softmax: k.softmax(a),
      sparsemax: k.entmax(a, 2),
      limited: k.limitNorm(a, b, 0.5),
      scores: k.attentionScores(tokens, others, 1, 0.5),
      applied: k.applyAttentionMap(map, tokens),
      attention: k.attention(tokens, others, tokens, 1, 0.5),
      activation: k.activation(a, 'silu'),
      upsampled: k.upsampleNearest2x(a),
      resized: k.resizeNearest(a, 3, 2),
      pooled: k.averagePool2x(k.upsampleNearest2x(a)),
      reshaped: k.reshape(a, [width, height * channels]),
      joined: k.concatChannels(a, b),
      sliced: k.sliceChannels(a, channels - 1, channels),
      picture: k.fromTokens(tokens, height, width),
      sum: k.add(a, b),
      difference: k.subtract(a, b),
      product: k.multiply(a, b),
      affine: k.affine(a, 2, 1),
      quotient: k.divide(a, 3),
      placed: k.placePixels(a, 2, 1, -1, 3, 4),
      fromTheOtherSide: k.transposeMap(a),
      derivative: k.activationDerivative(a, 'silu'),
      backThroughNorm: k.groupNormGradient(a, b, onesLike(a, [a.shape[1]]), 1, EPS),
      ofNorm: k.groupNormSums(a, b, 1, EPS),
    };
  };
}

/** As many numbers of x as the shape takes, from the first on. */
function cut(x: Tensor, shape: readonly number[]): Tensor {
  return tensor(x.dtype, shape, x.data.slice(0, sizeOf(shape)));
}

/** Sample i of x [B,…] as a batch of one. */
function sampleOf(x: Tensor, i: number): Tensor {
  const size = x.data.length / x.shape[0];
  return tensor(x.dtype, [1, ...x.shape.slice(1)], x.data.slice(i * size, (i + 1) * size));
}
