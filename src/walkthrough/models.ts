/** The models that lie beside the page. */
import type { ReadFile } from '../formats/read-file.ts';
import { urlReader } from '../formats/url-reader.ts';
import { InputError } from '../tensor/errors.ts';
import { unpack } from './packed.ts';
import { countBytes, expecting, type Loaded, type PromisedFiles } from './work/promised.ts';

/** The files of the models, by the folders beside the page that hold them; the build knows them. */
declare const MODELS: Readonly<Record<'letters' | 'judge' | 'words' | 'trainer', PromisedFiles>>;

/** What the name of a packed file ends with. */
export const packedEnding = '.packed';

/**
 * Reads a model that lies beside the page.
 * @param tell is told how far it is
 */
export function modelFolder(name: keyof typeof MODELS, tell: (loaded: Loaded) => void, signal?: AbortSignal): ReadFile {
  const files = MODELS[name];
  const reader = urlReader(name, { onProgress: countBytes(files, tell), ...(signal && { signal }) });
  return expecting(reader, files);
}

/** The files of a folder, by their paths. */
export type Files = Readonly<Record<string, Uint8Array>>;

/**
 * The files of the letters model, packed. Of all that a first picture waits for they take longest, so the page's HTML
 * asks for them before any code (`rel=preload`), and the page, not the worker, takes them.
 * @throws InputError for a file that differs, or does not come
 */
export async function lettersFiles(tell: (loaded: Loaded) => void, signal: AbortSignal): Promise<Files> {
  const readFile = modelFolder('letters', tell, signal);
  const read = Object.keys(MODELS.letters).map(async (path) => {
    const bytes = await readFile(path);
    if (!bytes) throw new InputError(`${path}, a file of the model, is missing beside this page`);
    return [path, bytes] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}

/** A reader of these files that has unpacked what is packed. */
export async function unpacked(files: Files): Promise<ReadFile> {
  const whole = Object.entries(files).map(async ([path, bytes]) =>
    path.endsWith(packedEnding)
      ? ([path.slice(0, -packedEnding.length), await unpack(bytes)] as const)
      : ([path, bytes] as const),
  );
  const byPath = new Map(await Promise.all(whole));
  return async (path) => byPath.get(path);
}
