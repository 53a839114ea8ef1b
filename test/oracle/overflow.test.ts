/** A softmax that does not subtract the maximum overflows where a logit is above 88.72, be it in one channel alone. */
import { expect, it } from 'vitest';
import { bank } from '../../src/oracle/faults/bank.ts';
import { reference } from '../../src/oracle/implementation.ts';
import { tensor } from '../../src/tensor/tensor.ts';

it.each([0, 1])('overflows by channel %d of the queries and keys', (channel) => {
  const fault = bank.find(({ name }) => name === 'softmax-without-maximum');
  const { kernels } = fault!.apply(reference);
  const pixels = (value: number) =>
    tensor(
      'f64',
      [1, 1, 2],
      Float64Array.from([0, 1], (c) => (c === channel ? value : 0)),
    );
  const map = (value: number) => kernels.attentionMap(pixels(value), pixels(value), 1, 1).data[0];
  expect([map(9.4), map(9.5)]).toEqual([1, NaN]);
});
