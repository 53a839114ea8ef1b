/** Comparison bit by bit. */
import { expect } from 'vitest';
import { shapeText, type Tensor } from '../../src/tensor/tensor.ts';

/** Fails unless dtype, shape and every bit agree. −0 is not 0; a NaN equals any NaN. */
export function expectSameBits(actual: Tensor, expected: Tensor): void {
  expect(actual.dtype).toBe(expected.dtype);
  expect(actual.shape).toEqual(expected.shape);
  expect(actual.data.length).toBe(expected.data.length);
  const different = [...expected.data.keys()].filter((i) => !Object.is(actual.data[i], expected.data[i]));
  if (different.length > 0) {
    const [first] = different;
    expect.fail(
      `${different.length} of ${expected.data.length} numbers of ${shapeText(expected.shape)} differ, the first at ${first}: ${actual.data[first]} instead of ${expected.data[first]}`,
    );
  }
}
