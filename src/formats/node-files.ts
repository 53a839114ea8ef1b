/** Files on a disk, for Node. What the disk refuses becomes one clear line. */
import { randomBytes } from 'node:crypto';
import { accessSync, closeSync, constants, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InputError } from '../tensor/errors.ts';
import type { ReadFile } from './diffusers.ts';

/** Reads the files of a folder. Throws an InputError when there is no such folder. */
export async function folderReader(folder: string): Promise<ReadFile> {
  const found = await stat(folder).catch((error: unknown) => refuse(error, folder, 'read'));
  if (!found.isDirectory()) throw new InputError(`${folder} is not a folder`);
  return (path) => readOptional(join(folder, path));
}

/** The bytes of a file. Throws an InputError when it cannot be read. */
export async function readBytes(path: string): Promise<Uint8Array> {
  return readFile(path).catch((error: unknown) => refuse(error, path, 'read'));
}

async function readOptional(path: string): Promise<Uint8Array | undefined> {
  return readFile(path).catch((error: unknown) => (codeOf(error) === 'ENOENT' ? undefined : refuse(error, path, 'read')));
}

/**
 * Writes a file whole or not at all: into a new file beside it, which then takes its place. What happens in between, be it
 * Ctrl-C or a full disk, leaves an older file as it was. (Synchronous, so no signal handler runs half-way.)
 */
export function writeWhole(path: string, bytes: Uint8Array): void {
  const draft = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
  let created = false;
  try {
    const file = openSync(draft, 'wx');
    created = true;
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
  } catch (error) {
    if (created) rmSync(draft, { force: true });
    refuse(error, path, 'write');
  }
}

/** Fails now, rather than after long work, if no file can be written there. */
export function checkWritable(path: string): void {
  try {
    accessSync(dirname(path), constants.W_OK);
    if (existsSync(path) && statSync(path).isDirectory()) throw new InputError(`cannot write ${path}: it is a folder`);
  } catch (error) {
    refuse(error, path, 'write');
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  ENOSPC: 'the disk is full',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EROFS: 'the disk is read-only',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is not a folder',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would be too large',
};

function refuse(error: unknown, path: string, doing: 'read' | 'write'): never {
  const code = codeOf(error);
  if (code === undefined) throw error;
  throw new InputError(`cannot ${doing} ${path}: ${reasons[code] ?? code}`);
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
