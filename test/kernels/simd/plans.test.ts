/** Programs made ready to run: which are kept, and the memory that they take. */
import { afterAll, describe, expect, test } from 'vitest';
import { simdBackend } from '../../../src/kernels/simd/index.ts';
import { convolution, expectAsReference, expectSameBits, noise } from './support.ts';

const one = simdBackend();
const two = simdBackend({ threads: 2 });
afterAll(() => {
  one.dispose();
  two.dispose();
});

describe('memory', () => {
  test('input channels in several blocks give the same bits', () => {
    for (const [channels, size] of [
      [100, 24],
      [48, 70],
      [19, 90],
    ]) {
      const x = noise([1, channels, size, size], channels);
      for (const backend of [one, two]) expectAsReference(backend, convolution(channels, 2), { x });
    }
  });

  test('a result stays as it was when the memory grows and is used again', () => {
    const backend = simdBackend();
    const x = noise([1, 4, 8, 8], 1);
    const { y } = backend.run(convolution(4, 1), { x });
    const before = y.data.slice();
    backend.run(convolution(64, 2), { x: noise([1, 64, 64, 64], 2) });
    expect(y.data).toEqual(before);
    backend.dispose();
  });

  test('more programs than are kept: dropped ones are compiled again, with the same result', () => {
    const backend = simdBackend();
    const x = noise([1, 3, 6, 6], 1);
    const programs = Array.from({ length: 30 }, (_, seed) => convolution(3, seed));
    const results = programs.map((program) => backend.run(program, { x }));
    for (const [i, program] of programs.entries()) expectSameBits(backend.run(program, { x }), results[i]);
    backend.dispose();
  });

  test('a thousand runs, and a hundred programs, take no more memory than the first ones', () => {
    const grown: number[] = [];
    const { grow } = WebAssembly.Memory.prototype;
    WebAssembly.Memory.prototype.grow = function (pages) {
      grown.push(pages);
      return grow.call(this, pages);
    };
    try {
      const backend = simdBackend();
      const x = noise([1, 16, 16, 16], 1);
      for (let i = 0; i < 30; i++) backend.run(convolution(16, i), { x });
      const { length } = grown;
      const program = convolution(16, 1000);
      for (let i = 0; i < 1000; i++) backend.run(program, { x });
      for (let i = 0; i < 100; i++) backend.run(convolution(16, i), { x });
      expect(grown).toHaveLength(length);
      backend.dispose();
    } finally {
      WebAssembly.Memory.prototype.grow = grow;
    }
  });
});
