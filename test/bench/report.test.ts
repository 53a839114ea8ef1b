import { describe, expect, it } from 'vitest';
import { cases, keyOf } from '../../scripts/bench/cases.ts';
import { chart } from '../../scripts/bench/chart.ts';
import { contenders } from '../../scripts/bench/contenders.ts';
import { report, withResults } from '../../scripts/bench/report.ts';
import { remarksOn } from '../../scripts/bench/results.ts';
import { errorsTable, firstTable, milliseconds, timesTable } from '../../scripts/bench/table.ts';
import { measured, run } from './invented.ts';

const other = { name: 'cifar10', title: 'cifar10, <36 M>' };
const results = run([
  measured('simd', [10, 12, 11]),
  measured('PyTorch', [20, 24, 33]),
  measured('simd', [100, 100, 100], other),
  measured('simd', [6, 6, 6], { threads: 2, walls: [5.5, 5.5, 5.5] }),
]);

describe('the cases and contenders of the bench', () => {
  it('have names that tell them apart', () => {
    const [keys, names] = [cases.map(keyOf), contenders.map(({ name }) => name)];
    expect(new Set(keys).size).toBe(keys.length);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('the report of the bench', () => {
  it('has a row for each case and a column for each contender, with ratios, medians and ranges', () => {
    expect(timesTable(results, 1).split('\n')).toEqual([
      '|  | simd | PyTorch |',
      '| --- | --- | --- |',
      '| letters, one sample | **1.00** 11 (10–12) | **2.00** 24 (20–33) |',
      '| cifar10, <36 M> | **1.00** 100 (100–100) | – |',
    ]);
  });

  it('tells several threads by the clock on the wall', () => {
    expect(timesTable(results, 2).split('\n').at(-1)).toBe('| letters, one sample | **1.00** 5.5 (5.5–5.5) |');
  });

  it('has errors of one thread', () => {
    expect(errorsTable(results).split('\n')[2]).toBe('| letters, one sample | 1.0e-7 | 1.0e-7 |');
  });

  it('has first passes and resident sets', () => {
    expect(firstTable(results).split('\n')[2]).toBe('| letters, one sample | 100 (100) | 100 (100) |');
  });

  it('marks who disagrees with PyTorch, and says by how much', () => {
    const text = report(run([measured('simd', [1]), measured('PyTorch', [2], { disagreement: 'is off by 1' })]));
    expect(text).toContain('**2.00** 2 (2–2) † |');
    expect(text).toContain('- † PyTorch in letters, one sample\n  is off by 1');
    expect(text.match(/†/g)).toHaveLength(2);
  });

  it('names versions, once each, and who is left out, and why', () => {
    const missing = [{ title: 'letters, one sample', threads: 1, contender: 'OpenVINO', why: 'there is none' }];
    const text = report({ ...results, missing });
    expect(text.match(/simd 1\.0/g)).toHaveLength(1);
    expect(text).toContain('- OpenVINO is left out of letters, one sample:\n  there is none');
  });

  it('stands in the README between its marks, and nowhere else', () => {
    const readme = 'before\n<!-- measured -->\nwhat was there\n<!-- end of what was measured -->\nafter\n';
    const once = withResults(readme, results);
    expect(once).toMatch(/^before\n<!-- measured -->\n.*\n<!-- end of what was measured -->\nafter\n$/s);
    expect(once).not.toContain('what was there');
    expect(withResults(once, results)).toBe(once);
    expect(() => withResults('before', results)).toThrow(/<!-- measured -->/);
  });

  it('has three digits of milliseconds', () => {
    expect([0.12345, 7.8912, 123.4, 1234.6].map(milliseconds)).toEqual(['0.123', '7.89', '123', '1235']);
  });
});

describe('the remarks', () => {
  it('tell who takes more than its one thread', () => {
    const greedy = run([measured('a', [20], { walls: [10] }), measured('b', [10.5], { walls: [10] })]);
    expect(remarksOn(greedy)).toEqual(['a ignores its one thread: 2.00 processors in letters, one sample']);
  });

  it('tell that the machine was busy', () => {
    expect(remarksOn(run([measured('a', [10], { walls: [15] })]))).toEqual([
      'the machine was busy: 1.50 times as long on the wall, so several threads tell little',
    ]);
    expect(remarksOn(run([measured('a', [10], { walls: [10.2] })]))).toEqual([]);
  });

  it('are silent about more threads', () => {
    expect(remarksOn(run([measured('simd', [20], { threads: 2, walls: [10] })]))).toEqual([]);
  });
});

describe('the chart', () => {
  const picture = chart(results);

  it('has a panel for each case of one thread, whose longest bar fills it', () => {
    const widths = [...picture.matchAll(/<rect x="[^"]*" y="[^"]*" width="([^"]*)"/g)].map(([, width]) =>
      Number(width),
    );
    const [simd = NaN, pytorch = NaN, alone = NaN] = widths;
    expect(widths).toHaveLength(3);
    expect(simd / pytorch).toBeCloseTo(11 / 24, 2);
    expect(alone / pytorch).toBeCloseTo(33 / 24, 2);
  });

  it('names everybody, as markup', () => {
    expect(picture).toContain('>PyTorch<');
    expect(picture).toContain('cifar10, &lt;36 M>');
  });
});
