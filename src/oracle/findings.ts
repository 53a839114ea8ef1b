/** All that is found out about a port that was checked, beyond which taps are off: the mistakes, and how they look. */
import type { Checked } from './check.ts';
import { diagnose, diagnoseProbes, faultyTraces, type Diagnosis } from './diagnosis.ts';

/**
 * The mistakes that explain what is off: one diagnosis of what is computed in a chain, or one for each kind of mistake
 * of independent probes. None where all is well.
 * @param onProgress is told how many mistakes have been tried, of how many
 */
export function diagnosesOf(
  { report, bands, theirs }: Checked,
  onProgress?: (done: number, total: number) => void,
): readonly Diagnosis[] {
  const { case: one, format, independent, taps } = report;
  const off = taps.flatMap(({ name, status }) => (status === 'ok' ? [] : [name]));
  if (off.length === 0) return [];
  if (!independent) {
    const traces = faultyTraces(one, format, new Set(bands.keys()));
    return [diagnose(bands, theirs, format, traces, onProgress)];
  }
  return diagnoseProbes(bands, off, theirs, format, (probe) => faultyTraces(one, format, new Set([probe])));
}
