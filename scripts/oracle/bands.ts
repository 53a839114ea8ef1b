/**
 * Writes the bands of the cases that ship, fixtures/oracle/CASE/bands.f32.safetensors, where they are not yet what this
 * library computes: after a change of a case, of an honest port, or of the sizes of errors.
 *
 * Run: npx tsx scripts/oracle/bands.ts (half a minute); with names of cases only theirs
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { bandsFileName, belongingOf, writeBands } from '../../src/oracle/bands-file.ts';
import { formats } from '../../src/oracle/honest/format.ts';
import { bandsOf } from '../../src/oracle/tolerance.ts';
import { caseNames, loadCase, oracle } from '../../test/oracle/cases.ts';

const chosen = process.argv.slice(2);
for (const name of caseNames.filter((candidate) => chosen.length === 0 || chosen.includes(candidate))) {
  const one = await loadCase(name);
  const belonging = await belongingOf(one, readFileSync(new URL(`${name}/case.json`, oracle)), 'f32');
  const bands = bandsOf(one, formats.f32, new Set(one.expected.keys()));
  const file = new URL(`${name}/${bandsFileName('f32')}`, oracle);
  writeFileSync(file, writeBands(one, bands, belonging));
}
