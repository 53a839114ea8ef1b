/** What the library computes in Node for what the page shows. */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { lettersWeights } from '../../scripts/walkthrough/build.ts';
import { halfWeights } from '../../scripts/walkthrough/half-weights.ts';
import { folderReader } from '../../src/formats/node-files.ts';
import type { ReadFile } from '../../src/formats/read-file.ts';
import { wordsModel } from '../../src/cli/shipped.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import type { RunRequest, WordsRequest, WordsResult } from '../../src/walkthrough/protocol.ts';
import { loadModel, type Model } from '../../src/walkthrough/work/model.ts';
import { sampleRun } from '../../src/walkthrough/work/run.ts';
import { openWords } from '../../src/walkthrough/work/words.ts';

export const modelFolder = fileURLToPath(new URL('../../fixtures/letters/model', import.meta.url));

/** The model of the page: the letters model, its weights rounded as the build rounds them. */
export async function lettersModel(): Promise<Model> {
  const readFile = await folderReader(modelFolder);
  const rounded: ReadFile = async (path, part) => {
    const isWeights = path === lettersWeights;
    const bytes = await readFile(path, isWeights ? {} : part);
    return bytes && isWeights ? halfWeights(bytes, path) : bytes;
  };
  return loadModel(rounded, simdBackend());
}

/** The last picture of a run. */
export function drawn(model: Model, request: RunRequest): Tensor {
  return [...sampleRun(model, request)].at(-1)!.sample;
}

/** The pictures that the text model draws of a prompt. */
export async function drawnInWords(request: WordsRequest): Promise<Tensor> {
  const draw = await openWords(await folderReader(wordsModel));
  const last = [...draw(simdBackend(), request)].at(-1)!;
  return (last as Extract<WordsResult, { kind: 'step' }>).pictures;
}

/** SHA-256 of the bytes, as the page shows it. */
export function digestOf({ data }: Tensor): string {
  return createHash('sha256')
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest('hex');
}
