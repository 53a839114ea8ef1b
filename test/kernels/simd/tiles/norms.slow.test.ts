/** Group norm, layer norm and softmax, bit by bit. */
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { onAllBackends, runs, seeds, small, tensorOf } from '../support.ts';

const check = onAllBackends();

describe('the same bits as the plain loop', () => {
  test('groupNorm, alone and before an activation and a convolution', () => {
    fc.assert(
      fc.property(
        small(3),
        small(4),
        small(4),
        small(13),
        small(13),
        fc.boolean(),
        seeds,
        (b, groups, perGroup, h, w, dense, seed) => {
          const c = groups * perGroup;
          const [weight, bias, filter] = [
            tensorOf([c], seed + 1),
            tensorOf([c], seed + 2),
            tensorOf([2, c, 3, 3], seed + 3),
          ];
          const padding = { top: 1, bottom: 1, left: 1, right: 1 };
          check(
            (k, { x }) => {
              const normed = k.groupNorm(x, groups, weight, bias, 1e-5);
              const act = k.activation(k.groupNorm(x, groups, bias, weight, 1e-3), 'silu');
              const y = k.conv2d(act, filter, undefined, 1, padding);
              return dense ? { normed, act, y } : { y };
            },
            { x: tensorOf([b, c, h, w], seed) },
          );
        },
      ),
      runs,
    );
  });

  test('layerNorm and softmax', () => {
    fc.assert(
      fc.property(small(3), small(9), small(50), seeds, (b, n, c, seed) => {
        const [weight, bias] = [tensorOf([c], seed + 1), tensorOf([c], seed + 2)];
        check((k, { x }) => ({ norm: k.layerNorm(x, weight, bias, 1e-5), weights: k.softmax(x) }), {
          x: tensorOf([b, n, c], seed),
        });
      }),
      runs,
    );
  });
});
