import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { reference } from '../../src/oracle/implementation.ts';
import { exact, traceCase } from '../../src/oracle/trace.ts';
import { loadCase, smallCases } from './cases.ts';

/** The largest difference over the root mean square of the truth. */
function distance(found: Tensor, truth: Tensor): number {
  const size =
    Math.sqrt(Array.from(truth.data).reduce((sum, value) => sum + value * value, 0) / truth.data.length) || 1;
  return (
    Math.max(
      ...Array.from(truth.data, (value, i) =>
        Object.is(found.data[i], value) || found.data[i] === value ? 0 : Math.abs(found.data[i] - value),
      ),
    ) / size
  );
}

/** The tables of σ are float32, and PyTorch fills them by functions that are not correctly rounded. */
const sigmaTables = /euler|heun|dpm-solver|unipc|text-to-image.sd-xl/;

describe('the truth of PyTorch and that of this library, two independent routes, agree in', () => {
  it.each(smallCases)('%s', async (name) => {
    const one = await loadCase(name);
    const ours = traceCase(one, reference, exact);
    const worst: Record<string, number> = {};
    for (const [tap, { f64 }] of one.expected) {
      expect([...ours.keys()], 'the taps').toContain(tap);
      expect(ours.get(tap)!.shape, tap).toEqual(f64.shape);
      const error = distance(ours.get(tap)!, f64);
      if (!(error < (sigmaTables.test(name) ? 5e-7 : 1e-11))) worst[tap] = error;
    }
    expect(worst).toEqual({});
  });
});
