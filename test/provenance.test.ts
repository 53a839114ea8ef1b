/** What provenance.json says of the golden data beside it. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

interface Provenance {
  readonly diffusers?: string;
  readonly unchanged_in?: { readonly diffusers: string };
  readonly sha256?: Readonly<Record<string, string>>;
  /** Files that were made after the others, and by what. */
  readonly later?: readonly { readonly files: readonly string[]; readonly diffusers: string }[];
}

const goldens = fileURLToPath(new URL('../fixtures/goldens', import.meta.url));
const all = readdirSync(goldens, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));
const folders = all.filter((file) => file.endsWith('provenance.json')).map((file) => dirname(file));
const read = (folder: string): Provenance => JSON.parse(readFileSync(join(folder, 'provenance.json'), 'utf8'));
const titled = folders
  .map((folder) => [relative(goldens, folder), folder, read(folder)] as const)
  .filter(([, , { sha256 }]) => typeof sha256 === 'object');

describe.each(titled)('goldens/%s', (_, folder, provenance) => {
  const files = all
    .filter((file) => file.startsWith(`${folder}/`) && !file.endsWith('provenance.json'))
    .map((file) => relative(folder, file));

  it('are those that it names, byte by byte', () => {
    const found = files.map((file) => [
      file,
      createHash('sha256')
        .update(readFileSync(join(folder, file)))
        .digest('hex'),
    ]);
    expect(Object.fromEntries(found)).toEqual(provenance.sha256);
  });

  it('were made by the release of diffusers that it says of each', () => {
    const later = (provenance.later ?? []).flatMap((part) => part.files.map((file) => [file, part.diffusers] as const));
    expect(later.filter(([file]) => !files.includes(file))).toEqual([]);
    const makers = new Map(later);
    for (const file of files.filter((name) => name.endsWith('config.json'))) {
      const config = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { _diffusers_version?: string };
      if (config._diffusers_version === undefined) continue;
      expect(config._diffusers_version, file).toBe(makers.get(file) ?? provenance.diffusers);
    }
  });
});

it('there is one for every part of the golden data', () => {
  expect(titled.length).toBeGreaterThan(20);
  const without = all.filter((file) => !folders.some((folder) => file.startsWith(`${folder}/`)));
  expect(without.map((file) => relative(goldens, file))).toEqual(['README.md']);
});
