/** A report as JUnit XML: a test case for each tap, so that a CI shows them one by one. */
import type { Report, TapReport } from '../check.ts';
import type { Diagnosis } from '../diagnosis.ts';
import type { Result, Unchanged } from './result.ts';
import { escaped, tag } from './markup.ts';
import { budgetSentence, divergence, explanation, verdict } from './sentences.ts';

/**
 * The report of a check as JUnit XML.
 * @param residual what shows in the numbers beside the taps, as sentences
 */
export function junitReport(report: Report, diagnoses: readonly Diagnosis[], residual: readonly string[]): string {
  return junitOfAll([{ report, diagnoses, sentences: residual }]);
}

/** The reports of many checks as JUnit XML: a suite for each case, of one test where nothing has changed. */
export function junitOfAll(results: readonly Result[], unchanged: readonly Unchanged[] = []): string {
  const suites = [...results.map(suiteOf), ...unchanged.map(suiteOfUnchanged)];
  return ['<?xml version="1.0" encoding="UTF-8"?>', `<testsuites>${suites.join('\n')}</testsuites>`, ''].join('\n');
}

function suiteOfUnchanged({ case: name, verdict: said }: Unchanged): string {
  return [
    `<testsuite name="${escaped(name)}" tests="1" failures="0" errors="0" skipped="0">`,
    `  ${tag('testcase', { classname: name, name: 'unchanged' })}`,
    `  <system-out>${escaped(said)}</system-out>`,
    '</testsuite>',
  ].join('\n');
}

function suiteOf({ report, diagnoses, sentences }: Result): string {
  const suite = `${report.case.name} (${report.format.name})`;
  const cases = testCases(report);
  const written = cases.map(({ name, failure }) => {
    const inside = failure && tag('failure', { message: failure.message }, escaped(failure.text));
    return `  ${tag('testcase', { classname: suite, name }, inside)}`;
  });
  const out = [verdict(report), divergence(report), ...sentences, ...diagnoses.flatMap(explanation)]
    .filter((line) => line !== undefined)
    .join('\n');
  const failures = cases.filter(({ failure }) => failure).length;
  const counts = `tests="${cases.length}" failures="${failures}" errors="0" skipped="0"`;
  return [
    `<testsuite name="${escaped(suite)}" ${counts}>`,
    ...written,
    `  <system-out>${escaped(out)}</system-out>`,
    '</testsuite>',
  ].join('\n');
}

interface TestCase {
  readonly name: string;
  readonly failure?: { readonly message: string; readonly text: string };
}

/** What is compared, then what is missing, then what cannot be compared. */
function testCases(report: Report): readonly TestCase[] {
  return [
    ...report.taps.map((tap) => testCase(tap, tap === report.first)),
    ...report.missing.map((name) => ({
      name,
      failure: { message: 'missing', text: 'the tap is expected, but there is no such tensor' },
    })),
    ...[...report.problems].map(([name, text]) => ({ name, failure: { message: 'not comparable', text } })),
  ];
}

function testCase(tap: TapReport, isFirst: boolean): TestCase {
  if (tap.status === 'ok') return { name: tap.name };
  const message = isFirst ? `${tap.status}: the first divergence` : tap.status;
  return { name: tap.name, failure: { message, text: budgetSentence(tap) } };
}
