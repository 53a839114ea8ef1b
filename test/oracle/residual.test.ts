import { describe, expect, it } from 'vitest';
import { manualSeed } from '../../src/tensor/random.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import type { Checked } from '../../src/oracle/check.ts';
import { residualFindings } from '../../src/oracle/residual.ts';
import type { Band } from '../../src/oracle/tolerance.ts';

/** What is said of a tensor whose channels lie in reverse. */
function findingsOf(channels: number): readonly string[] {
  const truth = manualSeed(1).randn([1, 2, channels], 'f64');
  const reversed: Tensor = {
    ...truth,
    data: truth.data.map((_, i) => truth.data[i - (i % channels) + channels - 1 - (i % channels)]),
  };
  return said(truth, reversed);
}

/** What is said of a first wrong tap. */
function said(truth: Tensor, found: Tensor): readonly string[] {
  const band: Band = {
    truth,
    scale: new Float64Array(truth.data.length).fill(unit),
    honest: [0, 1],
    budget: { rms: 1, max: 5 },
  };
  const first = { name: 'tap', status: 'wrong' };
  return residualFindings({
    report: { first },
    theirs: new Map([['tap', found]]),
    bands: new Map([['tap', band]]),
  } as unknown as Checked);
}

const unit = 1e-7;

describe('channels in another order', () => {
  it('are recognised up to 512 of them; beyond that it would take too long to compare all with all', () => {
    expect(findingsOf(512)).toEqual(['tap: the channels are in reverse order.']);
    expect(findingsOf(513)).toEqual([]);
  });
});

describe('a bias of each channel', () => {
  it('is told from three numbers of a channel on: of two, a number of its own says little', () => {
    const biased = (rows: number): readonly string[] => {
      const truth = manualSeed(4).randn([rows, 5], 'f64');
      return said(truth, { ...truth, data: truth.data.map((value, i) => value + 1e-3 * (1 + (i % 5))) });
    };
    expect(biased(1)).toEqual([]);
    expect(biased(2)).toEqual([]);
    expect(biased(3)).toEqual([
      'tap: each channel is off by a number of its own: a bias is missing, or is another one.',
    ]);
  });
});

describe('a sentence', () => {
  const truth = manualSeed(2).randn([2, 3, 4, 4], 'f64');
  const moved = (by: (i: number) => number): Tensor => ({
    ...truth,
    data: truth.data.map((value, i) => value + by(i)),
  });

  it('is said only where it is much nearer than the truth', () => {
    const rounding = manualSeed(3).randn([96], 'f64').data;
    // A little beyond the budget, in no order: neither a bias nor a factor, though both lie within twice the budget.
    expect(
      said(
        truth,
        moved((i) => 1.3 * unit * rounding[i]),
      ),
    ).toEqual([]);
    const channel = (i: number): number => Math.floor(i / 16) % 3;
    expect(
      said(
        truth,
        moved((i) => 1e-3 * (1 + channel(i)) + unit * rounding[i]),
      ),
    ).toEqual(['tap: each channel is off by a number of its own: a bias is missing, or is another one.']);
  });
});
