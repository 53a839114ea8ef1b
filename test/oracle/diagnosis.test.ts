/** How a name is chosen, with traces that are made up: what each fault would give, to the digit. */
import { describe, expect, it } from 'vitest';
import { tensor, type Tensor } from '../../src/tensor/tensor.ts';
import { diagnose, diagnoseProbes, type FaultyTraces } from '../../src/oracle/diagnosis.ts';
import { bank } from '../../src/oracle/faults/bank.ts';
import { formats } from '../../src/oracle/honest/format.ts';
import type { Band } from '../../src/oracle/tolerance.ts';

const size = 16;
/** So small that what is made up is far beyond the budget, and its own growth with the numbers does not matter. */
const unit = 1e-6;

const all = (value: number): Tensor => tensor('f64', [size], new Float64Array(size).fill(value));
const band = (): Band => ({
  truth: all(1),
  scale: new Float64Array(size).fill(unit),
  honest: [0, 1],
  budget: { rms: 1, max: 1 },
});
const bands = (...taps: readonly string[]) => new Map(taps.map((tap) => [tap, band()]));

/** Faults that give these numbers at the taps a, b …; all others change nothing. */
function faulty(numbers: Readonly<Record<string, readonly number[]>>): FaultyTraces {
  const right = [1, 1, 1, 1];
  return {
    of: (faults) => {
      const given = faults.map(({ name }) => numbers[name]).find((found) => found !== undefined) ?? right;
      return new Map(given.map((value, i) => ['abcd'[i], all(value)]));
    },
  };
}

const [first, second, third] = bank.map(({ name }) => name);

describe('a diagnosis', () => {
  it('names the fault whose numbers are theirs', () => {
    const found = diagnose(bands('a'), new Map([['a', all(2)]]), formats.f32, faulty({ [second]: [2] }));
    expect(found.best?.faults.map(({ name }) => name)).toEqual([second]);
    expect(found).toMatchObject({ complete: true, equivalent: [], taps: 1 });
  });

  it('counts as equal only who is about as close as the closest', () => {
    const theirs = new Map([['a', all(2)]]);
    // What a number of 2 may be off where 1 is meant: the unit, and it has grown with the mistake, in two ways.
    const share = unit * 3;
    const numbers = { [first]: [2 + 2 * share], [second]: [2 + 0.3 * share], [third]: [2 + 0.7 * share] };
    const found = diagnose(bands('a'), theirs, formats.f32, faulty(numbers));
    expect(found.best?.faults.map(({ name }) => name)).toEqual([second]);
    expect(found.equivalent.map(({ name }) => name)).toEqual([third]);
  });

  it('names of faults that give the same numbers the first of the bank, and else the closest', () => {
    // Theirs are those of the second to the digit; the first of the bank gives almost the same, and is as good.
    const share = 3 * unit + formats.f32.stored * 2;
    const nameWhere = (apart: number) => {
      const numbers = { [first]: [2 + apart * share], [second]: [2] };
      return diagnose(bands('a'), new Map([['a', all(2)]]), formats.f32, faulty(numbers)).best?.faults[0]?.name;
    };
    expect([0, 0.04, -0.04, 0.06, -0.06].map(nameWhere)).toEqual([first, first, first, second, second]);
  });

  it('names only what explains better than another honest rounding, by the margin', () => {
    // One and a half times what may be: a fault must leave less than a third of it; one that changes nothing is none.
    const away = (shares: number) => 1 + shares * unit;
    const theirs = new Map([['a', all(away(1.5))]]);
    const names = (left: number) =>
      diagnose(bands('a'), theirs, formats.f32, faulty({ [second]: [away(1.5 + left)] })).best?.faults[0]?.name;
    expect(names(0.4)).toBe(second);
    expect(names(0.9)).toBe(undefined);
    expect(names(-1.5)).toBe(undefined);
  });

  it('names none where no fault leads further than none', () => {
    const theirs = new Map([
      ['a', all(1)],
      ['b', all(2)],
    ]);
    const found = diagnose(bands('a', 'b'), theirs, formats.f32, faulty({ [second]: [1, 3] }));
    expect(found).toMatchObject({ best: undefined, complete: false, equivalent: [] });
  });

  it('names what leads furthest where none leads to the end, and says how far', () => {
    const theirs = new Map([
      ['a', all(1)],
      ['b', all(2)],
      ['c', all(5)],
    ]);
    const found = diagnose(bands('a', 'b', 'c'), theirs, formats.f32, faulty({ [second]: [1, 2, 3] }));
    expect(found.best).toMatchObject({ faults: [{ name: second }], reaches: 2 });
    expect(found.complete).toBe(false);
  });

  it('tells which others give the same numbers as far as it leads', () => {
    const theirs = new Map([
      ['a', all(2)],
      ['b', all(5)],
    ]);
    const found = diagnose(bands('a', 'b'), theirs, formats.f32, faulty({ [second]: [2, 3], [third]: [2, 4] }));
    expect(found.best).toMatchObject({ faults: [{ name: second }], reaches: 1 });
    expect(found.equivalent.map(({ name }) => name)).toEqual([third]);
  });

  it('takes what is left beside a mistake for another only where it is large, and that leaves next to nothing', () => {
    // What a number of 2 may be off where 1 is meant.
    const share = unit * 3 + formats.f32.stored * 2;
    const names = (left: number, leftAfter: number) => {
      const theirs = new Map([
        ['a', all(2)],
        ['b', all(2 + left * share)],
      ]);
      const traces: FaultyTraces = {
        of: (faults) => {
          const has = (name: string) => faults.some((fault) => fault.name === name);
          const b = has(third) ? 2 + (left - leftAfter) * share : 2;
          return new Map([
            ['a', all(has(second) ? 2 : 1)],
            ['b', all(has(second) ? b : 1)],
          ]);
        },
      };
      return diagnose(bands('a', 'b'), theirs, formats.f32, traces).best?.faults.map(({ name }) => name);
    };
    expect(names(100, 0.5)).toEqual([second, third]);
    expect(names(100, 2)).toEqual([second]);
    expect(names(5, 0.5)).toEqual([second]);
  });
});

describe('the diagnoses of probes', () => {
  it('are told together by mistake, and what one probe tells apart is told apart', () => {
    const theirs = new Map([
      ['a', all(2)],
      ['b', all(3)],
      ['c', all(9)],
    ]);
    // In b both mistakes give the same numbers, in a only one gives theirs.
    const traces = faulty({ [second]: [2, 3, 1], [third]: [7, 3, 1] });
    const found = diagnoseProbes(bands('a', 'b', 'c'), ['a', 'b', 'c'], theirs, formats.f32, () => traces);
    expect(found.map(({ best, equivalent, about }) => [best?.faults[0]?.name, equivalent, about])).toEqual([
      [second, [], ['a', 'b']],
      [undefined, [], ['c']],
    ]);
  });

  it('name what is recognised where no trace has the numbers', () => {
    const [fault] = bank;
    const recognise = (probe: string) => (probe === 'a' ? fault : undefined);
    const theirs = new Map([['a', all(2)]]);
    const found = diagnoseProbes(bands('a'), ['a'], theirs, formats.f32, () => faulty({}), recognise);
    expect(found).toMatchObject([{ best: { faults: [{ name: first }] }, complete: true, about: ['a'] }]);
  });
});
