/** Laws of convolutions and linear layers. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { definitionKernels } from '../../../src/kernels/definition/index.ts';
import type { Kernels, Padding } from '../../../src/kernels/kernels.ts';
import { cast } from '../../../src/tensor/rounding.ts';
import { reshape, zeros, type Tensor } from '../../../src/tensor/tensor.ts';
import { convolutions, doubledConvolutions, filled, joinedConvolutions, linears } from '../arbitraries.ts';
import { expectSameBits, expectWithin } from '../bits.ts';
import { AROUND, NO_PADDING, type Subject } from './law.ts';

/** A picture, or rows, as the only input. */
type OfX = Readonly<Record<'x', Tensor>>;

/** Declares the tests. */
export function lawsOfProducts(subject: Subject): void {
  lawsOfLinear(subject);
  lawsOfConvolution(subject);
}

function lawsOfLinear({ dtype, compute, holds }: Subject): void {
  it('linear is a convolution with a 1 × 1 kernel', () =>
    holds(linears(dtype, 'any'), ({ x, weight, bias }) => {
      const [rows, channels] = x.shape;
      const picture = reshape(x, [rows, channels, 1, 1]);
      const filter = reshape(weight, [weight.shape[0], channels, 1, 1]);
      const convolved = compute({ picture }, (k, { picture }) => k.conv2d(picture, filter, bias, 1, NO_PADDING));
      expectSameBits(
        compute({ x }, (k, { x }) => k.linear(x, weight, bias)),
        reshape(convolved, [rows, weight.shape[0]]),
      );
    }));

  it('a NaN reaches what reads it, and nothing else', () =>
    holds(fc.tuple(linears(dtype), fc.nat()), ([{ x, weight, bias }, where]) => {
      const poisoned = { ...x, data: x.data.slice() };
      const bad = where % x.data.length;
      poisoned.data[bad] = NaN;
      const linear = (k: Kernels, { x }: OfX): Tensor => k.linear(x, weight, bias);
      const [expected, dirty] = [compute({ x }, linear), compute({ x: poisoned }, linear)];
      const [badRow, outChannels] = [Math.floor(bad / x.shape[1]), weight.shape[0]];
      const clean = {
        ...expected,
        data: expected.data.slice().fill(NaN, badRow * outChannels, (badRow + 1) * outChannels),
      };
      expectSameBits(dirty, clean);
    }));

  if (dtype === 'f32')
    it('f64 tells how far off the sums are: within the bound of their roundings', () =>
      holds(linears(dtype), ({ x, weight, bias }) => {
        const ours = compute({ x }, (k, { x }) => k.linear(x, weight, bias));
        const [exactX, exactWeight] = [cast(x, 'f64'), cast(weight, 'f64')];
        const exactBias = bias && cast(bias, 'f64');
        const truth = definitionKernels.linear(exactX, exactWeight, exactBias);
        const sizes = definitionKernels.linear(
          absolute(exactX),
          absolute(exactWeight),
          exactBias && absolute(exactBias),
        );
        // Each term passes the rounding of its product, of the sums in its run, of the runs' sums, and of the bias
        // (Higham 2002, §3.1).
        const roundings = 1 + Math.min(64, x.shape[1]) + Math.ceil(x.shape[1] / 64) + 1;
        expectWithin(ours, truth, (i) => 1.01 * roundings * 2 ** -24 * sizes.data[i]);
      }));
}

function lawsOfConvolution({ dtype, compute, holds }: Subject): void {
  // Not in f16 and bf16, which round what an operation stores.
  if (dtype === 'f32' || dtype === 'f64')
    it('a convolution of two pictures, joined, is the sum of theirs', () =>
      holds(joinedConvolutions(dtype, 'any'), ({ x, weight, bias, stride, padding, seam }) => {
        const C = x.shape[1];
        expectSameBits(
          compute({ x }, (k, { x }) => k.joinedConv2d(x, weight, bias, stride, padding, seam)),
          compute({ x }, (k, { x }) => {
            const part = (start: number, end: number, offset: Tensor | undefined): Tensor => {
              const [picture, kernel] = [k.sliceChannels(x, start, end), k.sliceChannels(weight, start, end)];
              return k.conv2d(picture, kernel, offset, stride, padding);
            };
            return k.add(part(0, seam, bias), part(seam, C, undefined));
          }),
        );
      }));

  it('padding is a border of zeros', () =>
    holds(convolutions(dtype, 'any'), ({ x, weight, bias, stride, padding }) => {
      const bordered = withBorder(x, padding);
      expectSameBits(
        compute({ x }, (k, { x }) => k.conv2d(x, weight, bias, stride, padding)),
        compute({ bordered }, (k, { bordered }) => k.conv2d(bordered, weight, bias, stride, NO_PADDING)),
      );
    }));

  it('an infinite weight makes NaN where it meets the padding, and only there', () => {
    const x = filled(dtype, [1, 1, 3, 3], 1);
    const weight = filled(dtype, [1, 1, 3, 3], 1);
    weight.data[0] = Infinity;
    const { data } = compute({ x }, (k, { x }) => k.conv2d(x, weight, undefined, 1, AROUND));
    expect([...data]).toEqual([NaN, NaN, NaN, NaN, Infinity, Infinity, NaN, Infinity, Infinity]);
  });

  it('a convolution of the doubled picture is just that, exactly so in whole numbers', () =>
    holds(doubledConvolutions(dtype), ({ x, weight, bias }) => {
      const whole = (y: Tensor): Tensor => ({ ...y, data: y.data.map((_, i) => ((i * 7919) % 5) - 2) });
      const [picture, kernel, offset] = [whole(x), whole(weight), bias && whole(bias)];
      expectSameBits(
        compute({ picture }, (k, { picture }) => k.upsampleConv2d(picture, kernel, offset)),
        compute({ picture }, (k, { picture }) => k.conv2d(k.upsampleNearest2x(picture), kernel, offset, 1, AROUND)),
      );
    }));

  // Not in f16, whose subnormals and overflow are near.
  if (dtype !== 'f16')
    it('doubling the input doubles a convolution exactly', () =>
      holds(convolutions(dtype), ({ x, weight, stride, padding }) => {
        const conv2d = (k: Kernels, { x }: OfX): Tensor => k.conv2d(x, weight, undefined, stride, padding);
        const doubled = (y: Tensor): Tensor => ({ ...y, data: y.data.map((value) => 2 * value) });
        expectSameBits(compute({ x: doubled(x) }, conv2d), doubled(compute({ x }, conv2d)));
      }));
}

function absolute(x: Tensor): Tensor {
  return { ...x, data: x.data.map(Math.abs) };
}

/** x [B,C,H,W] with its padding written out. */
function withBorder(x: Tensor, { top, bottom, left, right }: Padding): Tensor {
  const [B, C, H, W] = x.shape;
  const [outH, outW] = [top + H + bottom, left + W + right];
  const out = zeros(x.dtype, [B, C, outH, outW]);
  for (let plane = 0; plane < B * C; plane++) {
    for (let h = 0; h < H; h++) {
      const from = (plane * H + h) * W;
      out.data.set(x.data.subarray(from, from + W), (plane * outH + top + h) * outW + left);
    }
  }
  return out;
}
