/** Timing, as `pag bench` does it. */
import { describe, expect, it } from 'vitest';
import { median, medianTimes } from '../../src/cli/bench/times.ts';

describe('the median', () => {
  it('is the middle value, of an even number the upper one of the two', () => {
    expect(median([5, 1, 100])).toBe(5);
    expect(median([4, 1, 3, 2])).toBe(3);
    expect(median([])).toBeNaN();
  });
});

describe('subjects', () => {
  it('take turns, five times at least, after a turn that does not count', () => {
    const order: string[] = [];
    const times = medianTimes({ a: () => order.push('a'), b: () => order.push('b') }, 0);
    expect(order.join('')).toBe('ab'.repeat(6));
    expect(Object.keys(times)).toEqual(['a', 'b']);
  });

  it('are timed for as long as they may take, and those left out not at all', () => {
    const busy = (milliseconds: number) => (): void => {
      const end = performance.now() + milliseconds;
      while (performance.now() < end);
    };
    const times = medianTimes({ short: busy(1), long: busy(5), none: undefined }, 60);
    expect(times.short).toBeGreaterThanOrEqual(1);
    expect(times.long).toBeGreaterThan(times.short);
    expect(times).not.toHaveProperty('none');
  });
});
