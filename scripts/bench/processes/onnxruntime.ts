/** A process of the bench: ONNX Runtime. Arguments: the task as JSON, then `web` (WebAssembly) or `node` (native). */
import { readFile } from 'node:fs/promises';
import type * as Common from 'onnxruntime-common';
import { readBytes } from '../../../src/formats/node-files.ts';
import { parseSafetensors, readTensors } from '../../../src/formats/safetensors.ts';
import { givenTask, perform, type Task } from './task.ts';

type Runtime = Pick<typeof Common, 'InferenceSession' | 'Tensor' | 'env'>;

/** The names of what goes in as integers. */
const integers: readonly string[] = ['timestep', 'class_labels'];

const task = givenTask();
const web = process.argv[3] === 'web';
const runtime = web ? await openWeb(task.threads) : await import('onnxruntime-node');
const { web: webVersion, node: nodeVersion } = runtime.env.versions;
const session = await runtime.InferenceSession.create(new Uint8Array(await readFile(task.onnx)), {
  executionProviders: [web ? 'wasm' : 'cpu'],
  intraOpNumThreads: task.threads,
  interOpNumThreads: 1,
  graphOptimizationLevel: 'all',
});
const feeds = await feedsOf(task, runtime.Tensor);
await perform(task, `onnxruntime ${(web ? webVersion : nodeVersion) ?? ''}`, async () => {
  const [output] = Object.values(await session.run(feeds));
  if (!output) throw new Error('the model has no output');
  return output.data as Float32Array;
});
process.exit(0);

async function openWeb(threads: number): Promise<Runtime> {
  const ort = await import('onnxruntime-web');
  ort.env.wasm.numThreads = threads;
  return ort;
}

/** What goes in, by name. */
async function feedsOf({ data }: Task, Tensor: Runtime['Tensor']): Promise<Readonly<Record<string, Common.Tensor>>> {
  const inputs = [...readTensors(parseSafetensors(await readBytes(data), data))];
  return Object.fromEntries(
    inputs.map(([name, { data: numbers, shape }]) => [
      name,
      integers.includes(name)
        ? new Tensor('int64', BigInt64Array.from([...numbers], BigInt), shape)
        : new Tensor('float32', numbers as Float32Array, shape),
    ]),
  );
}
