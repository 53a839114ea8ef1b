/** What the library computes in Node for what the page shows. */
import { createHash } from 'node:crypto';
import { folderReader } from '../../src/formats/node-files.ts';
import { wordsModel } from '../../src/cli/shipped.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import type { RunRequest, WordsRequest, WordsResult } from '../../src/walkthrough/protocol.ts';
import type { Model } from '../../src/walkthrough/work/model.ts';
import { sampleRun } from '../../src/walkthrough/work/run.ts';
import { openWords } from '../../src/walkthrough/work/words.ts';

/** The model of the page. */
export { loadPageModel as lettersModel } from '../../scripts/walkthrough/page-model.ts';

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
