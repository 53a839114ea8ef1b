/** A report for programs. Numbers that JSON does not have are written as texts: "NaN", "Infinity". */
import type { Report } from '../check.ts';
import type { Diagnosis } from '../diagnosis.ts';
import { divergence, explanation, verdict } from './sentences.ts';

/**
 * The report of a check as JSON.
 * @param residual what shows in the numbers beside the taps, as sentences
 */
export function jsonReport(report: Report, diagnoses: readonly Diagnosis[], residual: readonly string[]): string {
  const { case: one, format, taps, missing, problems, unknown, first, lastGood, passes } = report;
  return JSON.stringify(
    {
      schema: 1,
      case: one.name,
      title: one.title,
      truth: one.truth,
      dtype: format.name,
      passes,
      verdict: verdict(report),
      divergence: divergence(report) ?? null,
      first: first?.name ?? null,
      lastGood: lastGood?.name ?? null,
      diagnosis: diagnoses[0] ? diagnosisJson(diagnoses[0]) : null,
      diagnoses: diagnoses.map(diagnosisJson),
      residual,
      missing,
      problems: Object.fromEntries(problems),
      unknown,
      taps: taps.map(({ name, shape, status, chained, local, measures, note }) => ({
        name,
        shape,
        status,
        chained,
        local,
        ...measures,
        note: note ?? null,
      })),
    },
    (_key, value: unknown) => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value),
    1,
  );
}

function diagnosisJson(diagnosis: Diagnosis): Readonly<Record<string, unknown>> {
  return {
    about: diagnosis.about ?? null,
    faults: diagnosis.best?.faults.map(({ name }) => name) ?? [],
    complete: diagnosis.complete,
    reaches: diagnosis.best?.reaches ?? 0,
    equivalent: diagnosis.equivalent.map(({ name }) => name),
    sentences: explanation(diagnosis),
  };
}
