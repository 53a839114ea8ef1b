import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { jsonText } from '../../src/formats/json.ts';
import { cast } from '../../src/tensor/rounding.ts';
import { check } from '../../src/oracle/check.ts';
import { findingsOf } from '../../src/oracle/findings.ts';
import { formats } from '../../src/oracle/honest/format.ts';
import { jsonOfAll, jsonReport } from '../../src/oracle/report/json.ts';
import { caseNames, loadCase, oracle } from './cases.ts';
import { problemsOf } from './json-schema.ts';
import { fileOf } from './ports.ts';

const written = (value: unknown) => JSON.parse(jsonText(value));
const read = (path: string) => JSON.parse(readFileSync(new URL(path, oracle), 'utf8'));
const schemas = { case: read('kit/case.schema.json'), report: read('kit/report.schema.json') };

describe('the schema of a case', () => {
  it.each(caseNames)('has %s', (name) => expect(problemsOf(read(`${name}/case.json`), schemas.case)).toEqual([]));

  it('has no case with a key of another kind, or a hash that is none', () => {
    const one = read('guidances/cfg-pag/case.json');
    const problems = (change: object) => problemsOf({ ...one, ...change }, schemas.case);
    expect(problems({ subject: { ...one.subject, probes: [] } })).toEqual(['$.subject has probes']);
    expect(problems({ sha256: { expected: { a: 'x' } } })).toEqual(['$.sha256.expected.a has another form']);
    expect(problems({ schema: 2 })).toEqual(['$.schema is not 1']);
  });
});

describe('the schema of a report has what is written', () => {
  const reportOf = async (name: string, change: (value: number, i: number) => number) => {
    const one = await loadCase(name);
    const theirs = [...one.expected].map(([tap, { f64 }]) => {
      return [tap, cast({ ...f64, data: f64.data.map(change) }, 'f32')] as const;
    });
    const file = fileOf(Object.fromEntries(theirs));
    const checked = check(one, file, formats.f32);
    return { report: checked.report, ...findingsOf(checked, file) };
  };

  it.each([
    ['of a port that is right', (value: number) => value],
    ['of one that is off', (value: number) => -value],
    ['of one with numbers that JSON does not have', (value: number, i: number) => (i === 0 ? NaN : value)],
  ])('%s', async (_, change) => {
    const results = [await reportOf('guidances/cfg-pag', change), await reportOf('operations/softmax', change)];
    const [{ report, diagnoses, sentences }] = results;
    expect(problemsOf(written(jsonReport(report, diagnoses, sentences)), schemas.report)).toEqual([]);
    expect(problemsOf(written(jsonOfAll(results)), schemas.report)).toEqual([]);
    expect(problemsOf({ ...written(jsonOfAll(results)), more: 1 }, schemas.report)).not.toEqual([]);
  });
});
