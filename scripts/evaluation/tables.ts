/** The results as Markdown and as CSV. */
import type { Estimate } from '../../src/evaluation/bootstrap.ts';
import { figures, type Figure } from '../../src/evaluation/measure.ts';
import { groups } from './groups.ts';
import type { MeasuredRow, MeasuredSection, Results } from './results.ts';

const names = Object.keys(figures) as Figure[];

/** A line for each point, all its pictures measured. */
export function csv({ points }: Results): string {
  const header = ['point', 'options', 'pictures', ...names.flatMap((name) => [name, `${name}.low`, `${name}.high`])];
  const rows = points.map(({ name, options, pictures, figures: found }) => [
    `"${name}"`,
    `"${options}"`,
    pictures,
    ...names.flatMap((figure) => [found[figure]?.value ?? '', found[figure]?.low ?? '', found[figure]?.high ?? '']),
  ]);
  return [header, ...rows].map((row) => `${row.join(',')}\n`).join('');
}

export function tables(results: Results): string {
  return [
    '<!-- Made by scripts/evaluation/report.ts from results.json. -->',
    '# The evaluation in numbers\n',
    `The letters model, DDIM with ${results.steps} steps and x̂₀ not clipped unless said otherwise, PAG in the middle block. Below each value is its change against the`,
    'first line of the table, from the same noise; brackets are 95 % bootstrap intervals (of changes: in pairs), bold where they leave 0 out.\n',
    `${realText(results)}\n`,
    ...results.groups.flatMap(({ name, sections }) => {
      const { title, subtitle } = groups.find((group) => group.name === name)!;
      return [`## ${title}\n`, `${subtitle[0].toUpperCase()}${subtitle.slice(1)}.\n`, ...sections.map(sectionTable)];
    }),
  ].join('\n');
}

function realText({ real: { pictures, figures: found } }: Results): string {
  return `Real letters measured so, one half of the held-out ones against the other (${pictures} each): ${names
    .flatMap((name) => (found[name] ? [`${figures[name].title} ${valueText(name, found[name].value)}`] : []))
    .join(', ')}.`;
}

function sectionTable({ title, pictures, rows }: MeasuredSection): string {
  const shown = names.filter((name) => rows.some((row) => row.figures[name]));
  const header = [
    `${title || 'no letter asked for'}; ${pictures} pictures each`,
    ...shown.map((name) => `${figures[name].title} ${figures[name].better === 'lower' ? '↓' : '↑'}`),
  ];
  return [
    `| ${header.join(' | ')} |`,
    `| --- |${' ---: |'.repeat(shown.length)}`,
    ...rows.map((row) => `| ${[row.label, ...shown.map((name) => cell(name, row))].join(' | ')} |`),
    '',
  ].join('\n');
}

function cell(name: Figure, { figures: found, change }: MeasuredRow): string {
  const estimate = found[name];
  if (!estimate) return '';
  const difference = change?.[name];
  const isSure = difference && (difference.low > 0 || difference.high < 0);
  if (!difference)
    return `${valueText(name, estimate.value)} [${valueText(name, estimate.low)}, ${valueText(name, estimate.high)}]`;
  return `${valueText(name, estimate.value)}<br>${isSure ? `**${changeText(name, difference)}**` : changeText(name, difference)}`;
}

function changeText(name: Figure, { value, low, high }: Estimate): string {
  const sign = (number: number): string => `${number > 0 ? '+' : ''}${valueText(name, number)}`;
  return `${sign(value)} [${sign(low)}, ${sign(high)}]`;
}

function valueText(name: Figure, value: number): string {
  const digits = {
    frechetDistance: 1,
    inceptionScore: 2,
    letters: 2,
    precision: 3,
    recall: 3,
    confidence: 3,
    asAsked: 3,
    diversity: 2,
  }[name];
  return value.toFixed(digits).replace('-', '−');
}
