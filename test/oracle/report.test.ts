import { describe, expect, it } from 'vitest';
import { check } from '../../src/oracle/check.ts';
import { diagnose, faultyTraces } from '../../src/oracle/diagnosis.ts';
import { bank } from '../../src/oracle/faults/bank.ts';
import { formats } from '../../src/oracle/honest/format.ts';
import { htmlReport } from '../../src/oracle/report/html.ts';
import { jsonReport } from '../../src/oracle/report/json.ts';
import { junitReport } from '../../src/oracle/report/junit.ts';
import { escaped } from '../../src/oracle/report/markup.ts';
import { textReport } from '../../src/oracle/report/terminal.ts';
import { loadCase } from './cases.ts';
import { fileOf, heldOut, outputOf, port } from './ports.ts';

const one = await loadCase('guidances/cfg-pag');
const honest = port(heldOut['runs of 16']);

function reportOf(faulty?: string) {
  const implementation = faulty === undefined ? honest : bank.find(({ name }) => name === faulty)!.apply(honest);
  const { report, bands, theirs } = check(one, fileOf(outputOf(one, implementation)), formats.f32);
  const diagnosis = report.passes
    ? undefined
    : diagnose(bands, theirs, formats.f32, faultyTraces(one, formats.f32, new Set(bands.keys())));
  return { report, diagnosis };
}

const good = reportOf();
const bad = reportOf('guide-scale-offset');
const sentence = 'Your tensors match the mistake `guide-scale-offset`: you use g = s + 1 where s is meant.';

describe('a report', () => {
  it('as text says whether, where and which', () => {
    const options = { colour: false, all: false };
    expect(textReport(good.report, good.diagnosis, [], options)).toMatch(/✓ guided is within budget: \d+ % of it/);
    const text = textReport(bad.report, bad.diagnosis, [], options);
    expect(text).toContain('✗ 1 of 1 tap is off, first guided');
    expect(text).toContain(`→ ${sentence}`);
    expect(text).not.toContain('\x1b');
    expect(textReport(bad.report, bad.diagnosis, [], { colour: true, all: true })).toContain('\x1b[31m');
  });

  it('as JSON has all of it', () => {
    expect(JSON.parse(jsonReport(bad.report, bad.diagnosis, ['a finding']))).toMatchObject({
      schema: 1,
      case: 'guidances/cfg-pag',
      dtype: 'f32',
      passes: false,
      first: 'guided',
      residual: ['a finding'],
      diagnosis: { faults: ['guide-scale-offset'], complete: true, sentences: [sentence] },
      taps: [{ name: 'guided', status: 'wrong' }],
    });
    expect(JSON.parse(jsonReport(good.report, undefined, []))).toMatchObject({
      passes: true,
      first: null,
      diagnosis: null,
    });
  });

  it('as JUnit XML has a test case for each tap, and nothing that XML does not allow', () => {
    expect(junitReport(good.report, undefined, [])).toMatch(/tests="1" failures="0"/);
    const xml = junitReport(bad.report, bad.diagnosis, ['a < b & "c" \u0000']);
    expect(xml).toMatch(/tests="1" failures="1".*\n {2}<testcase /);
    expect(xml).toContain(
      '\n  <testcase classname="guidances/cfg-pag (f32)" name="guided"><failure message="wrong: the first divergence">',
    );
    expect(xml).toContain('a &lt; b &amp; &quot;c&quot; ');
    expect(escaped('\u0007<')).toBe('&lt;');
  });

  it('as HTML is one page that asks for nothing', () => {
    const page = htmlReport(bad.report, bad.diagnosis, ['<script>']);
    expect(page).toContain('<code>guide-scale-offset</code>');
    expect(page).toContain('&lt;script&gt;');
    expect(page).not.toMatch(/<script|src=|href=|https?:|@import|url\(/);
    expect(page).toContain('prefers-color-scheme: dark');
  });
});
