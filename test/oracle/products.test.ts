import { describe, expect, it } from 'vitest';
import { manualSeed } from '../../src/tensor/random.ts';
import { cast } from '../../src/tensor/rounding.ts';
import { fused, lanes, pairwise, reversed, sequential } from '../../src/oracle/honest/dot.ts';
import { byDefinition, productBy, productInRuns } from '../../src/oracle/matrix/products.ts';
import { matmul } from '../../src/kernels/plain/matmul.ts';
import { machineSupported, multiply } from '../../src/oracle/matrix/machine.ts';
import { orders } from '../../src/oracle/matrix/orders.ts';

/** [rows, inner, columns] around all the blocks that there are: of rows, of columns, of terms. */
const sizes = [
  [1, 1, 1],
  [2, 3, 5],
  [8, 64, 16],
  [9, 65, 17],
  [31, 15, 40],
  [17, 576, 33],
  [3, 130, 256],
] as const;

const bits = (x: ArrayLike<number>): readonly number[] => [...new Uint32Array(Float32Array.from(x).buffer)];

describe('products in WebAssembly have the bits of their definition', () => {
  it.each(Object.entries({ sequential, reversed, fused, pairwise, lanes }))('%s', (_, dot) => {
    expect(machineSupported()).toBe(true);
    const order = orders.get(dot);
    for (const [rows, inner, columns] of sizes) {
      const generator = manualSeed(rows + inner);
      // Sizes that are far apart, so that an order of its own has roundings of its own.
      const [a, b] = [
        [rows, inner],
        [inner, columns],
      ].map((shape) => cast(generator.randn(shape, 'f64'), 'f32').data.map((value) => value ** 3));
      const found = order && multiply(order, a, b, rows, inner, columns);
      expect(bits(found ?? []), `${rows} × ${inner} × ${columns}`).toEqual(
        bits(byDefinition(dot)(a, b, rows, inner, columns)),
      );
      expect(bits(productBy(dot)(a, b, rows, inner, columns))).toEqual(bits(found ?? []));
    }
  });

  it.each(['f32', 'f64'] as const)('in runs, as the reference adds, in %s', (dtype) => {
    for (const [rows, inner, columns] of sizes) {
      for (const run of [1, 64, 72]) {
        const generator = manualSeed(rows + inner);
        const a = generator.randn([rows, inner], dtype).data;
        const b = generator.randn([inner, columns], dtype).data;
        const expected =
          a.slice(0, 0).constructor === Float32Array
            ? new Float32Array(rows * columns)
            : new Float64Array(rows * columns);
        matmul(expected, a, b, rows, inner, columns, run);
        expect([...productInRuns(run)(a, b, rows, inner, columns)]).toEqual([...expected]);
      }
    }
  });

  it('what is infinite or no number stays so', () => {
    const [a, b] = [new Float32Array(64 * 64).fill(1), new Float32Array(64 * 64).fill(1)];
    a[3] = Infinity;
    b[5] = NaN;
    const out = productBy(sequential)(a, b, 64, 64, 64);
    expect([out[0], out[5], out[64], out[69]]).toEqual([Infinity, NaN, 64, NaN]);
  });
});
