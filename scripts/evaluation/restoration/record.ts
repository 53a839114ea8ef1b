/** The record of what has been restored so far: what the tables are made of. */
import { existsSync, readFileSync } from 'node:fs';
import type { Method } from '../../../src/cli/restoration-task.ts';
import { writeWhole } from '../../../src/formats/node-files.ts';
import { InputError } from '../../../src/tensor/errors.ts';

/** What is known of one restored letter. */
export interface Restored {
  /** In dB. */
  readonly psnr: number;
  /** How far its features are from those of the whole letter. */
  readonly distance: number;
  readonly features: readonly number[];
}

/** What the numbers depend on, besides what a setting says. */
export interface Conditions {
  readonly method: Method;
  /** The fingerprint of its weights. */
  readonly model: string;
  /** `ddpm` in the tables. */
  readonly scheduler: 'ddpm' | 'ddim';
  readonly steps: number;
  readonly noiseLevel: number;
}

/** What has been restored, and how. */
export interface RestorationRecord {
  readonly conditions: Conditions;
  /** By the key of a setting and the number of a letter. */
  readonly restored: Readonly<Record<string, Readonly<Record<string, Restored>>>>;
}

/** @throws InputError when there is no such file, or it is no record */
export function readRecord(path: string): RestorationRecord {
  if (!existsSync(path)) throw new InputError(`there is no record ${path}; draw one first`);
  const { conditions, restored } = parsed(readFileSync(path, 'utf8'));
  if (conditions && restored) return { conditions, restored };
  throw new InputError(`${path} is no record of restored letters`);
}

/** They may be longer than `parseJson` reads. */
function parsed(text: string): Partial<RestorationRecord> {
  try {
    return Object(JSON.parse(text)) as Partial<RestorationRecord>;
  } catch {
    return {};
  }
}

/** Whole or not at all, so that whoever stops it loses what is being drawn, and no more. */
export function writeRecord(path: string, record: RestorationRecord): void {
  writeWhole(path, JSON.stringify(record));
}

/**
 * One record of several, in which a letter may be twice: it is restored to the same bits.
 * @throws InputError where they were not drawn alike, or one letter differs
 */
export function joinRecords(a: RestorationRecord, b: RestorationRecord): RestorationRecord {
  const [ours, theirs] = [a, b].map(({ conditions }) => JSON.stringify(conditions));
  if (ours !== theirs) throw new InputError(`records of ${ours} and of ${theirs} do not belong together`);
  const restored = { ...a.restored };
  for (const [key, letters] of Object.entries(b.restored)) {
    for (const [number, letter] of Object.entries(letters)) {
      const known = a.restored[key]?.[number];
      if (known && JSON.stringify(known) !== JSON.stringify(letter))
        throw new InputError(`letter ${number} of "${key}" was restored twice, and not alike`);
    }
    restored[key] = { ...restored[key], ...letters };
  }
  return { conditions: a.conditions, restored };
}
