import { describe, expect, it } from 'vitest';
import { formulaOf } from '../../src/oracle/formulas.ts';
import { guideOf } from '../../src/oracle/guide.ts';
import { caseNames, loadCase } from './cases.ts';

describe('a guide has the formula', () => {
  it.each(caseNames)('of %s', async (name) => {
    const one = await loadCase(name);
    const lines = formulaOf(one);
    expect(lines.join(' ')).not.toMatch(/as README\.md says|as the class \w+ of diffusers makes it|undefined/);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120);
    expect(guideOf(one, 'DIR')).toContain(lines.join('\n   '));
  });

  it('of guidance, once and last, where a case guides', async () => {
    const rule = formulaOf(await loadCase('guidances/adaptive'));
    expect(rule[0]).toContain('ε̃ = ε(∅) + g (ε(c) − ε(∅))');
    for (const name of caseNames) {
      const { subject } = await loadCase(name);
      const lines = formulaOf({ subject });
      const guides = ['guidance', 'run', 'text-to-image'].includes(subject.kind);
      expect(
        lines.filter((line) => line === rule[0]),
        name,
      ).toHaveLength(guides ? 1 : 0);
      if (guides) expect(lines.slice(-rule.length), name).toEqual(rule);
      if (guides && subject.kind !== 'guidance') expect(lines.length, name).toBeGreaterThan(rule.length);
    }
  });

  it('with arguments by their names', async () => {
    const lines = formulaOf(await loadCase('operations/conv2d'));
    expect(lines).toContain('"stride 2, zeros below and right": stride 2, top 0, bottom 1, left 0, right 1');
    expect(lines).toContain('arguments are stride, top, bottom, left, right; of');
    expect(formulaOf(await loadCase('operations/groupNorm'))).toContain('"4 groups": groups 4, eps 0.00001');
  });
});
