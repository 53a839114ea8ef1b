/** A report as text. */
import { printable } from '../../tensor/errors.ts';
import { counted } from '../../tensor/shown.ts';
import type { Report, TapReport } from '../check.ts';
import type { Diagnosis } from '../diagnosis.ts';
import { divergence, explanation, fixed, part, percent, short, verdict } from './sentences.ts';

/** What the text shows beside the findings. */
export interface TextOptions {
  /** In the colours of a terminal. */
  readonly colour: boolean;
  /** All taps, not only those around what is wrong. */
  readonly all: boolean;
}

/** So many rows are read at a glance. */
const glance = 24;

/** The numbers of ANSI's colours; 0 is none. */
const [none, bold, red, green, yellow] = [0, 1, 31, 32, 33];
const colours = { ok: none, wrong: red, inherited: yellow, 'not finite': red } as const;

type Paint = (colour: number, text: string) => string;

/**
 * The report of a check as text.
 * @param residual what shows in the numbers beside the taps, as sentences
 */
export function textReport(
  report: Report,
  diagnoses: readonly Diagnosis[],
  residual: readonly string[],
  { colour, all }: TextOptions,
): string {
  // Names come from files of others: they must not reach the terminal as commands.
  const paint: Paint = (code, text) => (colour ? `\x1b[${code}m${printable(text)}\x1b[0m` : printable(text));
  const { case: one, format, taps } = report;
  const where = divergence(report);
  return [
    printable(`${one.name}: ${one.title}`),
    `${format.name} (${format.summary}), ${counted(taps.length, 'tap')} compared`,
    '',
    report.passes ? paint(green, `✓ ${verdict(report)}`) : paint(red, `✗ ${verdict(report)}`),
    ...(where === undefined ? [] : [printable(`  ${where}`)]),
    ...residual.map((line) => printable(`  ${line}`)),
    ...diagnoses.flatMap(explanation).map((line) => paint(yellow, `→ ${line}`)),
    ...notCompared(report, paint),
    ...taps.flatMap(({ name, note }) => (note ? [printable(`  ${name}: ${note}`)] : [])),
    ...tableSection(taps, all ? taps : aroundWhatIsWrong(taps), paint),
  ].join('\n');
}

/** What is missing, what cannot be compared, and what is no tap. */
function notCompared({ missing, problems, unknown }: Report, paint: Paint): readonly string[] {
  const more = (length: number): readonly string[] => (length > glance ? [`  … and ${length - glance} more`] : []);
  const named = `${unknown.slice(0, 8).join(', ')}${unknown.length > 8 ? ', …' : ''}`;
  return [
    ...missing.slice(0, glance).map((name) => paint(red, `  missing: ${name}`)),
    ...more(missing.length),
    ...(missing.length > 0 ? ['  (a partial port says which taps it has: --only GLOB)'] : []),
    ...[...problems].slice(0, glance).map(([name, problem]) => paint(red, `  ${name} ${problem}`)),
    ...more(problems.size),
    ...(unknown.length > 0 ? [printable(`  not compared, no tap of this case: ${named}`)] : []),
  ];
}

/** All that is off as far as it fits, with a few taps before it; where nothing is, the closest to their budgets. */
function aroundWhatIsWrong(taps: readonly TapReport[]): readonly TapReport[] {
  if (taps.length <= glance) return taps;
  const first = taps.findIndex(({ status }) => status !== 'ok');
  if (first >= 0) return taps.slice(Math.max(0, first - 3), first + glance - 3);
  const worst = new Set([...taps].sort((a, b) => b.chained.share - a.chained.share).slice(0, glance));
  return taps.filter((tap) => worst.has(tap));
}

function tableSection(taps: readonly TapReport[], shown: readonly TapReport[], paint: Paint): readonly string[] {
  if (shown.length === 0) return [];
  const lines = inColumns([headings, ...shown.map(cellsOf)]);
  const colourOf = [bold, ...shown.map(({ status }) => colours[status])];
  const hidden = taps.length - shown.length;
  return [
    '',
    ...lines.map((line, i) => paint(colourOf[i] ?? none, line)),
    ...(hidden > 0 ? [`${hidden} further taps are not shown; --all shows them`] : []),
    '',
    'budget: share of it that is used, against the truth and against what follows from your own earlier taps;',
    'rms: deviation in units of honest rounding errors, and that of the best and worst honest port',
  ];
}

const headings: readonly string[] = [
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
];

function cellsOf({ name, status, chained, local, measures }: TapReport): readonly string[] {
  return [
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
  ];
}

/** Lines whose columns are below one another: the first two from the left, the numbers from the right. */
function inColumns(rows: readonly (readonly string[])[]): readonly string[] {
  const widthOf = (column: number): number => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const widths = headings.map((_, column) => widthOf(column));
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column < 2 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  '),
  );
}
