/** Operations on every element, bit by bit. */
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { activations } from '../../../../src/kernels/kernels.ts';
import { tensor } from '../../../../src/tensor/tensor.ts';
import { noise, onAllBackends, runs, seeds, small, tensorOf } from '../support.ts';
import { repeated } from '../../../thorough.ts';

const check = onAllBackends();

describe('the same bits as the plain loop', () => {
  test('activations', () => {
    fc.assert(
      fc.property(small(3), small(5), small(60), seeds, (b, c, n, seed) => {
        check(
          (k, { x }) => ({
            silu: k.activation(x, 'silu'),
            gelu: k.activation(x, 'gelu'),
            mish: k.activation(x, 'mish'),
            relu: k.activation(x, 'relu'),
            quickGelu: k.activation(x, 'quick_gelu'),
            tanh: k.activation(x, 'tanh'),
            ...Object.fromEntries(activations.map((kind) => [`${kind}'`, k.activationDerivative(x, kind)])),
          }),
          { x: tensorOf([b, c, n], seed) },
        );
      }),
      runs,
    );
  });

  test('activations of all magnitudes', () => {
    fc.assert(
      fc.property(fc.constantFrom(0.5, 4, 16, 100), seeds, (reach, seed) => {
        const anywhere = tensor(
          'f32',
          [4096],
          new Float32Array(Uint32Array.from(noise([4096], seed).data, (value) => (value + 1) * 2 ** 31).buffer),
        );
        const near = noise([4096], seed + 1);
        check(
          (k, { x, y }) =>
            Object.fromEntries(
              activations.flatMap((kind) => [
                [kind, k.activation(x, kind)],
                [`${kind} near`, k.activation(k.affine(y, reach, 0), kind)],
                [`${kind}'`, k.activationDerivative(x, kind)],
                [`${kind}' near`, k.activationDerivative(k.affine(y, reach, 0), kind)],
              ]),
            ),
          { x: anywhere, y: near },
        );
      }),
      { numRuns: repeated(20) },
    );
  });

  test('arithmetic', () => {
    const numbers = fc.constantFrom(0, -0, 1, 2, Math.SQRT1_2, -1e-40, Infinity);
    fc.assert(
      fc.property(
        small(3),
        small(6),
        small(7),
        small(9),
        numbers,
        numbers,
        seeds,
        (b, c, h, w, factor, offset, seed) => {
          check(
            (k, { x, y, s }) => ({
              add: k.add(x, y),
              spread: k.add(x, s),
              multiply: k.multiply(x, y),
              scaled: k.multiply(x, s),
              subtract: k.subtract(x, y),
              affine: k.affine(x, factor, offset),
              divide: k.divide(x, factor),
              pairs: k.add(s, s),
            }),
            { x: tensorOf([b, c, h, w], seed), y: tensorOf([b, c, h, w], seed + 1), s: tensorOf([b, c], seed + 2) },
          );
        },
      ),
      runs,
    );
  });
});
