/** What fixtures/evaluation says of restored letters: table, chart, weights and prose are those of the data. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readWeights } from '../../../scripts/evaluation/restoration/choose.ts';
import type { RestorationResults } from '../../../scripts/evaluation/restoration/rows.ts';
import { chartOfMethod, tableOf } from '../../../scripts/evaluation/restoration/table.ts';
import { bestWeights, methods, usualGluing } from '../../../src/cli/restoration-task.ts';

const fixture = (name: string): string =>
  readFileSync(new URL(`../../../fixtures/evaluation/${name}`, import.meta.url), 'utf8');
const results = JSON.parse(fixture('restoration.json')) as RestorationResults;

describe('the published figures of restored letters', () => {
  it('stand in table and chart', () => {
    expect(fixture('restoration.md')).toBe(tableOf(results));
    for (const method of methods) expect(fixture(`restoration-${method}.svg`)).toBe(chartOfMethod(results, method));
  });

  it('are with the weights that were chosen, which the command takes, too', () => {
    for (const { method, task, weight } of results.rows) expect(weight).toBe(readWeights(method)[task]);
    for (const method of methods) expect(bestWeights[method]).toEqual(readWeights(method));
    expect(usualGluing(8)).toBe(0.8);
  });

  it('are told as they are', () => {
    const [, section = ''] = fixture('README.md').split('## Restored letters');
    const [prose = ''] = section.split('\n## ');
    const figures = [...prose.matchAll(/[+−]?[\d.]+\s+\[[+−]?[\d.]+,\s+[+−]?[\d.]+\]/g)].map(([text]) =>
      text.replaceAll(/\s+/g, ' '),
    );
    expect(figures.length).toBeGreaterThan(5);
    for (const method of methods) {
      const rows = results.rows.filter((row) => row.method === method);
      for (const { letters } of rows) expect(prose).toContain(`${letters.toLocaleString('en')} letters a`);
    }
    const table = fixture('restoration.md');
    expect(figures.filter((figure) => !table.includes(figure))).toEqual([]);
  });
});
