/** The cases that ship, for the tests. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { ReadFile } from '../../src/formats/read-file.ts';
import type { Case } from '../../src/oracle/case.ts';
import { readCase } from '../../src/oracle/read-case.ts';

export const oracle = new URL('../../fixtures/oracle/', import.meta.url);
const letters = new URL('../../fixtures/letters/model/', import.meta.url);

export const caseNames: readonly string[] = JSON.parse(readFileSync(new URL('provenance.json', oracle), 'utf8')).cases;

/** Those that take milliseconds. */
export const smallCases = caseNames.filter((name) => !name.endsWith('/letters'));

export async function loadCase(name: string): Promise<Case> {
  return readCase(folder(new URL(`${name}/`, oracle)), name, (model) =>
    folder(model === 'letters' ? letters : new URL(`${model}/`, oracle)),
  );
}

function folder(root: URL): ReadFile {
  return async (path) => readFile(new URL(path, root)).catch(() => undefined);
}
