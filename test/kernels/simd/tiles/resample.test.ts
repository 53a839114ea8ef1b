/** Pictures of other sizes, bit by bit. */
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { onAllBackends, runs, seeds, small, tensorOf } from '../support.ts';

const check = onAllBackends();

describe('the same bits as the plain loop', () => {
  test('resampling', () => {
    fc.assert(
      fc.property(
        small(3),
        small(5),
        fc.integer({ min: 2, max: 13 }),
        fc.integer({ min: 2, max: 13 }),
        seeds,
        (b, c, h, w, seed) => {
          const filter = tensorOf([3, c, 3, 3], seed + 1);
          const [bias, spread] = [tensorOf([3], seed + 2), tensorOf([b, 3], seed + 3)];
          const padding = { top: 1, bottom: 1, left: 1, right: 1 };
          check(
            (k, { x }) => ({
              up: k.upsampleNearest2x(x),
              down: k.averagePool2x(x),
              upConv: k.conv2d(k.upsampleNearest2x(k.affine(x, 2, 0)), filter, undefined, 1, padding),
              inPhases: k.upsampleConv2d(x, filter, bias),
              followed: k.add(
                k.add(k.divide(k.upsampleConv2d(k.affine(x, 2, 0), filter, bias), 3), spread),
                k.upsampleNearest2x(k.sliceChannels(k.concatChannels(x, k.concatChannels(x, x)), 0, 3)),
              ),
            }),
            { x: tensorOf([b, c, h, w], seed) },
          );
        },
      ),
      runs,
    );
  });
});
