/** What lies in the same bytes, or is copied: bit by bit. */
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { onAllBackends, runs, seeds, small, tensorOf } from '../support.ts';

const check = onAllBackends();

describe('the same bits as the plain loop', () => {
  test('concatenation and slices', () => {
    fc.assert(
      fc.property(small(3), small(3), small(5), small(5), small(30), seeds, (b1, b2, c1, c2, n, seed) => {
        check(
          (k, { x, y, z }) => {
            const channels = k.concatChannels(k.affine(x, 2, 1), k.affine(y, 3, -1));
            const batch = k.concatBatch([k.affine(x, 0.5, 0), x, z]);
            const [above, beside] = [k.affine(x, 7, 0), k.affine(x, 9, 0)];
            return {
              channels,
              batch,
              again: k.concatChannels(channels, x),
              twice: k.concatBatch([above, above]),
              'twice, channels': k.concatChannels(beside, beside),
              left: k.sliceChannels(channels, 0, c1),
              right: k.sliceChannels(channels, c1, c1 + c2),
              first: k.sliceBatch(batch, 0, b1),
              rest: k.affine(k.sliceBatch(batch, b1, 2 * b1 + b2), 2, 0),
            };
          },
          { x: tensorOf([b1, c1, n], seed), y: tensorOf([b1, c2, n], seed + 1), z: tensorOf([b2, c1, n], seed + 2) },
        );
      }),
      runs,
    );
  });

  test('tokens and pictures', () => {
    fc.assert(
      fc.property(small(3), small(6), small(9), small(9), seeds, (b, c, h, w, seed) => {
        check(
          (k, { x, t }) => ({
            tokens: k.toTokens(x),
            picture: k.fromTokens(t, h, w),
            back: k.fromTokens(k.toTokens(x), h, w),
            sum: k.add(k.toTokens(x), t),
          }),
          { x: tensorOf([b, c, h, w], seed), t: tensorOf([b, h * w, c], seed + 1) },
        );
      }),
      runs,
    );
  });
});
