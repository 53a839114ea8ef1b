import { beforeAll, describe, expect, it } from 'vitest';
import { caseName } from '../../src/walkthrough/study.ts';
import type { Model } from '../../src/walkthrough/work/model.ts';
import { checkPage } from '../../src/walkthrough/work/oracle.ts';
import { loadCase } from '../oracle/cases.ts';
import { firstOf } from '../thorough.ts';
import { lettersModel } from './library.ts';

let model: Model;
beforeAll(async () => {
  model = await lettersModel();
}, 60_000);

describe('the oracle asks what draws the letters', () => {
  it('and finds nothing: all that it expects is there, and within budget', async () => {
    const one = await loadCase(caseName);
    const answers = [...checkPage(model, one, {})];
    expect(answers).toHaveLength(1); // nothing to look for
    expect(answers[0].passes).toBe(true);
    expect(answers[0].within).toBe(answers[0].taps);
    expect(answers[0].taps).toBeGreaterThanOrEqual(one.expected.size);
    expect(answers[0].verdict).toMatch(/^all \d+ taps are within budget/);
  });

  const mistakes = [
    ['attention-scale-missing', 'down_blocks.1.attentions.0.map'],
    ['norm-eps-1e-6', 'down_blocks.0.resnets.0.norm1'],
  ] as const;
  it.each(firstOf(mistakes))('and finds the mistake %s, in %s', async (fault, first) => {
    const [verdict, found] = [...checkPage(model, await loadCase(caseName), { fault })];
    expect(verdict).toMatchObject({
      passes: false,
      where: expect.stringContaining(
        `First divergence: ${first}. Computed from your own earlier taps it should be something else`,
      ),
    });
    expect(verdict.within).toBeLessThan(verdict.taps / 2);
    expect(found).toEqual({ ...verdict, named: [fault] });
  });

  it('refuses to answer what it is not', async () => {
    await expect(loadCase('runs/pag').then((one) => [...checkPage(model, one, {})])).rejects.toThrow(
      'runs/pag is of the kind "run"; this page answers cases of a UNet',
    );
  });
});
