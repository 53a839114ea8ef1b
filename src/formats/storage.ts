/** Where a browser keeps bytes for the next time: a model is loaded once, and is there without a network. */
import { hexadecimal } from '../tensor/bytes.ts';
import { mustBe, withMethods } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';

/**
 * Keeps bytes by URL, until somebody removes them. What changes at its source is not noticed: keep what has a version
 * in its URL, as the Hub's `resolve/<commit>`.
 */
export interface ByteStorage {
  /** What is kept; undefined where nothing is. */
  get(url: string): Promise<Uint8Array | undefined>;
  /** Keeps bytes, if there is room: what cannot be kept is loaded again the next time. */
  set(url: string, bytes: Uint8Array): Promise<void>;
}

interface StoredResponse {
  arrayBuffer(): Promise<ArrayBuffer>;
}
interface CacheLike {
  match(url: string): Promise<StoredResponse | undefined>;
  put(url: string, response: unknown): Promise<void>;
}
interface WebScope {
  readonly caches?: { open(name: string): Promise<CacheLike> };
  readonly Response?: new (bytes: Uint8Array) => unknown;
  readonly crypto?: { readonly subtle?: { digest(name: string, bytes: Uint8Array): Promise<ArrayBuffer> } };
}

/**
 * The browser's cache of this name.
 * @throws InputError where there is none: outside of secure pages
 */
export function cacheStorage(name = 'pag-reference'): ByteStorage {
  const { caches, Response } = globalThis as WebScope;
  if (!caches || !Response)
    throw new InputError('there is no Cache here: browsers have it on pages served by https, or from localhost');
  return {
    async get(url) {
      const found = await (await caches.open(name)).match(url);
      return found && new Uint8Array(await found.arrayBuffer());
    },
    set: (url, bytes) => ifThereIsRoom(async () => (await caches.open(name)).put(url, new Response(bytes))),
  };
}

/** The parts of a FileSystemDirectoryHandle that are used here and by `fileReader`. */
export interface DirectoryLike {
  /** A file of this name; it is made, if it is to be. */
  getFileHandle(name: string, options?: { readonly create?: boolean }): Promise<FileHandleLike>;
  /** A folder of this name, likewise. */
  getDirectoryHandle(name: string, options?: { readonly create?: boolean }): Promise<DirectoryLike>;
  /** The names of what is in it. */
  keys?(): AsyncIterable<string>;
}
/** The parts of a FileSystemFileHandle that are used. */
export interface FileHandleLike {
  /** What it holds. */
  getFile(): Promise<BlobLike>;
  /** A way to write it anew. */
  createWritable?(): Promise<WritableLike>;
}
/** The parts of a FileSystemWritableFileStream that are used. */
export interface WritableLike {
  /** Adds bytes. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends it: what was written is there from now on. */
  close(): Promise<void>;
}
/** The parts of a Blob, or a File, that are used. */
export interface BlobLike {
  readonly size: number;
  /** Its bytes from `start` up to `end`. */
  slice(start: number, end: number): BlobLike;
  /** All of its bytes. */
  arrayBuffer(): Promise<ArrayBuffer>;
}

/**
 * A folder of the browser's file system as a storage, as `await navigator.storage.getDirectory()` gives it (OPFS), or
 * one that the user has picked. Files are named by the SHA-256 of their URL.
 * @throws InputError for what is no folder
 */
export function folderStorage(folder: DirectoryLike): ByteStorage {
  aDirectory('the folder', folder);
  return {
    async get(url) {
      const handle = await folder.getFileHandle(await nameOf(url)).catch(() => undefined);
      const file = await handle?.getFile();
      return file && file.size > 0 ? new Uint8Array(await file.arrayBuffer()) : undefined;
    },
    set: (url, bytes) =>
      ifThereIsRoom(async () => {
        const handle = await folder.getFileHandle(await nameOf(url), { create: true });
        // What is written is there when it is closed, whole.
        const writable = await handle.createWritable?.();
        await writable?.write(bytes);
        await writable?.close();
      }),
  };
}

/** A folder of a browser, as it is picked. */
export const aDirectory = withMethods<DirectoryLike>(
  'a FileSystemDirectoryHandle, as await navigator.storage.getDirectory()',
  'getFileHandle',
  'getDirectoryHandle',
);

async function nameOf(url: string): Promise<string> {
  const { crypto } = globalThis as WebScope;
  mustBe('an engine with crypto.subtle', (value) => value !== undefined)('crypto', crypto?.subtle);
  const hash = await crypto?.subtle?.digest('SHA-256', new TextEncoder().encode(url));
  return hexadecimal(new Uint8Array(hash ?? new ArrayBuffer(0)));
}

/** What the browser does not want to keep is no reason to fail: it is there already. */
async function ifThereIsRoom(keep: () => Promise<void>): Promise<void> {
  try {
    await keep();
  } catch (problem) {
    const { name } = Object(problem) as { readonly name?: unknown };
    if (name !== 'QuotaExceededError') throw problem;
  }
}
