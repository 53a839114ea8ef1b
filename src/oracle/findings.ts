/** All that is found out about a port that was checked, beyond which taps are off: the mistakes, and how they look. */
import type { SafetensorsFile } from '../formats/safetensors.ts';
import { withParts } from '../tensor/checks.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Case } from './case.ts';
import type { Checked } from './check.ts';
import { diagnose, diagnoseProbes, faultyTraces, type Diagnosis } from './diagnosis.ts';
import { bank } from './faults/bank.ts';
import type { Fault } from './faults/fault.ts';
import { hasOnePassVariance } from './one-pass-variance.ts';
import { formatFinding, storageFinding } from './precision.ts';
import { residualFindings } from './residual.ts';
import { roughExponential } from './rough-exponential.ts';

/** What is found out about a port. */
export interface Findings {
  /** One of what is computed in a chain; of independent probes one for each kind of mistake. */
  readonly diagnoses: readonly Diagnosis[];
  /** What shows in the numbers, as sentences. */
  readonly sentences: readonly string[];
}

/**
 * Finds out what is wrong with a port; nothing where all is well.
 * @param file theirs
 * @param onProgress is told how many mistakes have been tried, of how many
 */
export function findingsOf(
  checked: Checked,
  file: SafetensorsFile,
  onProgress?: (done: number, total: number) => void,
): Findings {
  isChecked('what was checked', checked);
  if (checked.report.taps.every(({ status }) => status === 'ok')) return { diagnoses: [], sentences: [] };
  const storage = storageFinding(checked);
  if (storage !== undefined) return { diagnoses: [], sentences: [storage] };
  const diagnoses = diagnosesOf(checked, onProgress);
  const residual = residualFindings(checked);
  const format = diagnoses.every(({ complete }) => complete) ? undefined : formatFinding(checked, file);
  const rough = roughFinding(checked, diagnoses);
  return { diagnoses, sentences: [...residual, ...[format, rough].filter((sentence) => sentence !== undefined)] };
}

const isChecked = withParts<Checked>('what check gives', 'report', 'bands', 'theirs');

/** That the exponential of some probes, which no mistake explains, is an approximation. */
function roughFinding({ report, theirs }: Checked, diagnoses: readonly Diagnosis[]): string | undefined {
  const unexplained = diagnoses.filter(({ best }) => !best).flatMap(({ about = [] }) => about);
  const errors = unexplained.flatMap((probe) => {
    const found = theirs.get(probe);
    return (found && roughExponential(report.case, probe, found)) ?? [];
  });
  if (errors.length === 0) return undefined;
  const digits = Math.max(...errors).toExponential(0);
  return (
    `Your eˣ has a relative error of up to ${digits}, which comes back from octave to octave: this looks like a fast ` +
    'approximation (of a fast-math mode, or of your own); use the one that is good to the last digits.'
  );
}

/** The mistakes that explain what is off. */
export function diagnosesOf(
  checked: Checked,
  onProgress?: (done: number, total: number) => void,
): readonly Diagnosis[] {
  isChecked('what was checked', checked);
  const { report, bands, theirs } = checked;
  const { case: one, format, independent, taps } = report;
  const off = taps.flatMap(({ name, status }) => (status === 'ok' ? [] : [name]));
  if (off.length === 0) return [];
  if (!independent) {
    const traces = faultyTraces(one, format, new Set(bands.keys()));
    return [diagnose(bands, theirs, format, traces, onProgress)];
  }
  const recognise = (probe: string): Fault | undefined => recognised(one, probe, theirs.get(probe));
  return diagnoseProbes(bands, off, theirs, format, (probe) => faultyTraces(one, format, new Set([probe])), recognise);
}

/** A fault whose numbers depend on the order of sums, by what they all share. */
export function recognised(one: Case, probe: string, theirs: Tensor | undefined): Fault | undefined {
  if (!theirs || !hasOnePassVariance(one, probe, theirs)) return undefined;
  return bank.find(({ name }) => name === 'norm-variance-one-pass');
}
