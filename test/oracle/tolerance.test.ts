import { describe, expect, it } from 'vitest';
import { formats, type FormatName } from '../../src/oracle/honest/format.ts';
import { bandsOf } from '../../src/oracle/tolerance.ts';
import { loadCase } from './cases.ts';

describe('budgets', () => {
  it.each(Object.keys(formats) as FormatName[])(
    'are finite in %s, though honest ports may overflow',
    async (format) => {
      const one = await loadCase('operations/conv2d');
      const bands = bandsOf(one, formats[format], new Set(one.expected.keys()));
      for (const [name, { budget }] of bands) {
        expect(Number.isFinite(budget.rms) && Number.isFinite(budget.max), name).toBe(true);
      }
    },
  );
});
