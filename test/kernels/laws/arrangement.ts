/** Laws of what moves numbers: joining, cutting, layouts, resampling. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { extent, pictures, several, shapes } from '../arbitraries.ts';
import { element, expectSameBits } from '../bits.ts';
import type { Subject } from './law.ts';

/** Declares the tests. */
export function lawsOfArrangement({ dtype, compute, computeAll, holds }: Subject): void {
  it('a picture made of its tokens is the picture', () =>
    holds(pictures(dtype, 'any'), (x) => {
      const [, , height, width] = x.shape;
      expectSameBits(
        compute({ x }, (k, { x }) => k.fromTokens(k.toTokens(x), height, width)),
        x,
      );
    }));

  it('a token holds the channels of its pixel', () =>
    holds(pictures(dtype, 'any'), (x) => {
      const [batch, channels, height, width] = x.shape;
      const tokens = compute({ x }, (k, { x }) => k.toTokens(x));
      expect(tokens.shape).toEqual([batch, height * width, channels]);
      const [b, c, y, column] = [batch - 1, channels - 1, height - 1, 0];
      expect(element(tokens, b, y * width + column, c)).toBe(element(x, b, c, y, column));
    }));

  it('what is joined can be cut apart again', () =>
    holds(
      fc
        .tuple(shapes(3, 4, 3, 2), extent(4), extent(3))
        .chain(([[b, c, h, w], otherChannels, otherBatch]) =>
          several(dtype, [b, c, h, w], [b, otherChannels, h, w], [otherBatch, c, h, w]),
        ),
      ([a, b, below]) => {
        const channels = a.shape[1] + b.shape[1];
        const samples = a.shape[0] + below.shape[0];
        const found = computeAll({ a, b, below }, (k, { a, b, below }) => ({
          left: k.sliceChannels(k.concatChannels(a, b), 0, a.shape[1]),
          right: k.sliceChannels(k.concatChannels(a, b), a.shape[1], channels),
          first: k.sliceBatch(k.concatBatch([a, below]), 0, a.shape[0]),
          last: k.sliceBatch(k.concatBatch([a, below]), a.shape[0], samples),
        }));
        for (const [name, expected] of Object.entries({ left: a, right: b, first: a, last: below }))
          expectSameBits(found[name], expected);
      },
    ));

  it('the average of a pixel and its copies is the pixel', () =>
    holds(pictures(dtype), (x) => {
      expectSameBits(
        compute({ x }, (k, { x }) => k.averagePool2x(k.upsampleNearest2x(x))),
        x,
      );
    }));
}
