/** Files on a disk, for Node. What the disk refuses becomes one clear line. */
import { randomBytes } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
  type Stats,
} from 'node:fs';
import { lstat, open, readdir, readlink, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { InputError } from '../tensor/errors.ts';
import { checkSize, type FilePart, type OpenFile, type ReadFile } from './read-file.ts';

/** Reads the files of a folder. Throws an InputError when there is no such folder. */
export async function folderReader(folder: string): Promise<ReadFile> {
  const found = await stat(folder).catch((error: unknown) => {
    if (isOfHub(folder) && (error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new InputError(
        `cannot read ${folder}: there is no such folder; models are not downloaded here: fetch it first, ` +
          'as with "hf download", and give the folder',
      );
    return refuseFile(error, folder, 'read');
  });
  if (!found.isDirectory()) throw new InputError(`${folder} is not a folder${ofOneFile(folder)}`);
  const read = (path: string, part?: FilePart) => readOptional(join(folder, path), part);
  const list = (path: string) => readdir(join(folder, path)).catch(() => []);
  return Object.assign(read, { list, open: (path: string) => openLarge(join(folder, path)) });
}

/** Whether a name is one of the Hub, `owner/name`, or an address, and no path that someone would write. */
function isOfHub(name: string): boolean {
  return /^https?:/.test(name) || /^\w[\w.-]*\/\w[\w.-]*$/.test(name);
}

/** What is to be said of a checkpoint in the place of a folder. */
function ofOneFile(path: string): string {
  if (!/\.(safetensors|ckpt|pt|pth|bin|gguf|onnx)$/.test(path)) return '';
  return "; a checkpoint of one file has no config: give the folder that diffusers' save_pretrained writes";
}

/** Files of fewer bytes are sooner read as a whole, and need not stay as they are afterwards. */
const largeBytes = 2 ** 26;

/** A large file, which is looked for anew whenever a part of it is read: nothing stays open. */
async function openLarge(path: string): Promise<OpenFile | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile() || found.size < largeBytes) return undefined;
  return { size: found.size, readInto: (target, start) => readRange(path, found, target, start) };
}

function readRange(path: string, { size, mtimeMs }: Stats, target: Uint8Array, start: number): void {
  try {
    const file = openSync(path, 'r');
    try {
      const now = fstatSync(file);
      if (now.size !== size || now.mtimeMs !== mtimeMs)
        throw new InputError(`${path} has changed while it was in use; begin again`);
      for (let at = 0; at < target.length; ) {
        const read = readSync(file, target, at, Math.min(target.length - at, 2 ** 30), start + at);
        if (read === 0) throw new InputError(`${path} ends before byte ${start + target.length}`);
        at += read;
      }
    } finally {
      closeSync(file);
    }
  } catch (error) {
    refuseFile(error, path, 'read');
  }
}

/** The bytes of a file, or a part of them. Throws an InputError when it cannot be read. */
export async function readBytes(path: string, part?: FilePart): Promise<Uint8Array> {
  return readPart(path, part).catch((error: unknown) => refuseFile(error, path, 'read'));
}

async function readOptional(path: string, part?: FilePart): Promise<Uint8Array | undefined> {
  return readPart(path, part).catch(async (error: unknown) => {
    if (codeOf(error) !== 'ENOENT') return refuseFile(error, path, 'read');
    await checkLink(path);
    return undefined;
  });
}

/** Nothing at the end of a link is not the same as nothing: the Hub's cache is made of links. */
async function checkLink(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSymbolicLink())
    throw new InputError(`${path} is a link to ${await readlink(path)}, which is missing; download the model again`);
}

/** One array of the size that is wanted. (Node's own readFile ends at 2 GiB, and never at /dev/zero.) */
async function readPart(path: string, part: FilePart = {}): Promise<Uint8Array> {
  const found = await stat(path);
  if (!found.isFile() && !found.isDirectory()) throw new InputError(`cannot read ${path}: it is no regular file`);
  checkSize(found.size, part, path);
  const file = await open(path);
  try {
    const bytes = new Uint8Array(Math.min(found.size, part.first ?? Infinity));
    for (let at = 0; at < bytes.length; ) {
      const { bytesRead } = await file.read(bytes, at, Math.min(bytes.length - at, 2 ** 30), at);
      if (bytesRead === 0) return bytes.subarray(0, at);
      at += bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
  }
}

/**
 * Writes a file, bytes or a text as UTF-8, whole or not at all: into a new file beside it, which then takes its place,
 * with the mode of the one that was there. What happens in between, be it Ctrl-C or a full disk, leaves an older file
 * as it was. A link stays, and what it leads to is written, be it there yet or not. Into what is no regular file (a
 * pipe, a device) it writes at once. Throws an InputError when it cannot be written.
 */
export function writeWhole(path: string, content: Uint8Array | string): void {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  uninterrupted(() => {
    try {
      const found = statSync(path, { throwIfNoEntry: false });
      if (found && !found.isFile()) writeInto(path, 'w', bytes);
      else replace(placeOf(path), bytes, found);
    } catch (error) {
      refuseFile(error, path, 'write');
    }
  });
}

/**
 * Where a file lies or would lie, whatever links lead there: two names of one file have one place. (Hard links are
 * files of their own: `writeWhole` parts them.) What cannot be followed stays as it is named.
 */
export function placeOf(path: string): string {
  const whole = resolve(path);
  for (let [place, links] = [whole, 0]; links < mostLinks; links++) {
    const target = linkTarget(place);
    if (target === undefined) return join(realFolder(dirname(place)), basename(place));
    place = resolve(realFolder(dirname(place)), target);
  }
  return whole;
}

/** Linux follows no more than this either. */
const mostLinks = 40;

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function realFolder(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder;
  }
}

