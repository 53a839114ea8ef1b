/** What a browser's user has picked, and where a browser keeps bytes, with what Node has of browsers. */
import { Blob } from 'node:buffer';
import { webcrypto } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  cacheStorage,
  fileReader,
  folderStorage,
  InputError,
  type BlobLike,
  type DirectoryLike,
  type FileLike,
} from '../../src/index.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (found: Uint8Array | undefined): string | undefined => found && new TextDecoder().decode(found);
const file = (path: string, content: string): FileLike =>
  Object.assign(new Blob([content]) as unknown as BlobLike, {
    name: path.split('/').at(-1) ?? '',
    webkitRelativePath: path,
  });

interface Folder {
  [name: string]: string | Uint8Array | Folder;
}

function failure(name: string): Error {
  return Object.assign(new Error(name), { name });
}

/** A folder as browsers have it. */
function directory(content: Folder): DirectoryLike {
  return {
    async getFileHandle(name, options) {
      if (options?.create) content[name] ??= '';
      const found = content[name];
      if (found === undefined) throw failure('NotFoundError');
      if (typeof found !== 'string' && !(found instanceof Uint8Array)) throw failure('TypeMismatchError');
      return {
        getFile: async () => new Blob([content[name] as string]) as unknown as BlobLike,
        createWritable: async () => ({
          async write(written) {
            content[name] = written.slice();
          },
          async close() {},
        }),
      };
    },
    async getDirectoryHandle(name) {
      const found = content[name];
      if (found === undefined) throw failure('NotFoundError');
      return directory(found as Folder);
    },
    async *keys() {
      yield* Object.keys(content);
    },
  };
}

const tree = { 'model_index.json': '{}', unet: { 'config.json': '{"a":1}' } };

describe.each([
  ['a folder', () => fileReader(directory(tree))],
  ['files', () => fileReader([file('m/model_index.json', '{}'), file('m/unet/config.json', '{"a":1}')])],
  [
    'a Map',
    () =>
      fileReader(
        new Map([
          ['model_index.json', new Blob(['{}']) as unknown as BlobLike],
          ['unet/config.json', new Blob(['{"a":1}']) as unknown as BlobLike],
        ]),
      ),
  ],
])('a reader of %s that was picked', (_name, open) => {
  it('gives files, parts of them, and nothing where there is none', async () => {
    const read = open();
    expect(text(await read('unet/config.json'))).toBe('{"a":1}');
    expect(text(await read('unet/config.json', { first: 4 }))).toBe('{"a"');
    for (const absent of ['config.json', 'unet', 'unet/x', 'x/config.json']) expect(await read(absent)).toBeUndefined();
    await expect(read('unet/config.json', { most: 6 })).rejects.toThrow(
      'unet/config.json has 7 bytes; at most 6 are read',
    );
  });

  it('lists folders', async () => {
    const { list } = open();
    expect(await list?.('')).toEqual(['model_index.json', 'unet']);
    for (const name of ['unet', 'unet/']) expect(await list?.(name)).toEqual(['config.json']);
    expect(await list?.('x')).toEqual([]);
  });
});

it('what was picked must be readable', () => {
  for (const wrong of [undefined, 'model', 5, ['a.bin'], {}])
    expect(() => fileReader(wrong as never)).toThrow(InputError);
});

describe('a storage', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });
  const url = 'https://example.org/a?b';

  it('in a folder keeps bytes under a name of its own', async () => {
    vi.stubGlobal('crypto', webcrypto);
    const folder: Folder = {};
    const storage = folderStorage(directory(folder));
    expect(await storage.get(url)).toBeUndefined();
    await storage.set(url, bytes('hello'));
    expect(text(await storage.get(url))).toBe('hello');
    expect(await storage.get(`${url}c`)).toBeUndefined();
    expect(Object.keys(folder)[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(() => folderStorage({} as never)).toThrow('it must be a FileSystemDirectoryHandle');
  });

  it('in a cache keeps bytes by their URL', async () => {
    const kept = new Map<string, Response>();
    const opened: string[] = [];
    const cache = {
      match: async (key: string) => kept.get(key)?.clone(),
      put: async (key: string, response: Response) => void kept.set(key, response),
    };
    const open = async (name: string) => {
      opened.push(name);
      return cache;
    };
    vi.stubGlobal('caches', { open });
    const storage = cacheStorage('letters');
    expect(await storage.get(url)).toBeUndefined();
    await storage.set(url, bytes('hello'));
    expect(text(await storage.get(url))).toBe('hello');
    expect(new Set(opened)).toEqual(new Set(['letters']));
  });

  it('without room keeps nothing, and other failures are told', async () => {
    const refusing = (name: string) => ({ open: async () => ({ put: () => Promise.reject(failure(name)) }) });
    vi.stubGlobal('caches', refusing('QuotaExceededError'));
    await cacheStorage().set(url, bytes('x'));
    vi.stubGlobal('caches', refusing('SecurityError'));
    await expect(cacheStorage().set(url, bytes('x'))).rejects.toThrow('SecurityError');
    vi.stubGlobal('caches', undefined);
    expect(() => cacheStorage()).toThrow('there is no Cache here');
  });
});
