import { describe, expect, it } from 'vitest';
import { check } from '../../src/oracle/check.ts';
import { diagnosesOf } from '../../src/oracle/findings.ts';
import { bank } from '../../src/oracle/faults/bank.ts';
import { formats } from '../../src/oracle/honest/format.ts';
import { heatMap } from '../../src/oracle/report/heat-map.ts';
import { htmlOfAll, htmlReport } from '../../src/oracle/report/html.ts';
import { jsonText } from '../../src/formats/json.ts';
import { jsonOfAll, jsonReport } from '../../src/oracle/report/json.ts';
import { junitOfAll, junitReport } from '../../src/oracle/report/junit.ts';
import { escaped } from '../../src/oracle/report/markup.ts';
import { fixed, part, percent, short } from '../../src/oracle/report/sentences.ts';
import { textReport } from '../../src/oracle/report/terminal.ts';
import { counted } from '../../src/tensor/shown.ts';
import { loadCase } from './cases.ts';
import { fileOf, heldOut, outputOf, port } from './ports.ts';

const one = await loadCase('guidances/cfg-pag');
const honest = port(heldOut['runs of 16']);

function reportOf(faulty?: string) {
  const implementation = faulty === undefined ? honest : bank.find(({ name }) => name === faulty)!.apply(honest);
  const checked = check(one, fileOf(outputOf(one, implementation)), formats.f32);
  return { report: checked.report, diagnoses: diagnosesOf(checked), sentences: [] };
}

const good = reportOf();
const bad = reportOf('guide-scale-offset');
const sentence = 'Your tensors match the mistake `guide-scale-offset`: you use g = s + 1 where s is meant.';

