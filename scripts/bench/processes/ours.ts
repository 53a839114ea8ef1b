/**
 * A process of the bench: our kernels. Arguments: the task as JSON, then those of `simdBackend` (`wide`, `order`,
 * `fma`) as JSON.
 */
import { loadModelFolder } from '../../../src/formats/diffusers.ts';
import { folderReader, readBytes } from '../../../src/formats/node-files.ts';
import { parseSafetensors, readTensors } from '../../../src/formats/safetensors.ts';
import { tensorOf, type Backend, type Program } from '../../../src/kernels/kernels.ts';
import { simdBackend, type SimdOptions } from '../../../src/kernels/simd/index.ts';
import { runModel } from '../../../src/models/passes.ts';
import { createUNet } from '../../../src/models/unet2d/unet.ts';
import { attention, softmaxAttention } from '../../../src/nn/attention.ts';
import type { Context } from '../../../src/nn/context.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import type { Subject } from '../cases.ts';
import { givenTask, perform, type Task } from './task.ts';

const task = givenTask();
const options = JSON.parse(process.argv[3] ?? '{}') as SimdOptions;
// `joinsVectors` would measure it, which a busy machine may disturb.
if (options.wide && Number(process.versions.node.split('.')[0]) < 24) throw new Error('Node joins vectors from 24 on');
const backend = simdBackend({ ...options, threads: task.threads });
const run = await prepare(task, backend);
const version = `Node ${process.versions.node}, V8 ${process.versions.v8}`;
await perform(task, version, () => dataOf(run()));
backend.dispose();

async function prepare({ subject, data }: Task, backend: Backend): Promise<() => Tensor | undefined> {
  const inputs = readTensors(parseSafetensors(await readBytes(data), data));
  if (subject.kind !== 'unet') {
    const weights = readTensors(parseSafetensors(await readBytes(subject.weights), subject.weights));
    const program = programOf(subject, weights);
    const x = tensorOf(Object.fromEntries(inputs), 'x');
    return () => backend.run(program, { x })['y'];
  }
  const { config, weights } = await loadModelFolder(await folderReader(subject.folder), subject.folder);
  const unet = createUNet(config, weights, 'f32', subject.folder);
  const numbers = (name: string): readonly number[] => [...(inputs.get(name)?.data ?? [])];
  const classes = config.numClassEmbeds === undefined ? {} : { classLabels: numbers('class_labels') };
  const sample = tensorOf(Object.fromEntries(inputs), 'sample');
  const input = { sample, timesteps: numbers('timestep'), ...classes };
  return () => runModel(unet, backend, input).predictions[0];
}

/** A program that makes y of x. */
function programOf(subject: Exclude<Subject, { kind: 'unet' }>, weights: ReadonlyMap<string, Tensor>): Program {
  return (kernels, given) => {
    const x = tensorOf(given, 'x');
    const parameter = (name: string): Tensor => tensorOf(Object.fromEntries(weights), name);
    switch (subject.kind) {
      case 'attention': {
        const context: Context = { kernels, weights, tap: (_, value) => value, watches: () => false };
        const side = Math.sqrt(subject.tokens);
        const { heads } = subject;
        const grid = { height: side, width: side };
        return { y: attention(context, 'attention', x, x, heads, softmaxAttention.mix, grid) };
      }
      case 'convolution': {
        const padding = { top: 1, bottom: 1, left: 1, right: 1 };
        return { y: kernels.conv2d(x, parameter('weight'), undefined, 1, padding) };
      }
      case 'linear':
        return { y: kernels.linear(x, parameter('weight'), undefined) };
    }
  };
}

function dataOf(result: Tensor | undefined): Float32Array {
  if (!(result?.data instanceof Float32Array)) throw new Error('the result is no float32 tensor');
  return result.data;
}
