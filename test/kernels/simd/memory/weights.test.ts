/** Weights in memory: each once, as long as somebody needs it. */
import { expect, test } from 'vitest';
import { heap } from '../../../../src/kernels/simd/memory/heap.ts';
import { weightStore, type Packing } from '../../../../src/kernels/simd/memory/weights.ts';

const data = Float32Array.of(1, 2, 3);
const doubled: Packing = { name: 'doubled', length: 3, pack: () => data.map((value) => 2 * value) };
const plain: Packing = { name: 'plain', length: 3, pack: () => data };

function newStore() {
  const blocks = heap(new WebAssembly.Memory({ initial: 2, maximum: 4 }));
  const store = weightStore(blocks);
  const floats = (address: number): number[] => [...new Float32Array(blocks.memory.buffer, address, 3)];
  return { blocks, store, floats };
}

test('the same array arranged the same way is there once; another arrangement or array has its own place', () => {
  const { store, floats } = newStore();
  const [a, again, other, copy] = [
    store.acquire(data, plain),
    store.acquire(data, plain),
    store.acquire(data, doubled),
    store.acquire(data.slice(), plain),
  ].map(({ address }) => address);
  store.fill();
  expect(again).toBe(a);
  expect(new Set([a, other, copy]).size).toBe(3);
  expect([a, other, copy].map(floats)).toEqual([
    [1, 2, 3],
    [2, 4, 6],
    [1, 2, 3],
  ]);
});

test('a place is given to others when the last who asked has released it', () => {
  const { blocks, store } = newStore();
  const [first, second] = [store.acquire(data, plain), store.acquire(data, plain)];
  first.release();
  expect(blocks.reserve(12)).not.toBe(first.address);
  second.release();
  expect(blocks.reserve(12)).toBe(first.address);
  // Whoever comes later finds no trace of it.
  expect(store.acquire(data, plain).address).not.toBe(first.address);
});

test('a weight is arranged once, at the next fill, and not at all when it was released before', () => {
  const { store } = newStore();
  let packed = 0;
  const counting: Packing = {
    name: 'counting',
    length: 3,
    pack: () => {
      packed++;
      return data;
    },
  };
  store.acquire(data, counting).release();
  store.fill();
  expect(packed).toBe(0);
  store.acquire(data, counting);
  store.acquire(data, counting);
  store.fill();
  store.fill();
  expect(packed).toBe(1);
});
