/** Weights in memory: each once, as long as somebody needs it. */
import { expect, test } from 'vitest';
import { heap } from '../../../../src/kernels/simd/memory/heap.ts';
import { weightStore, type Packing } from '../../../../src/kernels/simd/memory/weights.ts';
import { deferred, deferredAs } from '../../../../src/tensor/deferred.ts';
import { reshape, tensor, type Tensor } from '../../../../src/tensor/tensor.ts';

const numbers = (): Tensor => tensor('f32', [3], Float32Array.of(1, 2, 3));
const data = numbers();
const plain: Packing = { name: 'plain', length: 3 };
const doubled: Packing = { name: 'doubled', length: 6 };

function newStore() {
  const blocks = heap(new WebAssembly.Memory({ initial: 2, maximum: 4 }));
  return { blocks, store: weightStore(blocks) };
}

test('the same numbers in the same arrangement are there once; others, or in another, have their own place', () => {
  const { store } = newStore();
  const [a, again, reshaped, other, copy] = [
    store.acquire(data, plain),
    store.acquire(data, plain),
    store.acquire(reshape(data, [3, 1]), plain),
    store.acquire(data, doubled),
    store.acquire(numbers(), plain),
  ].map(({ address }) => address);
  expect([again, reshaped]).toEqual([a, a]);
  expect(new Set([a, other, copy]).size).toBe(3);
});

test('numbers that nobody has read are known by where they are', () => {
  const { store } = newStore();
  const unread = (): Tensor =>
    deferred('f32', [3], {
      format: 'f32',
      length: 3,
      copyTo: () => expect.unreachable(),
      read: () => expect.unreachable(),
    });
  const weight = unread();
  const { address } = store.acquire(weight, plain);
  const matrix = deferredAs(weight, 'f32', [1, 3]);
  expect(matrix && store.acquire(matrix, plain).address).toBe(address);
  expect(store.acquire(unread(), plain).address).not.toBe(address);
});

test('a place is given to others when the last who asked has released it', () => {
  const { blocks, store } = newStore();
  const [first, second] = [store.acquire(data, plain), store.acquire(data, plain)];
  first.release();
  expect(blocks.reserve(12)).not.toBe(first.address);
  expect(store.has(data, plain)).toBe(true);
  second.release();
  expect(blocks.reserve(12)).toBe(first.address);
  // Whoever comes later finds no trace of it.
  expect(store.has(data, plain)).toBe(false);
  expect(store.acquire(data, plain).address).not.toBe(first.address);
});

test('a weight is missing once, and not at all when it was released before', () => {
  const { store } = newStore();
  store.acquire(data, doubled).release();
  expect(store.takeMissing()).toEqual([]);
  const { address } = store.acquire(data, doubled);
  store.acquire(data, doubled);
  expect(store.takeMissing()).toEqual([{ tensor: data, packing: doubled, address }]);
  expect(store.takeMissing()).toEqual([]);
});

test('it knows how much memory its weights take', () => {
  const { store } = newStore();
  const [a, b] = [store.acquire(data, plain), store.acquire(data, doubled)];
  expect(store.bytes()).toBe(a.bytes + b.bytes);
  a.release();
  expect(store.bytes()).toBe(b.bytes);
});
