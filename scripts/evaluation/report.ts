/**
 * Makes the tables and charts of fixtures/evaluation:
 *
 *     npx tsx scripts/evaluation/report.ts [--folder out/evaluation] [--add] [--chromium /usr/bin/chromium]
 *
 * With --folder the records that sweep.ts has left there are measured anew; without, results.json is drawn again. With
 * --add, points and groups that are not among the records stay as results.json has them.
 * Writes results.json, results.csv, tables.md, and of each chart an SVG and a PNG (which Chromium draws).
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { readOptions } from '../../src/cli/options.ts';
import { chartOf } from './charts.ts';
import { groups, type Group } from './groups.ts';
import { rasterise } from './rasterise.ts';
import { measureAll, type Results } from './results.ts';
import { sixDigitJson } from './six-digits.ts';
import { csv, tables } from './tables.ts';

const options = readOptions(process.argv.slice(2), { folder: 'text', add: 'flag', chromium: 'text' });
const out = fileURLToPath(new URL('../../fixtures/evaluation', import.meta.url));
mkdirSync(out, { recursive: true });

const folder = options.text('folder');
const isAdding = options.has('add');
const measured = folder === undefined ? undefined : await measureAll(folder);
if (measured) {
  const whole = isAdding ? added(readResults(), measured) : measured;
  write('results.json', sixDigitJson(whole));
}
const results = readResults();

write('results.csv', csv(results));
write('tables.md', tables(results));
const isDrawn = ({ name }: Group): boolean => !isAdding || (measured?.groups.some((one) => one.name === name) ?? false);
for (const group of groups.filter(isDrawn)) {
  const files = [`${group.name}.svg`, `${group.name}.png`] as const;
  const measured = results.groups.find(({ name }) => name === group.name);
  if (!measured) {
    for (const stale of files) rmSync(join(out, stale), { force: true });
    continue;
  }
  const chart = chartOf(group, measured);
  write(files[0], chart);
  rasterise(out, files[0], options.text('chromium'));
}
console.log(`${results.points.length} points, ${results.groups.length} charts: ${out}`);

function readResults(): Results {
  return JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')) as Results;
}

/** What is new in the place of what has its name, or behind it. */
function added(old: Results, { points: newPoints, groups: newGroups }: Results): Results {
  const joined = <T extends { readonly name: string }>(before: readonly T[], behind: readonly T[]): readonly T[] => [
    ...before.filter(({ name }) => !behind.some((one) => one.name === name)),
    ...behind,
  ];
  return { ...old, points: joined(old.points, newPoints), groups: joined(old.groups, newGroups) };
}

function write(name: string, content: string): void {
  writeFileSync(join(out, name), content);
}
