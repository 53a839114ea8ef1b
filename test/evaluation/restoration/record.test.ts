/** Records of restored letters: how they join, and what they are refused for. */
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { trialOf } from '../../../scripts/evaluation/restoration/choose.ts';
import {
  numbersOf,
  order,
  settingKey,
  tableRounds,
  weightsTried,
} from '../../../scripts/evaluation/restoration/plan.ts';
import {
  joinRecords,
  readRecord,
  writeRecord,
  type RestorationRecord,
} from '../../../scripts/evaluation/restoration/record.ts';
import { temporaryFolder } from '../../cli/models.ts';

const { path } = temporaryFolder();
const conditions = { method: 'dps', model: 'abc', scheduler: 'ddpm', steps: 20, noiseLevel: 0.05 } as const;
const key = 'sr4, s = 0, weight 8';
const letter = (psnr: number) => ({ psnr, distance: 1, features: [1, 2] });
const recordOf = (restored: RestorationRecord['restored']): RestorationRecord => ({ conditions, restored });

describe('records of restored letters', () => {
  it('come back as they were written, and join letter by letter', () => {
    writeRecord(path('a.json'), recordOf({ [key]: { 0: letter(1), 1: letter(2) } }));
    const a = readRecord(path('a.json'));
    const b = recordOf({ [key]: { 1: letter(2), 5: letter(3) }, other: { 7: letter(4) } });
    expect(joinRecords(a, b)).toEqual(
      recordOf({ [key]: { 0: letter(1), 1: letter(2), 5: letter(3) }, other: { 7: letter(4) } }),
    );
    expect(a).toEqual(recordOf({ [key]: { 0: letter(1), 1: letter(2) } }));
  });

  it('do not join where they were drawn otherwise, or tell one letter twice', () => {
    const a = recordOf({ [key]: { 1: letter(2) } });
    expect(() => joinRecords(a, { ...a, conditions: { ...conditions, steps: 50 } })).toThrow('do not belong together');
    expect(() => joinRecords(a, recordOf({ [key]: { 1: letter(3) } }))).toThrow(
      `letter 1 of "${key}" was restored twice, and not alike`,
    );
  });

  it('are not read from what is none', () => {
    expect(() => readRecord(path('none.json'))).toThrow('there is no record');
    writeFileSync(path('other.json'), '{"rows":[]}');
    expect(() => readRecord(path('other.json'))).toThrow('is no record of restored letters');
    writeFileSync(path('half.json'), '{"conditions":');
    expect(() => readRecord(path('half.json'))).toThrow('is no record of restored letters');
  });
});

describe('the weights', () => {
  const ratio = (task: string, weight: number): number => -Math.abs(Math.log2(weight) - task.length / 3);
  const trials = Object.fromEntries(
    order.flatMap((task) =>
      weightsTried.map((weight) => {
        const letters = numbersOf(tableRounds).map((number) => [number, letter(ratio(task, weight))]);
        return [settingKey({ task, scale: 0, weight }), Object.fromEntries(letters)];
      }),
    ),
  ) as RestorationRecord['restored'];

  it('are those with the best mean, task by task', () => {
    const { weights, psnr, ...rest } = trialOf(recordOf(trials));
    expect(rest).toEqual(conditions);
    expect(weights).toMatchObject({ sr4: 2, inpaint: 4, denoise: 4, 'gaussian-blur': 16 });
    expect(psnr['sr4'][8]).toBeCloseTo(ratio('sr4', 8), 12);
  });

  it('are not chosen before all have been tried', () => {
    const { [settingKey({ task: 'sr8', scale: 0, weight: 4 })]: _left, ...others } = trials;
    expect(() => trialOf(recordOf(others))).toThrow('the record lacks letters of "sr8, s = 0, weight 4"');
  });
});
