/** Records of restored letters: how they join, and what they are refused for. */
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { nextTrial, trialOf } from '../../../scripts/evaluation/restoration/choose.ts';
import { numbersOf, order, settingKey, trialRound } from '../../../scripts/evaluation/restoration/plan.ts';
import {
  joinRecords,
  readRecord,
  writeRecord,
  type RestorationRecord,
} from '../../../scripts/evaluation/restoration/record.ts';
import type { Task } from '../../../src/cli/restoration-task.ts';
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
  /** The best is 2 for sr4, 4 for inpaint, 32 for inpaint-random. */
  const ratio = (task: Task, weight: number): number => -Math.abs(Math.log2(weight) - task.length / 2.9);
  const tried = (task: Task, weights: readonly number[]): RestorationRecord['restored'] =>
    Object.fromEntries(
      weights.map((weight) => {
        const letters = numbersOf(trialRound).map((number, i) => [number, letter(ratio(task, weight) + (i % 2) / 2)]);
        return [settingKey({ task, scale: 0, weight }), Object.fromEntries(letters)];
      }),
    );
  const climbed = (task: Task, weights: readonly number[] = []): readonly number[] => {
    const next = nextTrial(recordOf(tried(task, weights)), task);
    expect(next?.round ?? trialRound).toBe(trialRound);
    return next ? climbed(task, [...weights, next.setting.weight]) : weights;
  };

  it('are sought from 8 on, until both neighbours of the best are worse', () => {
    expect(climbed('sr4')).toEqual([8, 4, 2, 1]);
    expect(climbed('inpaint')).toEqual([8, 4, 2]);
    expect(climbed('inpaint-random')).toEqual([8, 4, 16, 32, 64]);
  });

  it('are those with the best mean, task by task', () => {
    const all = Object.assign({}, ...order.map((task) => tried(task, climbed(task)))) as RestorationRecord['restored'];
    const { weights, psnr, ...rest } = trialOf(recordOf(all));
    expect(rest).toEqual(conditions);
    expect(weights).toMatchObject({ sr4: 2, denoise: 4, 'inpaint-random': 32 });
    expect(psnr['sr4'][8]).toBeCloseTo(ratio('sr4', 8) + 0.25, 10);
    const { [settingKey({ task: 'sr4', scale: 0, weight: 1 })]: _left, ...others } = all;
    expect(() => trialOf(recordOf(others))).toThrow('the record lacks trials of sr4; go on with --trial');
  });
});
