/** What the library computes in Node for what the page shows. */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { folderReader } from '../../src/formats/node-files.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import type { RunRequest } from '../../src/walkthrough/protocol.ts';
import { loadModel, type Model } from '../../src/walkthrough/work/model.ts';
import { sampleRun } from '../../src/walkthrough/work/run.ts';

export const modelFolder = fileURLToPath(new URL('../../fixtures/letters/model', import.meta.url));

export async function lettersModel(): Promise<Model> {
  return loadModel(await folderReader(modelFolder), simdBackend());
}

/** The last picture of a run. */
export function drawn(model: Model, request: RunRequest): Tensor {
  return [...sampleRun(model, request)].at(-1)!.sample;
}

/** SHA-256 of the bytes, as the page shows it. */
export function digestOf({ data }: Tensor): string {
  return createHash('sha256')
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest('hex');
}
