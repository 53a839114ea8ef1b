/** The figures of restored letters: of which letters, and against what. */
import { describe, expect, it } from 'vitest';
import type { Weights } from '../../../scripts/evaluation/restoration/plan.ts';
import { settingKey } from '../../../scripts/evaluation/restoration/plan.ts';
import type { RestorationRecord, Restored } from '../../../scripts/evaluation/restoration/record.ts';
import { openStatistics, rowsOfRecord } from '../../../scripts/evaluation/restoration/rows.ts';
import { chartOfRows, changeText, intervalText, tableOf } from '../../../scripts/evaluation/restoration/table.ts';
import { tasks } from '../../../src/cli/restoration-task.ts';
import { simdBackend } from '../../../src/kernels/simd/index.ts';
import { manualSeed } from '../../../src/tensor/random.ts';

const weights = Object.fromEntries(tasks.map((task) => [task, 8])) as Weights;
const conditions = { method: 'dps', model: 'abc', scheduler: 'ddpm', steps: 20, noiseLevel: 0.05 } as const;

/** Letters from a number on, each `better` dB above what it is without. */
function letters(from: number, count: number, better: number): Readonly<Record<string, Restored>> {
  const numbers = Array.from({ length: count }, (_, i) => from + i);
  return Object.fromEntries(
    numbers.map((number) => {
      const random = [...manualSeed(number).randn([66]).data];
      const [psnr = 0, distance = 0, ...features] = random;
      return [number, { psnr: 20 + psnr + better, distance: 10 + distance - better, features }];
    }),
  );
}

const backend = simdBackend({ threads: 1 });
const statistics = await openStatistics(backend);
backend.dispose();
const record: RestorationRecord = {
  conditions,
  restored: {
    [settingKey({ task: 'sr4', scale: 0, weight: 8 })]: letters(0, 60, 0),
    [settingKey({ task: 'sr4', scale: 1, weight: 8 })]: letters(30, 60, 0.5),
    [settingKey({ task: 'sr4', scale: 2, weight: 8 })]: letters(50, 60, 1),
    [settingKey({ task: 'sr8', scale: 0, weight: 4 })]: letters(0, 60, 0),
  },
};
const rows = rowsOfRecord(record, weights, statistics);

describe('the rows', () => {
  it('are of what has been drawn with the chosen weight, and enough of it', () => {
    expect(rows.map(({ task, scale, letters }) => [task, scale, letters])).toEqual([
      ['sr4', 0, 60],
      ['sr4', 1, 30],
    ]);
  });

  it('compare letter by letter: what lifts each by as much has no interval', () => {
    const [plain, guided] = rows;
    expect(plain.change).toBeUndefined();
    const { psnr, distance, frechet } = guided.change!;
    for (const end of [psnr.value, psnr.low, psnr.high]) expect(end).toBeCloseTo(0.5, 10);
    expect(distance.value).toBeCloseTo(-0.5, 10);
    expect(frechet).toEqual({ value: 0, low: 0, high: 0 });
    const numbers = Object.values(letters(0, 60, 0)).map(({ psnr }) => psnr);
    expect(plain.figures.psnr.value).toBeCloseTo(
      numbers.reduce((sum, one) => sum + one / 60, 0),
      10,
    );
    expect(plain.figures.psnr.high - plain.figures.psnr.low).toBeGreaterThan(0.2);
  });

  it('stand in the table, with what is sure in bold, and in the chart', () => {
    const results = { conditions: [conditions], rows };
    const table = tableOf(results);
    expect(table).toContain('## DPS in pixels, 20 steps of DDPM');
    expect(table).not.toContain('PSLD');
    expect(table).toContain('| sr4, 8 | PAG, s = 1 | 30 |');
    expect(table).toContain('<br>**+0.50 [+0.50, +0.50]**');
    expect(table).toContain('<br>0.0 [0.0, 0.0]');
    expect(chartOfRows(results)).toContain('DPS in pixels, s = 1, n = 30');
  });

  it('are told with a sign where they are changes', () => {
    expect(intervalText('frechet', { value: 105.44, low: -1, high: 2 })).toBe('105.4 [−1.0, 2.0]');
    expect(changeText('psnr', { value: 0.057, low: -0.08, high: 0.2 })).toBe('+0.06 [−0.08, +0.20]');
  });
});
