/** Programs made ready to run: which are kept, and the memory that they take. */
import { afterAll, describe, expect, test, vi } from 'vitest';
import type { Program } from '../../../src/kernels/kernels.ts';
import { simdBackend } from '../../../src/kernels/simd/index.ts';
import { convolution, even, expectAsReference, expectSameBits, noise, refusal } from './support.ts';

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

  test('what has been released makes room for others, and comes back where it is run again', () => {
    const grow = vi.spyOn(WebAssembly.Memory.prototype, 'grow');
    for (const threads of [1, 2]) {
      const backend = simdBackend({ threads });
      const x = noise([1, 64, 16, 16], 1);
      const [first, second] = [convolution(64, 1), convolution(64, 2)];
      const result = backend.run(first, { x });
      const grown = grow.mock.calls.length;
      for (const program of [second, first, second]) {
        backend.release?.();
        backend.run(program, { x });
      }
      expect(grow.mock.calls.length).toBe(grown);
      expectSameBits(backend.run(first, { x }), result);
      expect(grow.mock.calls.length).toBe(grown + 1);
      backend.dispose();
    }
    grow.mockRestore();
  });

  test('the program that was used longest ago is dropped first', () => {
    const backend = simdBackend();
    const x = noise([1, 1, 2, 2], 1);
    const traced: number[] = [];
    const programs = Array.from(
      { length: 25 },
      (_, i): Program =>
        (k, inputs) => {
          traced.push(i);
          return { y: k.affine(inputs['x'], 2, i) };
        },
    );
    for (const program of programs.slice(0, 24)) backend.run(program, { x });
    backend.run(programs[0], { x });
    backend.run(programs[24], { x });
    traced.length = 0;
    backend.run(programs[0], { x });
    backend.run(programs[2], { x });
    expect(traced).toEqual([]);
    backend.run(programs[1], { x });
    expect(traced).toEqual([1]);
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

describe('what does not fit', () => {
  /** An attention map of 65,536 pixels with themselves: 16 GiB. */
  const vast: Program = (k, { x }) => {
    const tokens = k.toTokens(x);
    return { map: k.attentionMap(tokens, tokens, 1, 1) };
  };
  const picture = noise([1, 2, 256, 256], 1);

  test('is refused before memory grows, with what it needs; the backend computes on', () => {
    const grow = vi.spyOn(WebAssembly.Memory.prototype, 'grow');
    const backend = simdBackend();
    const x = noise([1, 8, 8, 8], 1);
    // SiLU reads numbers from the first page, so it tells whether that is as it was.
    const program: Program = (k, { x: given }) => ({
      y: k.activation(convolution(8, 1)(k, { x: given })['y'], 'silu'),
    });
    expectAsReference(backend, program, { x });
    const before = grow.mock.calls.length;
    expect(refusal(() => backend.run(vast, { x: picture }))).toBe(
      'this program needs 16.1 GiB, with the weights that the backend keeps, and WebAssembly has memory for 4: ' +
        'run fewer samples at once, or smaller pictures, or use referenceBackend()',
    );
    expect(grow.mock.calls.length).toBe(before);
    expectAsReference(backend, program, { x });
    expectAsReference(backend, convolution(8, 2), { x });
    expect(grow.mock.calls.length).toBe(before);
    backend.dispose();
    grow.mockRestore();
  });

  test('leaves no weights behind, however often it is tried', () => {
    const backend = simdBackend();
    const grow = vi.spyOn(WebAssembly.Memory.prototype, 'grow');
    const heavy = (seed: number): Program => {
      const weight = noise([512, 2, 3, 3], seed);
      return (k, inputs) => ({ ...vast(k, inputs), y: k.conv2d(inputs['x'], weight, undefined, 1, even) });
    };
    for (let i = 0; i < 20; i++) expect(refusal(() => backend.run(heavy(i), { x: picture }))).toMatch('needs 16.');
    expectAsReference(backend, convolution(4, 1), { x: noise([1, 4, 4, 4], 1) });
    // What is there from the beginning is enough for so small a program.
    expect(grow).not.toHaveBeenCalled();
    grow.mockRestore();
    backend.dispose();
  });

  test('is refused when the engine gives no more, and tried again when it does', () => {
    const backend = simdBackend();
    const x = noise([1, 16, 64, 64], 1);
    const program = convolution(16, 1);
    const grow = vi.spyOn(WebAssembly.Memory.prototype, 'grow').mockImplementation(() => {
      throw new RangeError('Maximum memory size exceeded');
    });
    expect(refusal(() => backend.run(program, { x }))).toMatch('the engine does not give so much');
    grow.mockRestore();
    expectAsReference(backend, program, { x });
    backend.dispose();
  });

  test('a program of more steps than there are counters for', () => {
    const x = noise([1, 1, 2, 2], 1);
    const long: Program = (k, { x: start }) => {
      let y = start;
      for (let i = 0; i < 7617; i++) y = k.affine(y, 1, i);
      return { y };
    };
    expect(refusal(() => one.run(long, { x }))).toBe(
      'a program of 7617 steps is too long: at most 7616 fit; part it, or use the plain loops',
    );
  });
});
