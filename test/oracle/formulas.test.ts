import { describe, expect, it } from 'vitest';
import { formulaOf } from '../../src/oracle/formulas.ts';
import { guideOf } from '../../src/oracle/guide.ts';
import { caseNames, loadCase } from './cases.ts';

const rule = formulaOf(await loadCase('guidances/cfg-pag'));

describe('a guide has the formula', () => {
  it.each(caseNames)('of %s', async (name) => {
    const one = await loadCase(name);
    const lines = formulaOf(one);
    expect(lines.join(' ')).not.toMatch(/as README\.md says|as the class \w+ of diffusers makes it|undefined/);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120);
    expect(guideOf(one, 'DIR')).toContain(lines.join('\n   '));
    // Where a case guides, the rule of guidance is there once, and last.
    const { kind } = one.subject;
    const others = lines.filter((line) => !rule.includes(line));
    expect(lines).toEqual(['guidance', 'run', 'text-to-image'].includes(kind) ? [...others, ...rule] : others);
    expect(others.length > 0).toBe(kind !== 'guidance');
  });

  it('with arguments by their names', async () => {
    const lines = formulaOf(await loadCase('operations/conv2d'));
    expect(lines).toContain('"stride 2, zeros below and right": stride 2, top 0, bottom 1, left 0, right 1');
    expect(lines).toContain('arguments are stride, top, bottom, left, right; of');
    expect(formulaOf(await loadCase('operations/groupNorm'))).toContain('"4 groups": groups 4, eps 0.00001');
  });
});
