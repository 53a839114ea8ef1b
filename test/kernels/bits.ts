/** Numbers one by one: comparison bit by bit, and the element at some indices. */
import { expect } from 'vitest';
import { shapeText, type Tensor } from '../../src/tensor/tensor.ts';

/** Fails unless dtype, shape and every bit agree. −0 is not 0; a NaN equals any NaN. */
export function expectSameBits(actual: Tensor, expected: Tensor): void {
  // Thousands of tensors are compared, so nothing is asked of `expect` while all is well: it takes longer than a
  // kernel.
  const kind = ({ dtype, shape, data }: Tensor): string => `${dtype} ${shapeText(shape)} of ${data.length} numbers`;
  if (kind(actual) !== kind(expected)) expect.fail(`${kind(actual)} instead of ${kind(expected)}`);
  let different = 0;
  let first = 0;
  for (let i = expected.data.length - 1; i >= 0; i--) {
    if (Object.is(actual.data[i], expected.data[i])) continue;
    different++;
    first = i;
  }
  if (different > 0) {
    expect.fail(
      `${different} of ${expected.data.length} numbers of ${shapeText(expected.shape)} differ, ` +
        `the first at ${first}: ${actual.data[first]} instead of ${expected.data[first]}`,
    );
  }
}

/** The element of x at these indices. */
export function element(x: Tensor, ...indices: readonly number[]): number {
  return x.data[indices.reduce((at, index, axis) => at * x.shape[axis] + index, 0)];
}

/** Fails unless each number is as near to the expected one as its limit says. */
export function expectWithin(actual: Tensor, expected: Tensor, limit: (index: number) => number): void {
  if (actual.data.length !== expected.data.length) expect.fail(`${actual.data.length} numbers`);
  for (let i = 0; i < expected.data.length; i++) {
    const distance = Math.abs(actual.data[i] - expected.data[i]);
    if (!(distance <= limit(i))) {
      expect.fail(
        `number ${i} is ${actual.data[i]}, ${distance} from ${expected.data[i]}, where ${limit(i)} is allowed`,
      );
    }
  }
}
