/** A report as JUnit XML: a test case for each tap, so that a CI shows them one by one. */
import type { Report } from '../check.ts';
import type { Diagnosis } from '../diagnosis.ts';
import { budgetSentence, divergence, explanation, verdict } from './sentences.ts';

export function junitReport(report: Report, diagnosis: Diagnosis | undefined, residual: readonly string[]): string {
  const { case: one, format, taps, missing, problems } = report;
  const suite = `${one.name} (${format.name})`;
  const failures: string[] = [];
  const entry = (name: string, failure?: readonly [string, string]): string => {
    const head = `  <testcase classname="${escaped(suite)}" name="${escaped(name)}"`;
    if (!failure) return `${head}/>`;
    failures.push(name);
    return `${head}><failure message="${escaped(failure[0])}">${escaped(failure[1])}</failure></testcase>`;
  };
  const cases = [
    ...taps.map((tap) =>
      entry(
        tap.name,
        tap.status === 'ok'
          ? undefined
          : [`${tap.status}${tap === report.first ? ': the first divergence' : ''}`, budgetSentence(tap)],
      ),
    ),
    ...missing.map((name) => entry(name, ['missing', 'the tap is expected, but there is no such tensor'])),
    ...[...problems].map(([name, problem]) => entry(name, ['not comparable', problem])),
  ];
  const out = [verdict(report), divergence(report), ...residual, ...(diagnosis ? explanation(diagnosis) : [])]
    .filter((line) => line !== undefined)
    .join('\n');
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites><testsuite name="${escaped(suite)}" tests="${cases.length}" failures="${failures.length}" errors="0" skipped="0">`,
    ...cases,
    `  <system-out>${escaped(out)}</system-out>`,
    '</testsuite></testsuites>',
    '',
  ].join('\n');
}

/** As text and as an attribute's value; characters that XML does not have are left out. */
export function escaped(text: string): string {
  return text
    .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd]/g, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
