/** Which letters are restored, and in which parts. */
import { describe, expect, it } from 'vitest';
import { openLetters } from '../../../scripts/evaluation/restoration/letters.ts';
import {
  letterOf,
  numbersOf,
  order,
  scaleGroups,
  settingKey,
  tableRounds,
  tableUnits,
  trialRound,
  type Weights,
} from '../../../scripts/evaluation/restoration/plan.ts';
import { tasks } from '../../../src/cli/restoration-task.ts';

const all = 175 * 26;
const weights = Object.fromEntries(tasks.map((task, i) => [task, i + 1])) as Weights;

describe('restored letters', () => {
  it('are each another one, A to Z in a round, each of another face', () => {
    const found = Array.from({ length: all }, (_, number) => letterOf(number));
    expect(new Set(found.map(({ face, letter }) => 26 * face + letter)).size).toBe(all);
    for (const round of [0, tableRounds]) {
      const letters = numbersOf(round).map(letterOf);
      expect(letters.map(({ letter }) => letter)).toEqual(Array.from({ length: 26 }, (_, i) => i));
      expect(new Set(letters.map(({ face }) => face)).size).toBe(26);
    }
  });

  it('come from the sheet, whole, whichever are asked for', async () => {
    const letters = await openLetters();
    const [both, one] = [letters([3, 4549]), letters([4549])];
    expect(both.shape).toEqual([2, 1, 32, 32]);
    expect(one.data).toEqual(both.data.subarray(1024));
    expect(Math.max(...one.data)).toBeGreaterThan(0.9);
    expect(both.data.subarray(0, 1024)).not.toEqual(one.data);
  });
});

describe('the units of a table', () => {
  const units = tableUnits(weights, scaleGroups, 2);

  it('are every task and scale in every round, with the weight of its task', () => {
    expect(new Set(units.map(({ setting, round }) => `${settingKey(setting)} ${round}`)).size).toBe(units.length);
    expect(units).toHaveLength(tasks.length * scaleGroups.flat().length * 2);
    expect(units.every(({ setting }) => setting.weight === weights[setting.task])).toBe(true);
    expect([...order].sort()).toEqual([...tasks].sort());
  });

  it('come round by round, no guidance and PAG side by side', () => {
    const [first, second] = units;
    expect([first.setting.scale, second.setting.scale]).toEqual([0, 1]);
    expect(units.slice(0, 2 * tasks.length).every(({ round }) => round === 0)).toBe(true);
  });

  it('are of other letters than those that the weights are chosen by', () => {
    const shown = new Set(tableUnits(weights, scaleGroups, tableRounds).flatMap(({ round }) => numbersOf(round)));
    expect(shown.size).toBe(tableRounds * 26);
    expect(numbersOf(trialRound).some((number) => shown.has(number) || number >= all)).toBe(false);
  });
});
