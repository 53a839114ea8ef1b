/** Where the cases of the oracle are: those that ship, by name, and those that were exported, by folder. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { InputError } from '../tensor/errors.ts';
import { jsonObject, type ReadFile } from '../formats/read-file.ts';
import { folderReader, readBytes } from '../formats/node-files.ts';
import { parseSafetensors } from '../formats/safetensors.ts';
import type { Case } from '../oracle/case.ts';
import { bandsFileName, belongingOf, readBands } from '../oracle/bands-file.ts';
import type { FormatName } from '../oracle/honest/format.ts';
import { readCase } from '../oracle/read-case.ts';
import type { Band } from '../oracle/tolerance.ts';
import { suggestion } from './options.ts';
import { lettersModel, shippedOracle } from './shipped.ts';

/** The names of the cases that ship: `unets/tiny` … Throws an InputError where they do not lie beside the package. */
export async function shippedCases(): Promise<readonly string[]> {
  const { cases } = jsonObject(await readBytes(join(shippedOracle, 'provenance.json')), 'provenance.json');
  return cases as readonly string[];
}

/** The folder of a case, named or given. Throws an InputError when it is neither. */
export async function caseFolder(nameOrFolder: string): Promise<string> {
  const names = await shippedCases();
  if (names.includes(nameOrFolder)) return join(shippedOracle, nameOrFolder);
  if (existsSync(join(nameOrFolder, 'case.json'))) return nameOrFolder;
  throw new InputError(
    `"${nameOrFolder}" is no case, nor a folder with a case.json${suggestion(nameOrFolder, names)}; ` +
      'pag cases lists them',
  );
}

/** The cases in a folder of exported ones, by their folders in it (`unets/tiny`); none where it holds none. */
export async function kitCases(folder: string): Promise<readonly string[]> {
  if (!existsSync(folder) || !statSync(folder).isDirectory() || existsSync(join(folder, 'case.json'))) return [];
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const found = files
    .filter((file) => basename(file) === 'case.json')
    .map((file) => dirname(file).replaceAll('\\', '/'));
  const order = await shippedCases();
  const placeOf = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length);
  return found.sort((a, b) => placeOf(a) - placeOf(b) || Number(a > b) - Number(a < b));
}

/** The bands of a case in a precision, as a file has them; none without such a file, or with that of another case. */
export async function openBands(
  nameOrFolder: string,
  one: Case,
  dtype: FormatName,
): Promise<ReadonlyMap<string, Band> | undefined> {
  const folder = await caseFolder(nameOrFolder);
  const path = bandsFileName(dtype);
  if (!existsSync(join(folder, path))) return undefined;
  const file = parseSafetensors(await readBytes(join(folder, path)), join(nameOrFolder, path));
  return readBands(one, file, await belongingOf(one, await readBytes(join(folder, 'case.json')), dtype));
}

/** Reads a case, every tensor of it checked. Throws an InputError when there is none, or when it was changed. */
export async function openCase(nameOrFolder: string): Promise<Case> {
  const folder = await caseFolder(nameOrFolder);
  const readers = new Map<string, Promise<ReadFile>>();
  const readerOf = (path: string): Promise<ReadFile> => {
    const known = readers.get(path) ?? folderReader(path);
    readers.set(path, known);
    return known;
  };
  // What a case may point to: the letters model, or another case that ships; nothing else on this disk.
  const readModel =
    (name: string): ReadFile =>
    async (path) => {
      if (name !== 'letters' && !(await shippedCases()).includes(name))
        throw new InputError(`the case has the weights of "${name}", which does not ship`);
      return (await readerOf(name === 'letters' ? lettersModel : join(shippedOracle, name)))(path);
    };
  return readCase(await readerOf(folder), basename(folder), readModel);
}
