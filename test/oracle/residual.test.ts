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
  const band: Band = {
    truth,
    scale: new Float64Array(truth.data.length).fill(1e-7),
    spread: new Map(),
    budget: { rms: 1, max: 5 },
  };
  const first = { name: 'tap', status: 'wrong' };
  return residualFindings({
    report: { first },
    theirs: new Map([['tap', reversed]]),
    bands: new Map([['tap', band]]),
  } as unknown as Checked);
}

describe('channels in another order', () => {
  it('are recognised up to 512 of them; beyond that it would take too long to compare all with all', () => {
    expect(findingsOf(512)).toEqual(['tap: the channels are in reverse order.']);
    expect(findingsOf(513)).toEqual([]);
  });
});
