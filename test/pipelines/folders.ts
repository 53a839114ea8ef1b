/** The pipelines of the golden data, and folders that differ from them. */
import { folderReader } from '../../src/formats/node-files.ts';
import type { ReadFile } from '../../src/formats/read-file.ts';
import { loadStableDiffusion, type StableDiffusion } from '../../src/pipelines/stable-diffusion.ts';
import type { DType } from '../../src/tensor/tensor.ts';
import { fixture } from '../goldens.ts';

/** The path of one of them in `fixtures`. */
export const pipelineFolder = (name: string): string => `goldens/text/pipelines/${name}`;

/** Loads one of them. */
export async function loadPipeline(name: string, dtype: DType = 'f32'): Promise<StableDiffusion> {
  const choices = name === 'sd-2' ? { variant: 'fp16' } : {};
  return loadStableDiffusion(await folderReader(fixture(pipelineFolder(name))), name, dtype, choices);
}

/** A change of a folder: keys of a JSON file that have other values, a file that is another's, or that is not there. */
export type Changes = Readonly<Record<string, Readonly<Record<string, unknown>> | string | undefined>>;

/** Reads one of them with changes: by its path, or the folder that it is in. */
export async function changedFolder(name: string, changes: Changes): Promise<ReadFile> {
  const read = await folderReader(fixture(pipelineFolder(name)));
  return async (path, part) => {
    const [place] = Object.keys(changes).filter((each) => path === each || path.startsWith(`${each}/`));
    const change = place === undefined ? {} : changes[place];
    if (change === undefined) return undefined;
    if (typeof change === 'string') {
      const other = await folderReader(fixture(pipelineFolder(change)));
      return other(path, part);
    }
    const bytes = await read(path, part);
    if (!bytes || place === undefined || part?.first !== undefined) return bytes;
    return new TextEncoder().encode(JSON.stringify({ ...JSON.parse(new TextDecoder().decode(bytes)), ...change }));
  };
}
