/** Reading a model's files that a user has picked or dropped: a folder of a browser, or files. */
import { InputError } from '../tensor/errors.ts';
import { shown } from '../tensor/shown.ts';
import { checkSize, type ReadFile } from './read-file.ts';
import type { BlobLike, DirectoryLike } from './storage.ts';

/** A File; of one that was picked with its folder, `webkitRelativePath` says where in it. */
export interface FileLike extends BlobLike {
  readonly name: string;
  readonly webkitRelativePath?: string;
}

/** What a model can be read from: a folder, files, or blobs by their paths. */
export type Picked = DirectoryLike | Iterable<FileLike> | ReadonlyMap<string, BlobLike>;

/**
 * Reads files that lie in a browser's folder (`showDirectoryPicker()`, OPFS), in a list of files (`<input type="file"
 * webkitdirectory>`, a drop), or in a Map of blobs by their paths. Nothing is read but what is asked for.
 * @throws InputError for what is none of them
 */
export function fileReader(picked: Picked): ReadFile {
  const find = finderOf(picked);
  const read: ReadFile = async (path, part = {}) => {
    const blob = await find.file(path);
    if (!blob) return undefined;
    checkSize(blob.size, part, path);
    const wanted = part.first === undefined ? blob : blob.slice(0, part.first);
    return new Uint8Array(await wanted.arrayBuffer());
  };
  return Object.assign(read, { list: find.list });
}

/** How files are found, by their paths. */
interface Finder {
  file(path: string): Promise<BlobLike | undefined>;
  list(folder: string): Promise<readonly string[]>;
}

function finderOf(picked: Picked): Finder {
  if (isDirectory(picked)) return inDirectory(picked);
  if (picked instanceof Map) return among(picked);
  const isList = typeof picked === 'object' && picked !== null && Symbol.iterator in picked;
  const files = isList ? [...(picked as Iterable<FileLike>)] : [];
  if (!isList || files.some((file) => typeof file?.name !== 'string' || typeof file.slice !== 'function'))
    throw new InputError(
      `what was picked is ${shown(picked)}; it must be a FileSystemDirectoryHandle, a list of files, or a Map of blobs`,
    );
  return among(new Map(files.map((file) => [pathOf(file), file])));
}

function isDirectory(picked: Picked): picked is DirectoryLike {
  return typeof (Object(picked) as Partial<DirectoryLike>).getFileHandle === 'function';
}

/** Within the folder that was picked, whose own name comes first. */
function pathOf({ name, webkitRelativePath = '' }: FileLike): string {
  return webkitRelativePath === '' ? name : webkitRelativePath.split('/').slice(1).join('/');
}

function among(files: ReadonlyMap<string, BlobLike>): Finder {
  return {
    file: async (path) => files.get(path),
    async list(folder) {
      const prefix = folder === '' || folder.endsWith('/') ? folder : `${folder}/`;
      const below = [...files.keys()].filter((path) => path.startsWith(prefix));
      return [...new Set(below.map((path) => path.slice(prefix.length).split('/')[0] ?? ''))];
    },
  };
}

function inDirectory(root: DirectoryLike): Finder {
  const folderAt = async (path: string): Promise<DirectoryLike> => {
    let folder = root;
    for (const name of path.split('/').filter((part) => part !== '')) folder = await folder.getDirectoryHandle(name);
    return folder;
  };
  return {
    async file(path) {
      const names = path.split('/');
      try {
        const folder = await folderAt(names.slice(0, -1).join('/'));
        return await (await folder.getFileHandle(names.at(-1) ?? '')).getFile();
      } catch (problem) {
        // There is nothing of this name, or something else than a file.
        const { name } = Object(problem) as { readonly name?: unknown };
        if (name === 'NotFoundError' || name === 'TypeMismatchError') return undefined;
        throw problem;
      }
    },
    async list(path) {
      const names: string[] = [];
      const folder = await folderAt(path).catch(() => undefined);
      for await (const name of folder?.keys?.() ?? []) names.push(name);
      return names;
    },
  };
}
