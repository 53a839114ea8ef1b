/** How far work is that takes long without a step. */
import { afterEach, expect, test, vi } from 'vitest';
import { createMeter, measured } from '../../src/cli/meter.ts';

afterEach(() => vi.useRealTimers());

test('work tells how much of it is done, now and then, until it ends', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const meter = createMeter();
  meter.watch({ products: 1000 });
  const parts: number[] = [];
  const work = measured(meter, 100, (part) => parts.push(part));
  const step = (products: number, milliseconds: number): void => {
    vi.advanceTimersByTime(milliseconds);
    meter.watch({ products });
  };
  step(10, 150);
  step(10, 100);
  step(10, 150);
  step(30, 100);
  expect(parts).toEqual([0.2, 0.6]);
  work.again();
  step(25, 250);
  // It took more than was planned, and is not done for all that.
  step(200, 250);
  expect(parts.slice(2)).toEqual([0.25, 0.99]);
  work.end();
  step(1, 1000);
  expect([parts.length, meter.products()]).toEqual([4, 1286]);
});
