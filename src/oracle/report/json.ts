/** A report for programs: values to be written by `jsonText`. */
import type { Report } from '../check.ts';
import type { Diagnosis } from '../diagnosis.ts';
import type { Result, Unchanged } from './result.ts';
import { divergence, explanation, verdict } from './sentences.ts';

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * The report of a check.
 * @param residual what shows in the numbers beside the taps, as sentences
 */
export function jsonReport(report: Report, diagnoses: readonly Diagnosis[], residual: readonly string[]): JsonObject {
  return { schema: 1, ...reportJson({ report, diagnoses, sentences: residual }) };
}

/** The reports of many checks: whether all pass, each under `cases`, and what passed before and has not changed. */
export function jsonOfAll(results: readonly Result[], unchanged: readonly Unchanged[] = []): JsonObject {
  const passes = results.every(({ report }) => report.passes);
  const before = unchanged.map(({ case: name, verdict: said }) => ({ case: name, verdict: said }));
  return { schema: 1, passes, cases: results.map(reportJson), unchanged: before };
}

function reportJson({ report, diagnoses, sentences }: Result): JsonObject {
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

function diagnosisJson(diagnosis: Diagnosis): JsonObject {
  return {
    about: diagnosis.about ?? null,
    faults: diagnosis.best?.faults.map(({ name }) => name) ?? [],
    complete: diagnosis.complete,
    reaches: diagnosis.best?.reaches ?? 0,
    equivalent: diagnosis.equivalent.map(({ name }) => name),
    sentences: explanation(diagnosis),
  };
}
