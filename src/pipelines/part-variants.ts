/** Which parts of a pipeline have weights of a variant: as in diffusers, the others are loaded without. */
import type { FolderChoices } from '../formats/diffusers.ts';
import type { ReadFile } from '../formats/read-file.ts';

/** What is chosen of each part, by its folder. */
export interface PartChoices {
  readonly of: (folder: string) => FolderChoices;
  /** A line for each part that has none. */
  readonly warnings: readonly string[];
}

/**
 * Where no part has the variant it is asked of all, so that a name that is none is refused; so it is where the reader
 * cannot list a folder.
 * @param source the pipeline's name, for messages
 */
export async function partChoices(
  readFile: ReadFile,
  source: string,
  folders: readonly string[],
  choices: FolderChoices,
): Promise<PartChoices> {
  const { variant, ...others } = choices;
  if (variant === undefined) return { of: () => others, warnings: [] };
  const lacking: string[] = [];
  for (const folder of folders) {
    const names = (await readFile.list?.(folder)) ?? [];
    if (names.length > 0 && !names.some((name) => name.includes(`.${variant}`))) lacking.push(folder);
  }
  const without = lacking.length < folders.length ? lacking : [];
  return {
    of: (folder) => (without.includes(folder) ? others : choices),
    warnings: without.map(
      (folder) => `${source}: ${folder} has no variant ${variant}; its weights are those without one`,
    ),
  };
}
