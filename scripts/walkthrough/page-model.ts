/** The model of the page, without a build of the page. */
import { fileURLToPath } from 'node:url';
import { folderReader } from '../../src/formats/node-files.ts';
import type { ReadFile } from '../../src/formats/read-file.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import { loadModel, type Model } from '../../src/walkthrough/work/model.ts';
import { lettersWeights } from './build.ts';
import { halfWeights } from './half-weights.ts';

const folder = fileURLToPath(new URL('../../fixtures/letters/model', import.meta.url));

/** The letters model, its weights rounded as the build rounds them. */
export async function loadPageModel(): Promise<Model> {
  const readFile = await folderReader(folder);
  const rounded: ReadFile = async (path, part) => {
    const isWeights = path === lettersWeights;
    const bytes = await readFile(path, isWeights ? {} : part);
    return bytes && isWeights ? halfWeights(bytes, path) : bytes;
  };
  return loadModel(rounded, simdBackend());
}
