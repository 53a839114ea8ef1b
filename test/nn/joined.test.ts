/** Convolutions of two joined pictures, and what a norm leaves of the seam between them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { referenceKernels as kernels } from '../../src/kernels/plain/index.ts';
import type { Context } from '../../src/nn/context.ts';
import { joinedConv2d, seamAfterNorm } from '../../src/nn/joined.ts';
import { evenPadding } from '../../src/nn/layers.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';

describe('the seam after a norm', () => {
  it.each<[number, number, number, number | undefined, string]>([
    [6, 12, 4, 6, 'where it was: between two groups'],
    [7, 12, 4, 9, 'after the group that it parts'],
    [1, 12, 12, 1, 'where it was: groups of one channel'],
    [10, 12, 4, undefined, 'for no group is left'],
    [9, 12, 4, 9, 'where it was: before the last group'],
    [3, 12, 1, undefined, 'for there is one group'],
  ])('of %d among %d channels in %d groups is %s, %s', (seam, channels, groups, after, _why) => {
    expect(seamAfterNorm(seam, channels, groups)).toBe(after);
  });

  it('is none where there was none', () => expect(seamAfterNorm(undefined, 12, 4)).toBeUndefined());

  it('is the first channel from which on no group has seen the first picture', () => {
    const pictures = fc
      .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 5 }))
      .chain(([groups, size]) =>
        fc.tuple(fc.constant(groups), fc.constant(size), fc.integer({ min: 1, max: Math.max(1, groups * size - 1) })),
      );
    fc.assert(
      fc.property(pictures, ([groups, size, seam]) => {
        const firstOfGroup = (channel: number): number => Math.floor(channel / size) * size;
        const apart = Array.from({ length: groups * size }, (_, channel) => channel).find(
          (channel) => firstOfGroup(channel) >= seam,
        );
        expect(seamAfterNorm(seam, groups * size, groups)).toBe(apart);
      }),
    );
  });
});

describe('a joined convolution', () => {
  const generator = manualSeed(4);
  const x = generator.randn([2, 5, 4, 3]);
  const weight = generator.randn([3, 5, 3, 3]);
  const bias = generator.randn([3]);
  const seen = new Map<string, Tensor>();
  const context = (weights: Record<string, Tensor>): Context => ({
    kernels,
    weights: new Map(Object.entries(weights)),
    watches: () => true,
    tap: (path, value) => {
      seen.set(path, value);
      return value;
    },
  });
  const layer = context({ 'conv1.weight': weight, 'conv1.bias': bias });

  it('sums each picture apart, and shows the result', () => {
    const result = joinedConv2d(layer, 'conv1', x, evenPadding(1), 2);
    expect(result).toEqual(kernels.joinedConv2d(x, weight, bias, 1, evenPadding(1), 2));
    expect(result).not.toEqual(kernels.conv2d(x, weight, bias, 1, evenPadding(1)));
    expect(seen.get('conv1')).toBe(result);
  });

  it('without a seam is a convolution', () => {
    const result = joinedConv2d(layer, 'conv1', x, evenPadding(0), undefined);
    expect(result).toEqual(kernels.conv2d(x, weight, bias, 1, evenPadding(0)));
    expect(seen.get('conv1')).toBe(result);
  });

  it('needs no bias', () => {
    const result = joinedConv2d(context({ 'conv1.weight': weight }), 'conv1', x, evenPadding(1), 3);
    expect(result).toEqual(kernels.joinedConv2d(x, weight, undefined, 1, evenPadding(1), 3));
  });
});
