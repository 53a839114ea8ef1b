/** Borders and planes apart: who writes them, and what has to be copied. */
import { expect, test } from 'vitest';
import type { Program } from '../../../../src/kernels/kernels.ts';
import { simdBackend } from '../../../../src/kernels/simd/index.ts';
import { noise } from '../support.ts';

test('crowded planes are written apart by whoever makes them, and copied only where nobody can', () => {
  const names: string[] = [];
  const backend = simdBackend({ watch: ({ name }) => names.push(name) });
  const stepsOf = (program: Program, shape: readonly number[]): readonly string[] => {
    names.length = 0;
    backend.run(program, { x: noise(shape, 1) });
    return [...names];
  };
  const [weight, scale] = [noise([18, 18], 2), noise([18], 3)];
  const block: Program = (k, { x }) => {
    const tokens = k.toTokens(k.groupNorm(x, 2, scale, scale, 1e-5));
    return {
      y: k.linear(k.attention(k.linear(tokens, weight, undefined), tokens, tokens, 2, 0.25), weight, undefined),
    };
  };
  const onlyProducts: Program = (k, { x }) => {
    const tokens = k.toTokens(k.groupNorm(x, 2, scale, scale, 1e-5));
    const [q, key, v] = [1, 2, 3].map(() => k.linear(tokens, weight, undefined));
    return { y: k.linear(k.attention(q, key, v, 2, 0.25), weight, undefined) };
  };
  const copies = (steps: readonly string[]): number => steps.filter((name) => name === 'apart').length;
  // Attention reads dense planes, so the norm's result lies dense and is copied for the product.
  expect(copies(stepsOf(block, [1, 18, 16, 16]))).toBe(1);
  expect(copies(stepsOf(onlyProducts, [1, 18, 16, 16]))).toBe(0);
  expect(copies(stepsOf(onlyProducts, [1, 18, 8, 8]))).toBe(0);
  const pointwise: Program = (k, { x }) => ({ y: k.linear(k.toTokens(x), weight, undefined) });
  expect(
    [
      [16, 16],
      [15, 17],
      [8, 8],
      [32, 32],
    ].map(([h, w]) => copies(stepsOf(pointwise, [1, 18, h, w]))),
  ).toEqual([1, 0, 0, 1]);
  backend.dispose();
});
