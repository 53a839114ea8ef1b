/** The figures of restored letters as Markdown and as a chart. */
import { methods, type Method } from '../../../src/cli/restoration-task.ts';
import { chartOfChanges } from '../charts.ts';
import { intervalText, withChange } from '../estimates.ts';
import { figureNames, figures, type Figure, type RestorationResults, type Row } from './rows.ts';

const titles: Readonly<Record<Method, string>> = {
  dps: 'DPS in pixels',
  psld: 'PSLD in latents, without a prompt',
};

/** restoration.md. */
export function tableOf(results: RestorationResults): string {
  return [
    '<!-- Made by scripts/evaluation/restoration-report.ts from restoration.json. -->',
    '# Letters restored, with and without PAG\n',
    'Letters of faces that neither model nor classifier has seen, measured with noise of σ = 0.05. Brackets are 95 % ' +
      'bootstrap intervals; below a value is its change',
    'against no guidance from the same noise, in pairs, bold where its interval leaves 0 out. The weight of the ' +
      'measurement is the best for no guidance.\n',
    ...methods.flatMap((method) => sectionOf(results, method)),
  ].join('\n');
}

function sectionOf({ conditions, rows }: RestorationResults, method: Method): readonly string[] {
  const steps = conditions.find((one) => one.method === method)?.steps;
  const found = rows.filter((row) => row.method === method);
  if (found.length === 0 || steps === undefined) return [];
  const heads = figureNames.map((name) => `${figures[name].title} ${figures[name].better === 'lower' ? '↓' : '↑'}`);
  return [
    `## ${titles[method]}, ${steps} steps of DDPM\n`,
    `| task, weight | guidance | letters | ${heads.join(' | ')} |`,
    '| --- | --- | ---: | ---: | ---: | ---: |',
    ...found.map((row) => `| ${cellsOf(row).join(' | ')} |`),
    '',
  ];
}

function cellsOf(row: Row): readonly string[] {
  return [
    `${row.task}, ${row.weight}`,
    row.scale === 0 ? 'no guidance' : `PAG, s = ${row.scale}`,
    row.letters.toLocaleString('en'),
    ...figureNames.map((name) => cell(name, row)),
  ];
}

function cell(name: Figure, { figures: found, change }: Row): string {
  const { digits } = figures[name];
  const value = intervalText(found[name], digits);
  return change ? withChange(value, change[name], digits) : value;
}

/** The chart of a method, restoration-METHOD.svg; undefined where nothing has been drawn with guidance. */
export function chartOfMethod({ rows }: RestorationResults, method: Method): string | undefined {
  const guided = rows.filter((row) => row.method === method && row.scale !== 0);
  const scales = [...new Set(guided.map(({ scale }) => scale))];
  if (scales.length === 0) return undefined;
  return chartOfChanges({
    title: 'What PAG does to restored letters',
    subtitle: `${titles[method]}; the weight of the measurement is the best for no guidance`,
    columns: figureNames.map((name) => figures[name]),
    sections: scales.map((scale) => {
      const found = guided.filter((row) => row.scale === scale);
      return {
        title: `s = ${scale}, n = ${found[0]?.letters.toLocaleString('en')}`,
        rows: found.map(({ task, change }) => ({ label: task, changes: figureNames.map((name) => change?.[name]) })),
      };
    }),
    note:
      'Change against no guidance from the same noise, with 95 % bootstrap intervals in pairs. ' +
      'Grey: not to be told from no change. n: letters of each.',
  });
}
