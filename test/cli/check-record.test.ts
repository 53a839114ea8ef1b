/** What `pag check` remembers of a kit: read back as it was written, and nothing that others have written into it. */
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { expect, it } from 'vitest';
import { checkCommand } from '../../src/cli/check.ts';
import { hashOf, readRecord, writeRecord } from '../../src/cli/check-record.ts';
import { version } from '../../src/cli/version.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { temporaryFolder } from './models.ts';

const { path, save } = temporaryFolder();
const one = { case: 'unets/tiny', verdict: 'all is within budget', hash: 'ab' };
const written = (...cases: readonly unknown[]): string =>
  save('record.json', JSON.stringify({ record: 'pag check', version: version(), cases }));

it('is read as it was written, and empty where there is none, or one of another version', async () => {
  writeRecord(path('own.json'), new Map([[one.case, one]]));
  expect([...(await readRecord(path('own.json'))).values()]).toEqual([one]);
  expect((await readRecord(path('none.json'))).size).toBe(0);
  const other = save('old.json', JSON.stringify({ record: 'pag check', version: '0.0.0', cases: [one] }));
  expect((await readRecord(other)).size).toBe(0);
});

it.each([[5], [null], [{}], [{ ...one, verdict: undefined }], [{ ...one, hash: 5 }], [{ ...one, case: null }]])(
  'is refused where a case is %j',
  async (entry) => {
    await expect(readRecord(written(one, entry))).rejects.toThrow(InputError);
    await expect(readRecord(written(one, entry))).rejects.toThrow(/is no record of pag check; choose another file/);
  },
);

it('is refused where a file is a folder, or may never end', async () => {
  await expect(readRecord('/dev/zero')).rejects.toThrow('cannot read /dev/zero: it is no regular file');
  const folder = path('folder');
  mkdirSync(folder);
  await expect(hashOf(folder, folder, [])).rejects.toThrow(`cannot read ${folder}: it is a folder`);
  symlinkSync(path('nowhere'), path('folder/case.json'));
  await expect(hashOf(folder, folder, [])).rejects.toThrow(InputError);
});

it('is told of by the guide of the kit, by the names that it has', () => {
  const guide = readFileSync(new URL('../../fixtures/oracle/kit/README.md', import.meta.url), 'utf8');
  for (const name of ['.pag-check.json', '--record FILE', '--fresh']) {
    expect(guide).toContain(name);
    expect(checkCommand.help).toContain(name);
  }
});
