/** Weights on their way into the memory: whatever they are stored in, whether they stay there or are loaded anew. */
import { afterAll, describe, expect, test } from 'vitest';
import type { Program } from '../../../src/kernels/kernels.ts';
import { simdBackend } from '../../../src/kernels/simd/index.ts';
import { deferred } from '../../../src/tensor/deferred.ts';
import { InputError } from '../../../src/tensor/errors.ts';
import { cast } from '../../../src/tensor/rounding.ts';
import { sizeOf, type Tensor } from '../../../src/tensor/tensor.ts';
import { even, expectAsReference, expectSameBits, noise, refusal } from './support.ts';

const backends = {
  'that stay': simdBackend(),
  'that stay, on two threads': simdBackend({ threads: 2 }),
  'that are loaded in each run': simdBackend({ memory: 1 }),
  'that are loaded in each run, on two threads, to wide tiles': simdBackend({ memory: 1, threads: 2, wide: true }),
};
afterAll(() => {
  for (const backend of Object.values(backends)) backend.dispose();
});

/** Shapes whose numbers were copied out of where they are stored. */
let copied: string[] = [];

/** A weight that lies elsewhere, in this format; the numbers are exact in it. */
function stored(format: 'f32' | 'f16' | 'bf16', shape: readonly number[], seed: number): Tensor {
  const { data } = cast(noise(shape, seed), format);
  const bits = new Uint32Array(data.slice().buffer);
  const words = {
    f32: bits,
    bf16: Uint16Array.from(bits, (word) => word >>> 16),
    f16: Uint16Array.from(data, halfOf),
  };
  const bytes = new Uint8Array(words[format].buffer);
  const source = {
    format,
    length: sizeOf(shape),
    copyTo(target: Uint8Array) {
      copied.push(shape.join('×'));
      expect(target.length).toBe(bytes.length);
      target.set(bytes);
    },
    read: (start: number, end: number) => Float32Array.from(data.subarray(start, end)),
  };
  return cast(deferred(format, shape, source), 'f32');
}

/** The bits of an f16, of which a number is one; written apart from what is tested. */
function halfOf(value: number): number {
  const size = Math.abs(value);
  const sign = Object.is(Math.sign(value), -0) || value < 0 ? 0x8000 : 0;
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  return sign | (size < 2 ** -14 ? size * 2 ** 24 : ((exponent + 14) << 10) + size * 2 ** (10 - exponent));
}

/** A program with every way in which weights are arranged. */
function program(weightOf: (shape: readonly number[], seed: number) => Tensor): Program {
  const [three, doubled, one] = [weightOf([13, 11, 3, 3], 1), weightOf([9, 13, 3, 3], 2), weightOf([5, 9], 3)];
  const [joint, bias, scale] = [weightOf([7, 22, 3, 3], 4), weightOf([13], 5), weightOf([9], 6)];
  return (k, { x, y }) => {
    const up = k.upsampleConv2d(k.conv2d(x, three, bias, 1, even), doubled, scale);
    const tokens = k.linear(k.toTokens(k.groupNorm(up, 3, scale, scale, 1e-5)), one, undefined);
    return { tokens, joined: k.joinedConv2d(k.concatChannels(x, y), joint, undefined, 1, even, 11) };
  };
}

const inputs = { x: noise([2, 11, 6, 5], 7), y: noise([2, 11, 6, 5], 8) };

describe.each(Object.entries(backends))('weights %s', (_name, backend) => {
  test('give the same bits from memory, and from numbers of 32 and of 16 bits elsewhere', () => {
    expectAsReference(backend, program(noise), inputs);
    for (const format of ['f32', 'f16', 'bf16'] as const) {
      const from = program((shape, seed) => stored(format, shape, seed));
      const first = backend.run(from, inputs);
      expectSameBits(backend.run(from, inputs), first);
      expectAsReference(backend, from, inputs);
    }
  });
});

test('what stays is read once, in however many ways it is arranged', () => {
  const from = program((shape, seed) => stored('f32', shape, seed));
  copied = [];
  backends['that stay'].run(from, inputs);
  backends['that stay'].run(from, inputs);
  expect(copied).toHaveLength(6);
  backends['that are loaded in each run'].run(from, inputs);
  copied = [];
  backends['that are loaded in each run'].run(from, inputs);
  // Five packed weights, of which one is read for each of its halves; the vectors beside them stay.
  expect(copied).toHaveLength(5);
});

test('weights that are computed stay before those that are only moved, wherever they come in the program', () => {
  const rows = [1, 2, 3, 4, 5, 6].map((seed) => stored('f32', [1536, 64], seed));
  const tiles = stored('f32', [64, 64, 3, 3], 7);
  const from: Program = (k, { x, row }) => ({
    ...Object.fromEntries(rows.map((weight, i) => [`row ${i}`, k.linear(row, weight, undefined)])),
    picture: k.conv2d(x, tiles, undefined, 1, even),
  });
  const given = { x: noise([1, 64, 8, 16], 8), row: noise([1, 64], 9) };
  const backend = simdBackend({ order: 'fast', memory: 2.2e6 });
  const first = backend.run(from, given);
  copied = [];
  expectSameBits(backend.run(from, given), first);
  expect(copied.length).toBeGreaterThan(0);
  expect(copied).not.toContain('64×64×3×3');
  backend.dispose();
});

test('numbers that cannot be used are refused as such', () => {
  const broken = (shape: readonly number[]): Tensor =>
    deferred('f32', shape, {
      format: 'f32',
      length: sizeOf(shape),
      copyTo: () => {
        throw new InputError('the file has changed');
      },
      read: () => expect.unreachable(),
    });
  for (const memory of [1, 2 ** 30]) {
    const backend = simdBackend({ memory });
    expect(refusal(() => backend.run(program(broken), inputs))).toBe('the file has changed');
    // The backend is as it was.
    expectAsReference(backend, program(noise), inputs);
    backend.dispose();
  }
});
