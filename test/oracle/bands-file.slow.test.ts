import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bandsFileName, belongingOf, writeBands } from '../../src/oracle/bands-file.ts';
import { formats } from '../../src/oracle/honest/format.ts';
import { bandsOf } from '../../src/oracle/tolerance.ts';
import { caseNames, loadCase, oracle } from './cases.ts';
import { thorough } from '../thorough.ts';

/** The other models and runs take seconds each; they have the same budgets from the same code. */
const quick = caseNames.filter((name) => !/^(unets|runs)\//.test(name) || /\/(tiny|pag)$/.test(name));
/** Of those that take more than a blink the first of each kind, unless everything is tried. */
const tried = quick.filter(
  (name) =>
    thorough ||
    !/^(blocks|text-to-image|condition-unets|gradients\/unet)/.test(name) ||
    /^(blocks\/middle|text-to-image\/pag|condition-unets\/sd)$/.test(name),
);

describe('the bands that ship are what is computed', () => {
  it.each(tried)('%s', async (name) => {
    const shipped = readFileSync(new URL(`${name}/${bandsFileName('f32')}`, oracle));
    const one = await loadCase(name);
    const bands = bandsOf(one, formats.f32, new Set(one.expected.keys()));
    const caseJson = readFileSync(new URL(`${name}/case.json`, oracle));
    const bytes = writeBands(one, bands, await belongingOf(one, caseJson, 'f32'));
    expect(Buffer.compare(shipped, bytes), 'else run scripts/oracle/bands.ts').toBe(0);
  });
});
