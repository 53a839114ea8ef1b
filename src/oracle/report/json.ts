/** A report for programs. Numbers that JSON does not have are written as texts: "NaN", "Infinity". */
import type { Report } from '../check.ts';
import type { Diagnosis } from '../diagnosis.ts';
import type { Result } from './result.ts';
import { divergence, explanation, verdict } from './sentences.ts';

/**
 * The report of a check as JSON.
 * @param residual what shows in the numbers beside the taps, as sentences
 */
export function jsonReport(report: Report, diagnoses: readonly Diagnosis[], residual: readonly string[]): string {
  return written({ schema: 1, ...reportJson({ report, diagnoses, sentences: residual }) });
}

/** The reports of many checks as JSON: whether all pass, and each under `cases`. */
export function jsonOfAll(results: readonly Result[]): string {
  const passes = results.every(({ report }) => report.passes);
  return written({ schema: 1, passes, cases: results.map(reportJson) });
}

function written(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, inner: unknown) => (typeof inner === 'number' && !Number.isFinite(inner) ? String(inner) : inner),
    1,
  );
}

function reportJson({ report, diagnoses, sentences }: Result): Readonly<Record<string, unknown>> {
  const { case: one, format, taps, missing, problems, unknown, first, lastGood, passes } = report;
  return {
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
    residual: sentences,
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
  };
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
