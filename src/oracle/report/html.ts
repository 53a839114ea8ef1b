/** A report as one page that needs nothing else: no script, no font, no address. */
import { counted } from '../../tensor/shown.ts';
import type { Report, TapReport } from '../check.ts';
import type { Diagnosis } from '../diagnosis.ts';
import { flowChart } from './flow.ts';
import { heatMap } from './heat-map.ts';
import { escaped, tag } from './markup.ts';
import type { Result, Unchanged } from './result.ts';
import { budgetSentence, divergence, explanation, fixed, part, percent, short, verdict } from './sentences.ts';
import { style } from './style.ts';

/**
 * The report of a check as a page.
 * @param residual what shows in the numbers beside the taps, as sentences
 */
export function htmlReport(report: Report, diagnoses: readonly Diagnosis[], residual: readonly string[]): string {
  const { case: one, passes } = report;
  const content = `<header>${heading('h1', report)}</header>
${body({ report, diagnoses, sentences: residual })}
${aboutBudgets}`;
  return page(`${one.name}: ${passes ? 'within budget' : 'off'}`, content);
}

/**
 * The reports of many checks as one page: a line for each case, which opens; those that are off come first, those that
 * have not changed since they passed, last.
 */
export function htmlOfAll(results: readonly Result[], unchanged: readonly Unchanged[] = []): string {
  const off = results.filter(({ report }) => !report.passes);
  const good = results.filter(({ report }) => report.passes);
  const title = `${counted(results.length, 'case')}, ${off.length} off`;
  const sections = [...off, ...good].map((result) => {
    const { report } = result;
    const line = `${report.passes ? '✓' : '✗'} <code>${escaped(report.case.name)}</code> ${escaped(verdict(report))}`;
    return `<details${report.passes ? '' : ' open'}><summary>${line}</summary>
${heading('h2', report)}
${body(result)}
</details>`;
  });
  const before = unchanged.map(
    ({ case: name, verdict: said }) => `<p>✓ <code>${escaped(name)}</code> unchanged: ${escaped(said)}</p>`,
  );
  const content = [...sections, ...before].join('\n');
  return page(title, `<header><h1>${title}</h1></header>\n${content}\n${aboutBudgets}`);
}

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${style}</style>
<main>
${content}
</main>
</html>
`;
}

function heading(element: 'h1' | 'h2', { case: one, format, taps }: Report): string {
  const precision = `${escaped(format.name)} (${escaped(format.summary)})`;
  return `${tag(element, {}, escaped(one.name))}
<p class="lead">${escaped(one.title)}. Compared in ${precision}, ${counted(taps.length, 'tap')}.
Truth: ${escaped(one.truth)}.</p>`;
}

function body({ report, diagnoses, sentences }: Result): string {
  const { taps, first } = report;
  return `${verdictSection(report, diagnoses, sentences)}
${notesOf(report)}
${dataFlow(taps)}
${first ? whereItDiverges(first) : ''}
${tapTable(taps)}`;
}

function verdictSection(report: Report, diagnoses: readonly Diagnosis[], residual: readonly string[]): string {
  const findings = [divergence(report), ...residual].filter((line) => line !== undefined);
  const mistakes = diagnoses.flatMap(explanation);
  return `<section class="verdict ${report.passes ? 'good' : 'bad'}">
<strong>${report.passes ? '✓' : '✗'} ${escaped(verdict(report))}</strong>
${findings.map((line) => `<p>${escaped(line)}</p>`).join('\n')}
${mistakes.map((line) => `<p class="mistake">→ ${code(escaped(line))}</p>`).join('\n')}
</section>`;
}

/** Open where something is missing or cannot be compared; empty where there is nothing to say. */
function notesOf({ taps, missing, problems, unknown }: Report): string {
  const notes = [
    ...[...problems].map(([name, problem]) => `${name} ${problem}`),
    ...missing.map((name) => `missing: ${name}`),
    ...taps.flatMap(({ name, note }) => (note ? [`${name}: ${note}`] : [])),
    ...(unknown.length > 0 ? [`no taps of this case: ${unknown.join(', ')}`] : []),
  ];
  if (notes.length === 0) return '';
  const open = problems.size + missing.length > 0 ? ' open' : '';
  const items = notes.map((line) => `<li>${escaped(line)}</li>`).join('');
  return `<details${open}><summary>${counted(notes.length, 'note')}</summary><ul>${items}</ul></details>`;
}

function dataFlow(taps: readonly TapReport[]): string {
  return `<h2>Along the data flow</h2>
