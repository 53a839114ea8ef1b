/**
 * Makes the tables and charts of fixtures/evaluation:
 *
 *     npx tsx scripts/evaluation/report.ts [--folder out/evaluation] [--chromium /usr/bin/chromium]
 *
 * With --folder the records that sweep.ts has left there are measured anew; without, results.json is drawn again.
 * Writes results.json, results.csv, tables.md, and of each chart an SVG and a PNG (which Chromium draws).
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { readOptions } from '../../src/cli/options.ts';
import { chartOf } from './charts.ts';
import { groups } from './groups.ts';
import { measureAll, type Results } from './results.ts';
import { csv, tables } from './tables.ts';

const options = readOptions(process.argv.slice(2), { folder: 'text', chromium: 'text' });
const out = fileURLToPath(new URL('../../fixtures/evaluation', import.meta.url));
mkdirSync(out, { recursive: true });

const folder = options.text('folder');
if (folder !== undefined)
  write('results.json', `${JSON.stringify(await measureAll(folder), (_key, value: unknown) => shorter(value), 1)}\n`);
const results = JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')) as Results;

write('results.csv', csv(results));
write('tables.md', tables(results));
for (const group of groups) {
  const files = [`${group.name}.svg`, `${group.name}.png`] as const;
  const measured = results.groups.find(({ name }) => name === group.name);
  if (!measured) {
    for (const stale of files) rmSync(join(out, stale), { force: true });
    continue;
  }
  const chart = chartOf(group, measured);
  write(files[0], chart);
  rasterise(chart, ...files);
}
console.log(`${results.points.length} points, ${results.groups.length} charts: ${out}`);

function write(name: string, content: string): void {
  writeFileSync(join(out, name), content);
}

/** Twice as many pixels as the SVG has, for sharp screens. */
function rasterise(chart: string, from: string, to: string): void {
  const [, width = '', height = ''] = /width="(\d+)" height="(\d+)"/.exec(chart) ?? [];
  execFileSync(
    options.text('chromium') ?? '/usr/bin/chromium',
    [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--hide-scrollbars',
      '--force-device-scale-factor=2',
      `--window-size=${width},${height}`,
      `--screenshot=${join(out, to)}`,
      pathToFileURL(join(out, from)).href,
    ],
    { stdio: 'ignore' },
  );
}

/** Six digits are more than the pictures are good for. */
function shorter(value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(6)) : value;
}
