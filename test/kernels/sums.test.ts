/** The order of sums, by hand: numbers so chosen that any other order gives another sum. */
import { describe, expect, it } from 'vitest';
import { moments } from '../../src/kernels/definition/moments.ts';
import { runLength, runOfChannels, sumInLanes, sumInRuns } from '../../src/kernels/definition/sums.ts';

/** The next float32 is 2 further on: 1 added to it is lost, 2 is not. */
const big = 2 ** 24;
/** The same in float64. */
const huge = 2 ** 53;
const single = (...numbers: readonly number[]): Float32Array => Float32Array.from(numbers);
const double = (...numbers: readonly number[]): Float64Array => Float64Array.from(numbers);
const times = (count: number, number: number): readonly number[] => new Array<number>(count).fill(number);

describe('a sum in runs', () => {
  it('has 64 terms in a run', () => {
    // The 63 ones of the first run are lost one by one. The two of the second run are 2 before they meet the total;
    // three would be 4, one would be lost.
    expect(runLength).toBe(64);
    expect(sumInRuns(single(big, ...times(65, 1)))).toBe(big + 2);
    expect(sumInRuns(double(huge, ...times(65, 1)))).toBe(huge + 2);
  });

  it('has runs of the length that is asked for', () => {
    expect(sumInRuns(single(big, 1, 1, 1), 2)).toBe(big + 2);
    expect(sumInRuns(single(big, 1, 1, 1), 1)).toBe(big);
    expect(sumInRuns(single(big, 1, 1, 1), 4)).toBe(big);
  });

  it('adds the terms of a run from the first on, and the runs from the first on', () => {
    expect(sumInRuns(single(1, big, -big))).toBe(0);
    expect(sumInRuns(single(big, -big, 1))).toBe(1);
    expect(sumInRuns(single(1, big, -big), 1)).toBe(0);
    expect(sumInRuns(single(big, -big, 1), 1)).toBe(1);
  });

  it('rounds in float32 after each addition, and in float64 not to float32', () => {
    expect(sumInRuns(single(big, 1, 1))).toBe(big);
    expect(sumInRuns(single(big, 1, 1), 1)).toBe(big);
    expect(sumInRuns(double(big, 1, 1))).toBe(big + 2);
  });

  it('begins with +0', () => {
    expect(sumInRuns(single())).toBe(0);
    expect(sumInRuns(single(-0))).toBe(0);
    expect(sumInRuns(single(-0, -0), 1)).toBe(0);
  });

  it('takes whole channels in a convolution', () => {
    expect(runOfChannels(1, 1)).toBe(64);
    expect(runOfChannels(2, 2)).toBe(64);
    expect(runOfChannels(3, 1)).toBe(66);
    expect(runOfChannels(3, 3)).toBe(72);
    expect(runOfChannels(1, 65)).toBe(65);
  });
});

describe('a sum in lanes', () => {
  it('gives term t to lane t mod their number', () => {
    // Lane 0 loses its ones; those of lane 1 are 2 before they meet it.
    expect(sumInLanes(single(big, 1, 1, 1), 2)).toBe(big + 2);
    expect(sumInLanes(single(big, 0, 1, 0, 1, 0), 2)).toBe(big);
    expect(sumInLanes(double(huge, 1, 1, 1), 2)).toBe(huge + 2);
  });

  it('adds the upper half of the lanes to the lower half', () => {
    // Neighbours first would lose the 1.
    expect(sumInLanes(single(big, 1, 0, 0, -big, 0, 0, 0), 8)).toBe(1);
    expect(sumInLanes(single(big, 1, -big, 0), 4)).toBe(1);
    expect(sumInLanes(single(big, -big, 1, 0), 4)).toBe(0);
  });

  it('rounds in float32 after each addition, and in float64 not to float32', () => {
    expect(sumInLanes(single(big, 1), 2)).toBe(big);
    expect(sumInLanes(single(big, 0, 1, 0, 1, 0), 2)).toBe(big);
    expect(sumInLanes(double(big, 1), 2)).toBe(big + 1);
  });

  it('has empty lanes where there are fewer terms, and begins with +0', () => {
    expect(sumInLanes(single(3), 16)).toBe(3);
    expect(sumInLanes(single(), 8)).toBe(0);
    expect(sumInLanes(single(-0), 1)).toBe(0);
  });
});

describe('mean and variance', () => {
  it('are those of the numbers, the variance biased', () => {
    expect(moments(single(1, 2, 3, 6))).toEqual({ mean: 3, variance: 3.5 });
    expect(moments(double(5))).toEqual({ mean: 5, variance: 0 });
  });

  it('are taken in float64 whatever the numbers are', () => {
    expect(moments(single(big, 1, 0, 0))).toMatchObject({ mean: (big + 1) / 4 });
  });

  it('are summed in eight lanes', () => {
    // In lane 0, the 1 of place 8 is lost; in a lane of its own, that of place 4 is not.
    const withOne = (place: number): number => {
      const numbers = new Float64Array(40);
      numbers[0] = huge;
      numbers[place] = 1;
      numbers[32] = -huge;
      return moments(numbers).mean;
    };
    expect(withOne(8)).toBe(0);
    expect(withOne(4)).toBe(1 / 40);
    // Squares: 2^54 twice, in lanes 0 and 1, and eight times 1 in lane 0 or in lane 4.
    const squares = (lane: number): number => {
      const deviations = new Float64Array(80);
      deviations.set([2 ** 27, -(2 ** 27)]);
      for (let i = 1; i <= 8; i++) deviations[8 * i + lane] = i % 2 === 0 ? 1 : -1;
      return moments(deviations).variance * 80;
    };
    expect(squares(0)).toBe(2 ** 55);
    expect(squares(4)).toBe(2 ** 55 + 8);
  });
});
