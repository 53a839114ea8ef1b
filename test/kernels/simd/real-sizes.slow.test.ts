/** Strips of Stable Diffusion 1.5's layers at 512 × 512: the channels and rows that it has, with the loops' bits. */
import { afterAll, expect, test } from 'vitest';
import type { Program, Tensors } from '../../../src/kernels/kernels.ts';
import { referenceKernels } from '../../../src/kernels/plain/index.ts';
import { simdBackend } from '../../../src/kernels/simd/index.ts';
import { even, expectSameBits, noise } from './support.ts';
import { firstOf, thorough } from '../../thorough.ts';

const backends = firstOf([{ threads: 2, memory: 1 }, {}]).map((options) => simdBackend(options));
afterAll(() => {
  for (const backend of backends) backend.dispose();
});

const vector = noise([320], 1);
const [narrow, forward] = [noise([320, 320, 3, 3], 2), noise([2560, 320], 5)];

/** What is given, by shapes, and what is made of it. */
const layers: Readonly<Record<string, readonly [Readonly<Record<string, readonly number[]>>, Program]>> = {
  'four rows of the first blocks, 320 channels of 64 pixels': [
    { x: [1, 320, 4, 64] },
    (k, { x }) => ({ y: k.conv2d(x, narrow, vector, 1, even) }),
  ],
  'two rows of the last blocks, what is hidden and the skip joined': [
    { x: [1, 1280, 2, 8], skip: [1, 1280, 2, 8] },
    (k, { x, skip }) => ({
      y: k.joinedConv2d(k.concatChannels(x, skip), noise([1280, 2560, 3, 3], 3), undefined, 1, even, 1280),
    }),
  ],
  'a strip that is doubled, 1280 channels': [
    { x: [1, 1280, 1, 4] },
    (k, { x }) => ({ y: k.upsampleConv2d(x, noise([1280, 1280, 3, 3], 4), undefined) }),
  ],
  'a row of tokens in a feed-forward layer': [
    { x: [1, 64, 320] },
    (k, { x }) => ({ y: k.linear(x, forward, undefined) }),
  ],
  'a row of tokens that asks all 4096, eight heads of 40': [
    { q: [1, 64, 320], x: [1, 4096, 320] },
    (k, { q, x }) => ({ y: k.attention(q, x, x, 8, 40 ** -0.5) }),
  ],
  'the norm of a whole picture': [
    { x: [1, 320, 64, 64] },
    (k, { x }) => ({ y: k.groupNorm(x, 32, vector, vector, 1e-5) }),
  ],
};

/** Weights of many millions of numbers are left to CI. */
const large = /^(two rows of the last blocks|a strip that is doubled)/;

test.each(Object.entries(layers).filter(([name]) => thorough || !large.test(name)))(
  '%s',
  (_name, [shapes, program]) => {
    const inputs: Tensors = Object.fromEntries(
      Object.entries(shapes).map(([name, shape], i) => [name, noise(shape, i)]),
    );
    const expected = program(referenceKernels, inputs);
    expect(Object.keys(expected)).toEqual(['y']);
    for (const backend of backends) expectSameBits(backend.run(program, inputs), expected);
  },
);
