/** Which operations a product's step does on the way, and which it leaves. */
import { afterAll, describe, expect, test } from 'vitest';
import type { Program } from '../../../../src/kernels/kernels.ts';
import { simdBackend } from '../../../../src/kernels/simd/index.ts';
import { even, expectAsReference, noise } from '../support.ts';
import { inputsOf, stepsOf } from './lowered.ts';

const [weight, pointwise, bias] = [noise([4, 4, 3, 3], 1), noise([4, 4], 2), noise([4], 3)];
const CONV = 'conv 3×3 4→4 @6×6';
const picture = [2, 4, 6, 6];
const backend = simdBackend();
afterAll(() => {
  backend.dispose();
});

/** The steps, of a program whose bits are those of the plain loops. */
function checked(program: Program, shapes: Readonly<Record<string, readonly number[]>>): readonly string[] {
  expectAsReference(backend, program, inputsOf(shapes));
  return stepsOf(program, shapes);
}

describe('a convolution does on the way', () => {
  test('divisions, additions of pictures that are there, and of numbers for channels, in their order', () => {
    const program: Program = (k, { x, y, s }) => {
      const sum = k.add(k.divide(k.add(k.conv2d(x, weight, bias, 1, even), s), 3), y);
      return { out: k.add(y, k.divide(sum, -7)) };
    };
    expect(checked(program, { x: picture, y: picture, s: [2, 4] })).toEqual(['border', CONV]);
  });

  test('the embedding that is computed after it in the program, but needs no picture', () => {
    const program: Program = (k, { x, s }) => {
      const convolved = k.conv2d(x, weight, bias, 1, even);
      return { out: k.add(convolved, k.linear(k.activation(s, 'silu'), pointwise, bias)) };
    };
    expect(checked(program, { x: picture, s: [2, 4] })).toEqual(['border', 'silu', 'linear 2×4→4', CONV]);
  });

  test('nothing when somebody else reads its output, or it is an output itself', () => {
    const program: Program = (k, { x }) => {
      const convolved = k.conv2d(x, weight, bias, 1, even);
      return { convolved, out: k.divide(convolved, 3) };
    };
    expect(checked(program, { x: picture })).toEqual(['border', CONV, 'divide']);
    const twice: Program = (k, { x }) => {
      const convolved = k.conv2d(x, weight, bias, 1, even);
      return { a: k.divide(convolved, 3), b: k.divide(convolved, 5) };
    };
    expect(checked(twice, { x: picture })).toEqual(['border', CONV, 'divide', 'divide']);
    const withItself: Program = (k, { x }) => {
      const convolved = k.conv2d(x, weight, bias, 1, even);
      return { out: k.add(convolved, convolved) };
    };
    expect(checked(withItself, { x: picture })).toEqual(['border', CONV, 'add']);
  });

  test('no addition of a picture that is still to come', () => {
    const program: Program = (k, { x, y }) => {
      const convolved = k.conv2d(x, weight, bias, 1, even);
      return { out: k.add(convolved, k.affine(y, 2, 0)) };
    };
    expect(checked(program, { x: picture, y: picture })).toEqual(['border', CONV, 'affine', 'add']);
  });

  test('in phases: numbers for channels, but no pictures', () => {
    const program: Program = (k, { x, y, s }) => ({
      out: k.add(k.divide(k.add(k.upsampleConv2d(x, weight, bias), s), 3), y),
    });
    expect(checked(program, { x: picture, y: [2, 4, 12, 12], s: [2, 4] })).toEqual([
      'border',
      'conv 2×2 4→4 @12×12',
      'add',
    ]);
  });
});

describe('a linear layer does on the way', () => {
  test('on tokens that lie as planes: the way back to a picture, and additions of pictures', () => {
    const program: Program = (k, { x }) => {
      const tokens = k.linear(k.toTokens(x), pointwise, bias);
      return { out: k.divide(k.add(k.fromTokens(tokens, 6, 6), x), 2) };
    };
    expect(checked(program, { x: picture })).toEqual(['conv 1×1 4→4 @1×36']);
  });

  test('on tokens that lie as planes: additions of such tokens, but of no dense ones', () => {
    const both: Program = (k, { x, y }) => {
      const there = k.toTokens(y);
      return { out: k.add(k.linear(k.toTokens(x), pointwise, bias), there) };
    };
    expect(checked(both, { x: picture, y: picture })).toEqual(['conv 1×1 4→4 @1×36']);
    const mixed: Program = (k, { x, t }) => ({ out: k.add(k.linear(k.toTokens(x), pointwise, bias), t) });
    expect(checked(mixed, { x: picture, t: [2, 36, 4] })).toEqual(['conv 1×1 4→4 @1×36', 'transpose', 'add']);
  });

  test('on rows: divisions, and additions of rows without gaps', () => {
    const program: Program = (k, { x, y }) => ({ out: k.add(k.divide(k.linear(x, pointwise, bias), 3), y) });
    expect(checked(program, { x: [2, 5, 4], y: [2, 5, 4] })).toEqual(['linear 10×4→4']);
    const gaps: Program = (k, { x, y }) => {
      const there = k.sliceChannels(y, 1, 5);
      return { out: k.add(k.linear(x, pointwise, bias), there) };
    };
    expect(checked(gaps, { x: [2, 4], y: [2, 7] })).toEqual(['linear 2×4→4', 'add']);
  });

  test('on rows: no step to where rows have gaps, as they have among other channels', () => {
    const program: Program = (k, { x, y }) => ({
      out: k.concatChannels(k.linear(x, pointwise, bias), k.linear(y, pointwise, bias)),
    });
    expect(checked(program, { x: [3, 4], y: [3, 4] })).toEqual(['linear 3×4→4', 'linear 3×4→4', 'copy', 'copy']);
    expect(checked(program, { x: [1, 4], y: [1, 4] })).toEqual(['linear 1×4→4', 'linear 1×4→4']);
  });
});
