/**
 * What a run of the bench has found, in words and tables. As a command it puts a run into this folder's README, with
 * its chart and its JSON beside it: `npx tsx scripts/bench/report.ts results/bench.json`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { barsOf, barsTable } from './bars.ts';
import { chart } from './chart.ts';
import { remarksOn, turnsText, type Results } from './results.ts';
import { errorsTable, firstTable, timesTable } from './table.ts';

/** All tables of a run, as Markdown. */
export function report(results: Results): string {
  const { date, processor, turns, measurements, missing } = results;
  const versions = [
    ...new Set(measurements.map(({ ours, contender, version }) => `- ${ours ? 'ours' : contender}: ${version}`)),
  ];
  const threads = [...new Set(measurements.map((one) => one.threads))].filter((count) => count > 1);
  const disagreeing = measurements.flatMap(({ threads: count, contender, title, disagreement }) =>
    count === 1 && disagreement !== undefined ? [`- † ${contender} in ${title}\n  ${disagreement}`] : [],
  );
  const left = missing.map(({ contender, title, why }) => `- ${contender} is left out of ${title}:\n  ${why}`);
  return [
    [`${processor}, ${date}, medians of ${turnsText(turns)}:`, versions.join('\n')],
    [
      'One thread, milliseconds of processor time of a pass, with their range; bold: beside `simd`.',
      timesTable(results, 1),
    ],
    ...threads.map((count) => [
      `${count} threads, milliseconds on the wall; bold: beside \`simd\`.`,
      timesTable(results, count),
    ]),
    ["How far the results are from PyTorch's float64, relative, root mean square.", errorsTable(results)],
    [
      'The first pass, with all that is done only once, in milliseconds of processor time (largest resident set, MB).',
      firstTable(results),
    ],
    [...remarksOn(results).map((remark) => `- ${remark}`), ...disagreeing, ...left].join('\n'),
    barsTable(barsOf(results)),
  ]
    .flat()
    .filter((part) => part !== '')
    .join('\n\n');
}

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const [begin, end] = ['<!-- measured -->', '<!-- end of what was measured -->'];

/** The README with other results: what stands between its two marks is replaced. */
export function withResults(readme: string, results: Results): string {
  const [from, to] = [readme.indexOf(begin), readme.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the README has no ${begin} and ${end} any more`);
  const picture = '![Milliseconds of everybody, a panel for each case](measured.svg)';
  return `${readme.slice(0, from)}${begin}\n\n${picture}\n\n${report(results)}\n\n${readme.slice(to)}`;
}

/** Writes results into this folder: README.md, measured.svg, measured.json. */
export function publish(results: Results): void {
  writeFileSync(here('README.md'), withResults(readFileSync(here('README.md'), 'utf8'), results));
  writeFileSync(here('measured.svg'), chart(results));
  writeFileSync(here('measured.json'), `${JSON.stringify(results, undefined, 1)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , file = here('results/bench.json')] = process.argv;
  publish(JSON.parse(readFileSync(file, 'utf8')) as Results);
}
