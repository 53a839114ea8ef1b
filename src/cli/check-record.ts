/**
 * What `pag check` remembers of a kit from run to run: cases that were within budget, and what they were checked with.
 * One whose files, version and options are the same need not be checked again. Of what was off nothing is kept: what is
 * said of it is more than a line.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readBytes } from '../formats/node-files.ts';
import { InputError } from '../tensor/errors.ts';
import type { Unchanged } from '../oracle/report/result.ts';
import { warn } from './messages.ts';
import { writeOut } from './out-files.ts';
import { version } from './version.ts';

/** A case that was within budget. */
export interface Remembered extends Unchanged {
  /** Of what it was checked with, by `hashOf`. */
  readonly hash: string;
}

/** What is remembered, by case. */
export type CheckRecord = ReadonlyMap<string, Remembered>;

/**
 * Reads a record; an empty one where there is none, or none of this version.
 * @throws InputError when the file is something else, or cannot be read
 */
export async function readRecord(path: string): Promise<CheckRecord> {
  if (!existsSync(path)) return new Map();
  const refuse = (): never => {
    throw new InputError(`${path} is no record of pag check; choose another file with --record`);
  };
  const text = new TextDecoder().decode(await readBytes(path));
  let found: Partial<Written>;
  try {
    found = Object(JSON.parse(text)) as Partial<Written>;
  } catch {
    return refuse();
  }
  if (found.record !== 'pag check' || !Array.isArray(found.cases) || !found.cases.every(isSound)) return refuse();
  if (found.version !== version()) return new Map();
  return new Map(found.cases.map((one) => [one.case, one]));
}

/** Whether each part of a remembered case is there: others may have written the file. */
function isSound(entry: unknown): boolean {
  const { case: name, verdict, hash } = Object(entry) as Partial<Record<string, unknown>>;
  return [name, verdict, hash].every((part) => typeof part === 'string');
}

/** Writes a record; where nothing can be written it says so and goes on. */
export function writeRecord(path: string, record: CheckRecord): void {
  const written: Written = { record: 'pag check', version: version(), cases: [...record.values()] };
  try {
    writeOut(path, `${JSON.stringify(written, null, 1)}\n`);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    warn([`what was checked is not remembered: ${error.message}`]);
  }
}

/**
 * The SHA-256 of all that a verdict follows from: the files of a case, theirs, and the options.
 * @throws InputError for files that cannot be read
 */
export async function hashOf(caseFolder: string, theirs: string, options: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  const add = (part: string | Uint8Array): void => {
    hash.update(`${part.length} `).update(part);
  };
  for (const name of readdirSync(caseFolder).sort()) {
    if (!/\.(json|safetensors)$/.test(name)) continue;
    add(name);
    add(await readBytes(join(caseFolder, name)));
  }
  add(await readBytes(theirs));
  options.forEach(add);
  return hash.digest('hex');
}

interface Written {
  readonly record: 'pag check';
  readonly version: string;
  readonly cases: readonly Remembered[];
}