<p class="key">One bar for each tap, in the order in which they are computed; its height is the share of the budget
(the line) that is used, on a logarithmic scale.
<span class="ok">■</span> within budget
<span class="inherited">■</span> follows from earlier taps that are off
<span class="wrong">■</span> wrong by itself</p>
${flowChart(taps)}`;
}

function whereItDiverges(first: TapReport): string {
  return `<h2>Where: <code>${escaped(first.name)}</code></h2>
<p class="key">Deviation at each place, over samples and channels, in units of honest rounding errors.</p>
${heatMap(first)}
<p>${escaped(budgetSentence(first))}</p>`;
}

/** The columns after tap, shape and status: a heading, what it means where that needs saying, and a tap's cell. */
const columns: readonly { readonly title: string; readonly means?: string; cell(tap: TapReport): string }[] = [
  {
    title: 'budget',
    means: 'share of the budget against the truth',
    cell: ({ chained }) => percent(chained.share),
  },
  {
    title: 'own input',
    means: 'share of the budget against what follows from your own earlier taps',
    cell: ({ local }) => percent(local.share),
  },
  {
    title: 'rms',
    means: 'root mean square deviation in units of honest rounding errors',
    cell: ({ chained }) => fixed(chained.deviation.rms),
  },
  { title: 'honest ports', cell: ({ chained }) => chained.honest.map(fixed).join(' – ') },
  { title: 'max abs', cell: ({ measures }) => short(measures.maxAbs) },
  { title: 'mean abs', cell: ({ measures }) => short(measures.meanAbs) },
  { title: 'ulps', cell: ({ measures }) => short(measures.ulps) },
  { title: 'rel. L2', cell: ({ measures }) => short(measures.relativeL2) },
  { title: '1 − cos', cell: ({ measures }) => short(Math.max(0, 1 - measures.cosine)) },
  { title: 'bad', cell: ({ measures }) => part(measures.badShare) },
];

function tapTable(taps: readonly TapReport[]): string {
  const headings = columns.map(({ title, means }) => tag('th', means === undefined ? {} : { title: means }, title));
  return `<h2>Taps</h2>
<div class="scroll"><table>
<thead><tr><th>tap</th><th>shape</th><th>status</th>${headings.join('')}</tr></thead>
<tbody>
${taps.map(row).join('\n')}
</tbody></table></div>`;
}

function row(tap: TapReport): string {
  const cells = [
    tag('th', {}, escaped(tap.name)),
    tag('td', {}, tap.shape.join('×')),
    tag('td', { class: 'status' }, tap.status),
    ...columns.map(({ cell }) => tag('td', {}, cell(tap))),
  ];
  return tag('tr', { class: tap.status.replace(' ', '-'), title: budgetSentence(tap) }, cells.join(''));
}

const aboutBudgets = `<h2>How the budgets come about</h2>
<p>The unit is the error that honest rounding brings into each number: every operation is computed in double precision
and moved at random by unit roundoff · Σ|aᵢbᵢ|, so that the unit knows conditioning and what earlier layers add. Honest
ports — other orders of summation, fused multiply-add, other formulas for norms and softmax — lie as far from the truth
as the column says. The budget is three times the worst of them. Two numbers are held against it: the root mean square
over the tap, and the largest deviation.</p>`;

/** \`name\` as code. */
function code(text: string): string {
  return text.replace(/`([^`]+)`/g, '<code>$1</code>');
}
