/** ONNX Runtime, as WebAssembly and native. Its models come from export.py. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type * as Common from 'onnxruntime-common';
import { numbers, operands, type Case } from './cases.ts';
import type { Contender, Run } from './contender.ts';

type Runtime = Pick<typeof Common, 'InferenceSession' | 'Tensor'>;

/** Where export.py has put the model of a case. */
export function modelFile(one: Case): string {
  return fileURLToPath(new URL(`models/${modelName(one)}.onnx`, import.meta.url));
}

function modelName(one: Case): string {
  switch (one.kind) {
    case 'unet':
      return 'letters';
    case 'conv':
      return `conv-${one.channels}-${one.outChannels}-${one.size}`;
    case 'matmul':
      return `matmul-${one.size}`;
  }
}

/** ONNX Runtime as WebAssembly. */
export async function onnxruntimeWeb(threads: number): Promise<Contender> {
  const ort = await import('onnxruntime-web');
  ort.env.wasm.numThreads = threads;
  return contender('onnxruntime-web', ort, threads, 'wasm');
}

/** ONNX Runtime as native code. */
export async function onnxruntimeNode(threads: number): Promise<Contender> {
  return contender('onnxruntime-node', await import('onnxruntime-node'), threads, 'cpu');
}

function contender(name: string, { InferenceSession, Tensor }: Runtime, threads: number, provider: string): Contender {
  return {
    name,
    async prepare(one): Promise<Run | undefined> {
      const file = modelFile(one);
      if (!existsSync(file)) throw new Error(`${file} is missing; run export.py first`);
      const session = await InferenceSession.create(new Uint8Array(await readFile(file)), {
        executionProviders: [provider],
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        graphOptimizationLevel: 'all',
      });
      const feeds = feedsOf(one, Tensor);
      return async () => {
        const [output] = Object.values(await session.run(feeds));
        if (!output) throw new Error(`${file} has no output`);
        return output.data as Float32Array;
      };
    },
  };
}

/** What goes in, by name. */
function feedsOf(one: Case, Tensor: Runtime['Tensor']): Readonly<Record<string, Common.Tensor>> {
  if (one.kind === 'unet')
    return {
      sample: new Tensor('float32', numbers(1024, 1), [1, 1, 32, 32]),
      timestep: new Tensor('int64', BigInt64Array.of(500n), [1]),
      class_labels: new Tensor('int64', BigInt64Array.of(3n), [1]),
    };
  const shape = one.kind === 'conv' ? [1, one.channels, one.size, one.size] : [one.size, one.size];
  return { x: new Tensor('float32', operands(one).x, shape) };
}
