/** The results as Markdown and as CSV. */
import { figures, type Figure } from '../../src/evaluation/measure.ts';
import { intervalText, numberText, withChange } from './estimates.ts';
import { groups } from './groups.ts';
import type { MeasuredRow, MeasuredSection, Results } from './results.ts';

const names = Object.keys(figures) as Figure[];
/** How many digits after the point a figure is good for. */
const digits: Readonly<Record<Figure, number>> = {
  frechetDistance: 1,
  inceptionScore: 2,
  letters: 2,
  precision: 3,
  recall: 3,
  confidence: 3,
  asAsked: 3,
  diversity: 2,
};

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

/** A table for each section of each group, and what they are, as Markdown. */
export function tables(results: Results): string {
  return [
    '<!-- Made by scripts/evaluation/report.ts from results.json. -->',
    '# The evaluation in numbers\n',
    `The letters model, DDIM with ${results.steps} steps and x̂₀ not clipped unless said otherwise, ` +
      'PAG in the middle block. Below each value is its change against the',
    'first line of the table, from the same noise; brackets are 95 % bootstrap intervals (of changes: in pairs), ' +
      'bold where they leave 0 out.\n',
    `${realText(results)}\n`,
    ...groups.flatMap(({ name, title, subtitle }) => {
      const measured = results.groups.find((group) => group.name === name);
      if (!measured) return [];
      const sentence = `${subtitle.charAt(0).toUpperCase()}${subtitle.slice(1)}.`;
      return [`## ${title}\n`, `${sentence}\n`, ...measured.sections.map(sectionTable)];
    }),
  ].join('\n');
}

function realText({ real: { pictures, figures: found } }: Results): string {
  const values = names.flatMap((name) => {
    const estimate = found[name];
    return estimate ? [`${figures[name].title} ${numberText(estimate.value, digits[name])}`] : [];
  });
  const halves = `one half of the held-out ones against the other (${pictures} each)`;
  return `Real letters measured so, ${halves}: ${values.join(', ')}.`;
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
  if (!difference) return intervalText(estimate, digits[name]);
  return withChange(numberText(estimate.value, digits[name]), difference, digits[name]);
}
