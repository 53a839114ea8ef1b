import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { referenceKernels } from '../../src/kernels/plain/index.ts';
import { softmaxAttention, type AttentionMixer } from '../../src/nn/attention.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { tensor, type Tensor } from '../../src/tensor/tensor.ts';
import { hushCells, hushedAttention } from '../../src/walkthrough/work/hush.ts';

const grid = hushCells; // a token for each cell
const tokens = grid * grid;
const size = 4;
const { randn } = manualSeed(3);
const [query, key, value] = [0, 1, 2].map(() => randn([1, tokens, size]));

function mixed(mixer: AttentionMixer, of: Tensor = value): Tensor {
  const input = { kernels: referenceKernels, query: () => query, key: () => key, value: of, heads: 2, scale: 0.7 };
  return mixer.mix!({ ...input, height: grid, width: grid });
}
const cells = fc.uniqueArray(fc.integer({ min: 0, max: tokens - 1 }));
const all = Array.from({ length: tokens }, (_, cell) => cell);

describe('attention that does not hear some places', () => {
  it('is the identity, bit for bit, when it hears none', () => {
    expect(mixed(hushedAttention(all))).toEqual(value);
  });

  it('is softmax attention when it hears all', () => {
    const heard = mixed(softmaxAttention).data;
    for (const [i, found] of mixed(hushedAttention([])).data.entries()) expect(found).toBeCloseTo(heard[i] ?? NaN, 5);
  });

  it('takes nothing from what it does not hear, but to the place itself', () => {
    fc.assert(
      fc.property(cells, (hushed) => {
        const louder = value.data.map((v, i) => (hushed.includes(Math.floor(i / size)) ? v + 100 : v));
        const mixer = hushedAttention(hushed);
        const [before, after] = [mixed(mixer).data, mixed(mixer, tensor('f32', value.shape, louder)).data];
        for (const token of all) {
          const row = (data: ArrayLike<number>) => Array.from(data).slice(token * size, (token + 1) * size);
          if (!hushed.includes(token)) expect(row(after)).toEqual(row(before));
        }
      }),
      { numRuns: 10 },
    );
  });

  it('hides all tokens of a cell in finer layers', () => {
    const fine = 2 * grid;
    const shape = [1, fine * fine, 2];
    const [q, k, v] = [0, 1, 2].map(() => randn(shape));
    const quiet = (of: Tensor): Tensor =>
      hushedAttention([9]).mix!({
        ...{ kernels: referenceKernels, query: () => q, key: () => k, value: of, heads: 1, scale: 1 },
        ...{ height: fine, width: fine },
      });
    // Cell 9 is the second of the second row: tokens 2 and 3 of rows 2 and 3.
    const inside = [2, 3].flatMap((y) => [2, 3].map((x) => y * fine + x));
    const louder = v.data.map((one, i) => (inside.includes(Math.floor(i / 2)) ? one + 100 : one));
    const [before, after] = [quiet(v).data, quiet(tensor('f32', shape, louder)).data];
    const moved = new Set([...after.keys()].filter((i) => after[i] !== before[i]).map((i) => Math.floor(i / 2)));
    expect([...moved].sort((a, b) => a - b)).toEqual(inside);
  });
});
