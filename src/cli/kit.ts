/** A kit: cases as files that any language can read, in a folder or one archive, with a checker that needs no Node. */
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { makeFolder, readBytes, writeWhole } from '../formats/node-files.ts';
import { writeSafetensors } from '../formats/safetensors.ts';
import { writeTar } from '../formats/tar.ts';
import { bandsFileName, belongingOf, writeBands } from '../oracle/bands-file.ts';
import type { Case } from '../oracle/case.ts';
import { guideOf } from '../oracle/guide.ts';
import { formats, type FormatName } from '../oracle/honest/format.ts';
import { bandsOf } from '../oracle/tolerance.ts';
import { cast } from '../tensor/rounding.ts';
import { caseFolder, openBands, openCase } from './oracle-files.ts';
import { shippedOracle } from './shipped.ts';

/** Files by their paths in the kit, parted by slashes. */
export type Files = ReadonlyMap<string, Uint8Array>;

/** What a case can be exported for beside float32. */
export const kitDtypes = ['tf32', 'bf16', 'f16'] as const;
/** One of `kitDtypes`. */
export type KitDtype = (typeof kitDtypes)[number];

/** The precisions that are checked in what is rounded to a dtype. */
const formatsOf: Readonly<Record<KitDtype, readonly FormatName[]>> = {
  tf32: ['tf32'],
  bf16: ['bf16'],
  f16: ['f16', 'mixed'],
};

/**
 * The files of a case, named or in a folder: its own, its weights, and its bands, which checkers in other languages
 * need.
 * @param dtype what inputs and weights are rounded to in further files, and for what there are further bands
 */
export async function filesOfCase(name: string, dtype?: KitDtype): Promise<{ one: Case; files: Files }> {
  const one = await openCase(name);
  const from = await caseFolder(name);
  const files = new Map<string, Uint8Array>();
  for (const file of ['case.json', 'inputs.safetensors', 'expected.safetensors', 'README.md']) {
    const bytes = await readBytes(join(from, file)).catch(() => undefined);
    if (bytes) files.set(file, bytes);
  }
  if (one.weights.size > 0) files.set('weights.safetensors', writeSafetensors(Object.fromEntries(one.weights)));
  if (dtype === 'bf16' || dtype === 'f16') {
    for (const [file, tensors] of Object.entries({ inputs: one.inputs, weights: one.weights })) {
      if (tensors.size === 0) continue;
      const rounded = Object.fromEntries([...tensors].map(([key, value]) => [key, cast(value, dtype)]));
      files.set(`${file}.${dtype}.safetensors`, writeSafetensors(rounded));
    }
  }
  files.set('GUIDE.txt', new TextEncoder().encode(`${guideOf(one, name)}\n`));
  const caseJson = await readBytes(join(from, 'case.json'));
  for (const format of ['f32', ...(dtype ? formatsOf[dtype] : [])] as const) {
    const names = new Set(one.expected.keys());
    const bands = (await openBands(name, one, format)) ?? bandsOf(one, formats[format], names);
    files.set(bandsFileName(format), writeBands(one, bands, await belongingOf(one, caseJson, format)));
  }
  return { one, files };
}

/** What a kit has beside its cases: how to use it, and the checker. */
export async function filesOfKit(): Promise<Files> {
  return new Map([...(await shippedFiles(['README.md'])), ...(await filesOfChecker())]);
}

/** What checks without Node: the checker in Python, and the schemas of its JSON. */
export async function filesOfChecker(): Promise<Files> {
  return shippedFiles(['pag_oracle.py', 'case.schema.json', 'report.schema.json']);
}

async function shippedFiles(names: readonly string[]): Promise<Files> {
  const files = new Map<string, Uint8Array>();
  for (const file of names) files.set(file, await readBytes(join(shippedOracle, 'kit', file)));
  return files;
}

/** Whether a path names an archive, not a folder. */
export function isArchive(path: string): boolean {
  return /\.(?:tar\.gz|tgz)$/.test(path);
}

/** Writes files into a folder, which is made; or into one archive, in a folder of its name. */
export async function writeFiles(to: string, files: Files): Promise<void> {
  if (isArchive(to)) {
    const inside = [...files].map(([path, bytes]) => [`pag-kit/${path}`, bytes] as const);
    writeWhole(to, gzipSync(writeTar(new Map(inside))));
    return;
  }
  for (const [path, bytes] of files) {
    makeFolder(dirname(join(to, path)));
    writeWhole(join(to, path), bytes);
    // So that signals are heard between two files.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  }
}
