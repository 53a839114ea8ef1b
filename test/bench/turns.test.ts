import { describe, expect, it } from 'vitest';
import { cases, type Case } from '../../scripts/bench/cases.ts';
import { contenders } from '../../scripts/bench/contenders.ts';
import { inShort, reasonOf } from '../../scripts/bench/perform.ts';
import { takeTurns, type Entry, type Performance } from '../../scripts/bench/turns.ts';

const one = cases[0] as Case;
const entries: readonly Entry[] = contenders.slice(0, 3).map((contender) => ({ one, threads: 1, contender }));
const [first, second, third] = entries.map(({ contender }) => contender.name);

function performance(milliseconds: number): Performance {
  const passes = [3, 1, 2].map((factor) => ({ wall: 10 * factor * milliseconds, processor: factor * milliseconds }));
  return { version: '1', first: { wall: 0, processor: 50 }, passes, megabytes: 10, error: 1e-7 };
}

describe('turns of the bench', () => {
  it('alternate, and count the median of each turn', async () => {
    const order: string[] = [];
    const over: number[] = [];
    const { measurements, missing } = await takeTurns(
      entries,
      3,
      async ({ contender }) => performance(order.push(contender.name)),
      { found: () => undefined, over: (turn) => over.push(turn) },
    );
    expect(order).toEqual([first, second, third, first, second, third, first, second, third]);
    expect(over).toEqual([1, 2, 3]);
    expect(missing).toEqual([]);
    const [measured] = measurements;
    expect(measured?.turns).toEqual([1, 4, 7].map((time) => ({ wall: 20 * time, processor: 2 * time })));
    expect(measured?.processor).toEqual({ median: 8, low: 2, high: 14 });
    expect(measured).toMatchObject({
      contender: first,
      name: one.name,
      batch: 1,
      threads: 1,
      ours: true,
      megabytes: 10,
    });
  });

  it('remember who disagreed in one of them', async () => {
    let calls = 0;
    const { measurements } = await takeTurns(
      entries.slice(0, 1),
      3,
      async () => ({ ...performance(1), ...(++calls === 2 && { disagreement: 'is off', error: 0.1 }) }),
      { found: () => undefined, over: () => undefined },
    );
    expect(measurements[0]).toMatchObject({ disagreement: 'is off', error: 0.1 });
  });

  it('go on without those who fail, and say why', async () => {
    const told: string[] = [];
    let calls = 0;
    const { measurements, missing } = await takeTurns(
      entries,
      2,
      async ({ contender }) => {
        calls++;
        if (contender.name === second) throw new Error('it is not there');
        return performance(1);
      },
      {
        found: (_, { contender }, found) => typeof found === 'string' && told.push(`${contender.name}: ${found}`),
        over: () => undefined,
      },
    );
    expect(measurements.map(({ contender }) => contender)).toEqual([first, third]);
    expect(missing).toEqual([{ title: one.title, threads: 1, contender: second, why: 'it is not there' }]);
    expect(told).toEqual([`${second}: it is not there`]);
    expect(calls).toBe(5);
  });
});

describe('what is wrong with a result', () => {
  it('is told with two digits', () => {
    expect(inShort('is off by 0.0000021560770 (rms), by 5.0297309795063e-7, of 0.6854710357714461')).toBe(
      'is off by 2.2e-6 (rms), by 5.0e-7, of 0.69',
    );
  });
});

describe('what a process that failed has said', () => {
  it('is the line that tells it', () => {
    const node = 'file.ts:3\n\n  throw new Error();\n\nError: there is none\n    at file.ts:3\n\nNode.js v24\n';
    expect(reasonOf({ message: 'Command failed', stderr: node })).toBe('Error: there is none');
    const python =
      'Traceback (most recent call last):\n  File "a.py"\nModuleNotFoundError: No module named \'torch\'\n';
    expect(reasonOf({ message: 'Command failed', stderr: python })).toBe(
      "ModuleNotFoundError: No module named 'torch'",
    );
    expect(reasonOf({ message: 'spawn python ENOENT', stderr: '' })).toBe('spawn python ENOENT');
    expect(reasonOf({ message: '', killed: true })).toMatch(/longer than 600 s/);
  });
});
