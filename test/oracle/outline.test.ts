import { describe, expect, it } from 'vitest';
import { reference } from '../../src/oracle/implementation.ts';
import { outlineOf } from '../../src/oracle/outline.ts';
import { exact, traceCase } from '../../src/oracle/trace.ts';
import { loadCase } from './cases.ts';

describe('the outline of a case has the taps of its trace, in their order and of their shapes', () => {
  const kinds = ['operations/conv2d', 'operations/timeEmbedding', 'layers/attention', 'blocks/up', 'unets/tiny'];
  it.each([...kinds, 'schedulers/ddim', 'guidances/cfg-pag', 'runs/cfg-pag'])('%s', async (name) => {
    const one = await loadCase(name);
    const shapes = (trace: ReadonlyMap<string, { shape: readonly number[] }>) =>
      [...trace].map(([tap, { shape }]) => [tap, shape]);
    expect(shapes(outlineOf(one))).toEqual(shapes(traceCase(one, reference, exact)));
  });
});
