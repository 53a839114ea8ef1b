/** The figures of restored letters: of which letters, and against what. */
import { describe, expect, it } from 'vitest';
import { changeText, intervalText } from '../../../scripts/evaluation/estimates.ts';
import type { Weights } from '../../../scripts/evaluation/restoration/plan.ts';
import { settingKey } from '../../../scripts/evaluation/restoration/plan.ts';
import type { RestorationRecord, Restored } from '../../../scripts/evaluation/restoration/record.ts';
import { rowsOfRecord, statisticsTo, type Statistics } from '../../../scripts/evaluation/restoration/rows.ts';
import { chartOfMethod, tableOf } from '../../../scripts/evaluation/restoration/table.ts';
import { tasks, type Task } from '../../../src/cli/restoration-task.ts';
import { fitGaussian, frechetDistance } from '../../../src/evaluation/frechet.ts';
import { tensor } from '../../../src/tensor/tensor.ts';
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

const meanOf = (values: readonly number[]): number => values.reduce((sum, one) => sum + one / values.length, 0);
/** As the real ones, but for a Fréchet distance that takes no time. */
const statistics: Statistics = (letters) => {
  const mean = (of: (letter: Restored) => number) => (chosen: readonly number[]) =>
    meanOf(chosen.map((i) => of(letters[i])));
  return {
    psnr: mean(({ psnr }) => psnr),
    distance: mean(({ distance }) => distance),
    frechet: mean(({ features }) => features[0]),
  };
};
const lettersOf = (task: Task, scale: number, from: number, count: number, better = 0, weight = 8) => ({
  [settingKey({ task, scale, weight })]: letters(from, count, better),
});
const record: RestorationRecord = {
  conditions,
  restored: {
    ...lettersOf('sr4', 0, 0, 80),
    ...lettersOf('sr4', 1, 30, 60, 0.5),
    ...lettersOf('sr4', 2, 0, 60, 1),
    ...lettersOf('sr8', 0, 0, 90),
    ...lettersOf('sr8', 1, 40, 90, 0.25),
    // Too few, and with another weight.
    ...lettersOf('inpaint', 0, 0, 25),
    ...lettersOf('inpaint', 1, 0, 90),
    ...lettersOf('denoise', 0, 0, 90, 0, 4),
    ...lettersOf('denoise', 1, 0, 90, 0, 4),
  },
};
const rows = rowsOfRecord(record, weights, statistics);

describe('the figures', () => {
  it('are means of the chosen letters, and how far their features are from those of real ones', () => {
    const real = manualSeed(1).randn([90, 64]);
    const found = Object.values(letters(0, 40, 0));
    const { psnr, distance, frechet } = statisticsTo(real)(found);
    const chosen = [3, 3, 7, 20];
    expect(psnr(chosen)).toBeCloseTo(meanOf(chosen.map((i) => found[i].psnr)), 10);
    expect(distance(chosen)).toBeCloseTo(meanOf(chosen.map((i) => found[i].distance)), 10);
    const features = tensor('f32', [4, 64], Float32Array.from(chosen.flatMap((i) => found[i].features)));
    expect(frechet(chosen)).toBe(frechetDistance(fitGaussian(real), fitGaussian(features)));
  });
});

describe('the rows', () => {
  it('are of what has been drawn with the chosen weight, and enough of it: of the same letters in all tasks', () => {
    expect(rows.map(({ task, scale, letters }) => [task, scale, letters])).toEqual([
      ['sr4', 0, 40],
      ['sr4', 1, 40],
      ['sr8', 0, 40],
      ['sr8', 1, 40],
    ]);
  });

  it('are of the scales beside the first group where all of that has been drawn', () => {
    const more = { ...record.restored, ...lettersOf('sr4', 0.5, 10, 60) };
    const found = rowsOfRecord({ conditions, restored: more }, weights, statistics);
    expect(found.filter(({ task }) => task === 'sr4').map(({ scale, letters }) => [scale, letters])).toEqual([
      [0, 40],
      [0.5, 50],
      [1, 40],
      [2, 50],
    ]);
  });

  it('compare letter by letter: what lifts each by as much has no interval', () => {
    const [plain, guided] = rows;
    expect(plain.change).toBeUndefined();
    const { psnr, distance, frechet } = guided.change!;
    for (const end of [psnr.value, psnr.low, psnr.high]) expect(end).toBeCloseTo(0.5, 10);
    expect(distance.value).toBeCloseTo(-0.5, 10);
    expect(frechet).toEqual({ value: 0, low: 0, high: 0 });
    const numbers = Object.values(letters(40, 40, 0)).map(({ psnr }) => psnr);
    expect(plain.figures.psnr.value).toBeCloseTo(meanOf(numbers), 10);
    expect(plain.figures.psnr.high - plain.figures.psnr.low).toBeGreaterThan(0.2);
  });

  it('stand in the table, with what is sure in bold, and in the chart', () => {
    const results = { conditions: [conditions], rows };
    const table = tableOf(results);
    expect(table).toContain('## DPS in pixels, 20 steps of DDPM');
    expect(table).not.toContain('PSLD');
    expect(table).toContain('| sr4, 8 | PAG, s = 1 | 40 |');
    expect(table).toContain('<br>**+0.50 [+0.50, +0.50]**');
    expect(table).toContain('<br>0.0 [0.0, 0.0]');
    expect(chartOfMethod(results, 'dps')).toContain('s = 1, n = 40');
    expect(chartOfMethod(results, 'psld')).toBeUndefined();
  });

  it('are told with a sign where they are changes', () => {
    expect(intervalText({ value: 105.44, low: -1, high: 2 }, 1)).toBe('105.4 [−1.0, 2.0]');
    expect(changeText({ value: 0.057, low: -0.08, high: 0.2 }, 2)).toBe('+0.06 [−0.08, +0.20]');
  });
});
