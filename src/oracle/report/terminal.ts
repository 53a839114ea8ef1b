/** A report as text. */
import type { Report, TapReport } from '../check.ts';
import type { Diagnosis } from '../diagnosis.ts';
import { count, divergence, explanation, fixed, part, percent, short, verdict } from './sentences.ts';

export interface TextOptions {
  readonly colour: boolean;
  /** All taps, not only those around what is wrong. */
  readonly all: boolean;
}

/** So many rows are read at a glance. */
const glance = 24;

export function textReport(
  report: Report,
  diagnosis: Diagnosis | undefined,
  residual: readonly string[],
  { colour, all }: TextOptions,
): string {
  const paint = (code: number, text: string): string => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
  const { case: one, format, taps } = report;
  const lines = [
    `${one.name}: ${one.title}`,
    `${format.name} (${format.summary}), ${count(taps.length, 'tap')} compared`,
    '',
  ];
  lines.push(report.passes ? paint(32, `✓ ${verdict(report)}`) : paint(31, `✗ ${verdict(report)}`));
  const where = divergence(report);
  if (where) lines.push(`  ${where}`);
  for (const line of residual) lines.push(`  ${line}`);
  if (diagnosis) for (const line of explanation(diagnosis)) lines.push(paint(33, `→ ${line}`));
  for (const name of report.missing.slice(0, glance)) lines.push(paint(31, `  missing: ${name}`));
  if (report.missing.length > glance) lines.push(`  … and ${report.missing.length - glance} more`);
  if (report.missing.length > 0) lines.push('  (a partial port says which taps it has: --only GLOB)');
  for (const [name, problem] of [...report.problems].slice(0, glance)) lines.push(paint(31, `  ${name} ${problem}`));
  if (report.problems.size > glance) lines.push(`  … and ${report.problems.size - glance} more`);
  if (report.unknown.length > 0)
    lines.push(
      `  not compared, no tap of this case: ${report.unknown.slice(0, 8).join(', ')}${report.unknown.length > 8 ? ', …' : ''}`,
    );
  for (const { name, note } of taps) if (note) lines.push(`  ${name}: ${note}`);

  const shown = all ? taps : aroundWhatIsWrong(taps);
  if (shown.length > 0) {
    lines.push(
      '',
      ...table(shown).map((row, i) => (i === 0 ? paint(1, row) : paint(colours[shown[i - 1].status], row))),
    );
    if (shown.length < taps.length)
      lines.push(`${taps.length - shown.length} further taps are not shown; --all shows them`);
    lines.push(
      '',
      'budget: share of it that is used, against the truth and against what follows from your own earlier taps;',
      'rms: deviation in units of honest rounding errors, and that of the best and worst honest port',
    );
  }
  return lines.join('\n');
}

const colours = { ok: 0, wrong: 31, inherited: 33, 'not finite': 31 } as const;

/** All that is off as far as it fits, with a few taps before it; where nothing is, the closest to their budgets. */
function aroundWhatIsWrong(taps: readonly TapReport[]): readonly TapReport[] {
  if (taps.length <= glance) return taps;
  const first = taps.findIndex(({ status }) => status !== 'ok');
  if (first >= 0) return taps.slice(Math.max(0, first - 3), first + glance - 3);
  const worst = new Set([...taps].sort((a, b) => b.chained.share - a.chained.share).slice(0, glance));
  return taps.filter((tap) => worst.has(tap));
}

function table(taps: readonly TapReport[]): readonly string[] {
  const rows = [
    [
      'tap',
      'status',
      'budget',
      'own input',
      'rms',
      'honest',
      'max abs',
      'mean abs',
      'ulps',
      'rel. L2',
      '1 − cos',
      'bad',
    ],
    ...taps.map(({ name, status, chained, local, measures }) => [
      name,
      status,
      percent(chained.share),
      percent(local.share),
      fixed(chained.deviation.rms),
      chained.honest.map(fixed).join('–'),
      short(measures.maxAbs),
      short(measures.meanAbs),
      short(measures.ulps),
      short(measures.relativeL2),
      short(Math.max(0, 1 - measures.cosine)),
      part(measures.badShare),
    ]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  '),
  );
}