describe('a report', () => {
  it('as text says whether, where and which', () => {
    const options = { colour: false, all: false };
    expect(textReport(good.report, good.diagnoses, [], options)).toMatch(/✓ guided is within budget: \d+ % of it/);
    const text = textReport(bad.report, bad.diagnoses, [], options);
    expect(text).toContain('✗ 1 of 1 tap is off, first guided');
    expect(text).toContain(`→ ${sentence}`);
    expect(text).not.toContain('\x1b');
    expect(textReport(bad.report, bad.diagnoses, [], { colour: true, all: true })).toContain('\x1b[31m');
  });

  it('as JSON has all of it', () => {
    expect(JSON.parse(jsonText(jsonReport(bad.report, bad.diagnoses, ['a finding'])))).toMatchObject({
      schema: 1,
      case: 'guidances/cfg-pag',
      dtype: 'f32',
      passes: false,
      first: 'guided',
      residual: ['a finding'],
      diagnosis: { faults: ['guide-scale-offset'], complete: true, sentences: [sentence] },
      taps: [{ name: 'guided', status: 'wrong' }],
    });
    expect(JSON.parse(jsonText(jsonReport(good.report, [], [])))).toMatchObject({
      passes: true,
      first: null,
      diagnosis: null,
    });
  });

  it('as JUnit XML has a test case for each tap, and nothing that XML does not allow', () => {
    expect(junitReport(good.report, [], [])).toMatch(/tests="1" failures="0"/);
    const xml = junitReport(bad.report, bad.diagnoses, ['a < b & "c" \u0000']);
    expect(xml).toMatch(/tests="1" failures="1".*\n {2}<testcase /);
    expect(xml).toContain(
      '\n  <testcase classname="guidances/cfg-pag (f32)" name="guided"><failure message="wrong: the first divergence">',
    );
    expect(xml).toContain('a &lt; b &amp; &quot;c&quot; ');
    expect(escaped('\u0007<')).toBe('&lt;');
  });

  it('as HTML is one page that asks for nothing', () => {
    const page = htmlReport(bad.report, bad.diagnoses, ['<script>']);
    expect(page).toContain('<code>guide-scale-offset</code>');
    expect(page).toContain('&lt;script&gt;');
    expect(page).not.toMatch(/<script|src=|href=|https?:|@import|url\(/);
    expect(page).toContain('prefers-color-scheme: dark');
  });
});

describe('what has not changed since it passed', () => {
  const unchanged = [{ case: 'unets/<tiny>', verdict: 'all 158 taps are within budget' }];

  it('stands in every report of many cases', () => {
    expect(jsonOfAll([good], unchanged)).toMatchObject({ passes: true, cases: [{ passes: true }], unchanged });
    const xml = junitOfAll([bad], unchanged);
    expect(xml).toContain('<testsuite name="unets/&lt;tiny&gt;" tests="1" failures="0" errors="0" skipped="0">');
    expect(xml).toContain('<testcase classname="unets/&lt;tiny&gt;" name="unchanged"/>');
    expect(xml.match(/<testsuite /g)).toHaveLength(2);
    const page = htmlOfAll([], unchanged);
    expect(page).toContain('<p>✓ <code>unets/&lt;tiny&gt;</code> unchanged: all 158 taps are within budget</p>');
  });
});

describe('the numbers of a report', () => {
  it('are in percent up to ten times a budget, then in budgets', () => {
    expect([0, 0.004, 0.996, 9.99, 10, 123456, Infinity].map(percent)).toEqual([
      '0 %',
      '0 %',
      '100 %',
      '999 %',
      '10×',
      '1.2e+5×',
      '∞',
    ]);
  });

  it('have three digits, or two and a power of ten', () => {
    expect([0, 1.2345, -0.001, 99999, 1e5, 0.00099, NaN].map(short)).toEqual([
      '0',
      '1.23',
      '-0.001',
      '100000',
      '1.0e+5',
      '9.9e-4',
      'NaN',
    ]);
    expect([0, 1.005, 999.994, 1000, -1, Infinity].map(fixed)).toEqual([
      '0.00',
      '1.00',
      '999.99',
      '1000',
      '-1.00',
      '∞',
    ]);
  });

  it('are shares with two digits below 10 %, and without a sign where there is nothing', () => {
    expect([0, 0.00123, 0.0999, 0.1, 1].map(part)).toEqual(['0', '0.12 %', '10 %', '10 %', '100 %']);
  });

  it('count things', () => {
    expect([counted(0, 'tap'), counted(1, 'tap'), counted(2, 'tap')]).toEqual(['0 taps', '1 tap', '2 taps']);
  });
});

describe('a heat map', () => {
  const map = (height: number, width: number, heat: readonly number[]): readonly string[] => {
    const tap = { ...bad.report.taps[0], heat: { height, width, heat } };
    return [...heatMap(tap).matchAll(/<title>([^<]*)<\/title>/g)].map(([, title]) => title);
  };

  it('has a cell for each place', () => {
    expect(map(2, 3, [0, 1, 2, 3, 40, 0.5])).toEqual([
      'row 0, column 0: 0',
      'row 0, column 1: 1',
      'row 0, column 2: 2',
      'row 1, column 0: 3',
      'row 1, column 1: 40',
      'row 1, column 2: 0.5',
    ]);
  });

  it('has the largest deviation of neighbours where they are many', () => {
    const cells = map(
      1,
      128,
      Array.from({ length: 128 }, (_, i) => (i === 5 ? 7 : 1)),
    );
    expect(cells).toHaveLength(64);
    expect(cells.slice(1, 4)).toEqual(['row 0, column 1: 1', 'row 0, column 2: 7', 'row 0, column 3: 1']);
  });

  it('shows what is not finite', () => {
    expect(map(1, 2, [NaN, 1])).toEqual(['row 0, column 0: Infinity', 'row 0, column 1: 1']);
  });
});

describe('the table of a text', () => {
  /** A report of so many taps, of which those from `first` on are off. */
  const table = (taps: number, first: number): readonly string[] => {
    const [tap] = bad.report.taps;
    const report = {
      ...bad.report,
      taps: Array.from({ length: taps }, (_, i) => ({
        ...tap,
        name: `tap${i}`,
        status: i < first ? ('ok' as const) : ('wrong' as const),
      })),
    };
    const text = textReport(report, [], [], { colour: false, all: false });
    return text.split('\n').flatMap((line) => /^(tap\d+) /.exec(line)?.[1] ?? []);
  };

  it('shows all taps of a few', () => {
    expect(table(24, 24)).toHaveLength(24);
  });

  it('begins three taps before the first that is off, and ends where it can no longer be read at a glance', () => {
    const shown = table(60, 10);
    expect([shown[0], shown.at(-1), shown.length]).toEqual(['tap7', 'tap30', 24]);
    expect(table(60, 1)[0]).toBe('tap0');
  });
});
