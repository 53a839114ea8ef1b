import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { remembered, rememberedLater } from '../../src/walkthrough/remembered.ts';

describe('what is remembered', () => {
  it('is computed anew when one of several things is another, and only then', () => {
    const compute = vi.fn((a: object, b: number) => ({ a, b }));
    const known = remembered(compute);
    const thing = {};
    const first = known(thing, 1);
    expect(known(thing, 1)).toBe(first);
    expect(known(thing, 2)).toEqual({ a: thing, b: 2 });
    expect(known({}, 2)).not.toBe(first);
    expect(compute).toHaveBeenCalledTimes(3);
  });
});

describe('what is computed later', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('is unknown at first, then told, then known', () => {
    const [compute, told] = [vi.fn((x: number) => 2 * x), vi.fn()];
    const known = rememberedLater(compute, told);
    expect([known(3), known(3)]).toEqual([undefined, undefined]);
    expect(compute).not.toHaveBeenCalled();
    vi.runAllTimers();
    expect(told).toHaveBeenCalledTimes(1);
    expect([known(3), known(3)]).toEqual([6, 6]);
    expect(compute).toHaveBeenCalledTimes(1);
  });

  it('is not computed when another was asked for meanwhile', () => {
    const [compute, told] = [vi.fn((x: number) => 2 * x), vi.fn()];
    const known = rememberedLater(compute, told);
    for (const x of [1, 2, 3]) known(x);
    vi.runAllTimers();
    expect(compute.mock.calls).toEqual([[3]]);
    expect(known(3)).toBe(6);
    expect(known(1)).toBeUndefined();
  });
});