/** A name that no file has. */
function draftIn(folder: string): string {
  return join(folder, `.pag-${randomBytes(6).toString('hex')}`);
}

function replace(path: string, bytes: Uint8Array, old: Stats | undefined): void {
  const draft = draftIn(dirname(path));
  try {
    writeInto(draft, 'wx', bytes);
    if (old) takeOver(draft, old);
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}

/**
 * Waits until the disk has it. Node forbids that with `--permission`, whatever is allowed; the file is whole, even so.
 */
function flush(file: number): void {
  try {
    fsyncSync(file);
  } catch (error) {
    if (codeOf(error) !== 'ERR_ACCESS_DENIED') throw error;
  }
}

/** Mode and owner of the old file, as far as they can be given. */
function takeOver(draft: string, { mode, uid, gid }: Stats): void {
  const made = statSync(draft);
  try {
    if (made.uid !== uid || made.gid !== gid) chownSync(draft, uid, gid);
  } catch {
    // Only root gives files to others: who may not keeps them, as with any program that writes a file anew.
  }
  chmodSync(draft, mode & 0o7777);
}

function writeInto(path: string, flags: 'w' | 'wx', bytes: Uint8Array): void {
  const file = openSync(path, flags);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    if (flags === 'wx') flush(file);
  } finally {
    closeSync(file);
  }
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** How many pieces of work hold signals back: signals are of the process, and one listener hears them for all. */
let holding = 0;

function obey(signal: NodeJS.Signals): void {
  for (const one of signals) process.off(one, obey);
  process.kill(process.pid, signal);
}

function letGo(): void {
  holding -= 1;
  if (holding === 0) for (const signal of signals) process.off(signal, obey);
}

/**
 * Runs `work`, which does not wait for anything, to its end: a signal that asks the process to end is obeyed when it is
 * done. At all other times such a signal ends the process at once, however long a computation takes.
 */
export function uninterrupted<T>(work: () => T): T {
  if (holding === 0) for (const signal of signals) process.on(signal, obey);
  holding += 1;
  try {
    return work();
  } finally {
    // Node hears of a signal when it next looks for events: that is, for certain, before the second time that it is
    // idle.
    setImmediate(() => setImmediate(letGo));
  }
}

/** Makes a folder, and those above it, unless it is there. Throws an InputError when it cannot be made. */
export function makeFolder(path: string): void {
  try {
    makeFolders(path);
  } catch (error) {
    refuseFile(error, path, 'write');
  }
}

/**
 * From the top down. (Node 20's own recursive mkdir never ends where the system has no folders made, as below /proc.)
 */
function makeFolders(path: string): void {
  if (isFolder(path)) return;
  if (dirname(path) !== path) makeFolders(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    // Another process may have made it since; and a path that leads up again by .. is there by now.
    if (!isFolder(path)) throw error;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Fails now, rather than after long work: throws an InputError if no file can be written there. */
export function checkWritable(path: string): void {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isDirectory()) throw new InputError(`cannot write ${path}: it is a folder`);
    if (found) accessSync(path, constants.W_OK);
    if (!found || found.isFile()) tryFolder(dirname(placeOf(path)));
  } catch (error) {
    refuseFile(error, path, 'write');
  }
}

/** Makes a file in a folder and removes it: below /proc none can be made, although access is granted. */
function tryFolder(folder: string): void {
  accessSync(`${folder}/.`, constants.W_OK);
  const draft = draftIn(folder);
  try {
    uninterrupted(() => {
      closeSync(openSync(draft, 'wx'));
      rmSync(draft);
    });
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    throw new InputError(`cannot write into ${folder}: the system has no files made there`);
  }
}

/** The same of files in a folder, which may have to be made: throws an InputError if none can be written there. */
export function checkWritableFolder(path: string): void {
  let there = path;
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there);
  try {
    tryFolder(there);
  } catch (error) {
    refuseFile(error, path, 'write');
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
  ELOOP: 'its links go round in circles',
  ENAMETOOLONG: 'the name is too long',
  EMFILE: 'too many files are open',
  EEXIST: 'a file of this name is there already',
  EIO: 'the disk reports an error',
  ERR_ACCESS_DENIED: 'Node was told not to (--permission)',
  ERR_INVALID_ARG_VALUE: 'this cannot be the name of a file',
};

/** @throws InputError that says why a file cannot be read or written; what is no error of a disk is thrown as it is */
export function refuseFile(error: unknown, path: string, doing: 'read' | 'write'): never {
  const code = codeOf(error);
  if (code === undefined) throw error;
  const reason =
    code === 'ENOENT' && doing === 'write' ? `there is no folder ${dirname(path)}` : (reasons[code] ?? code);
  throw new InputError(`cannot ${doing} ${path}: ${reason}${ofOwnPackage(path)}`);
}

/** What is to be said of files that have a package of their own, where the core is installed alone. */
function ofOwnPackage(path: string): string {
  const [, name] = /^node_modules[/\\](pag-reference-[a-z-]+)/.exec(path) ?? [];
  return name === undefined ? '' : `; it is in a package of its own: npm install ${name}`;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
