/** This repository: the loops, and the SIMD kernels. */
import { runModel } from '../../src/models/passes.ts';
import { fileURLToPath } from 'node:url';
import { tensor, type Tensor } from '../../src/tensor/tensor.ts';
import { loadModelFolder } from '../../src/formats/diffusers.ts';
import { folderReader } from '../../src/formats/node-files.ts';
import type { Backend, Program } from '../../src/kernels/kernels.ts';
import { createUNet } from '../../src/models/unet2d/unet.ts';
import { numbers, operands, operations, type Case } from './cases.ts';
import type { Contender, Run } from './contender.ts';

const model = fileURLToPath(new URL('../../fixtures/letters/model', import.meta.url));

/** Our kernels on one of their backends. */
export function ours(backend: Backend): Contender {
  return { name: `pag ${backend.name}`, prepare: (one) => prepare(backend, one) };
}

async function prepare(backend: Backend, one: Case): Promise<Run | undefined> {
  // The plain loops need seconds for what is large.
  if (backend.name === 'reference' && operations(one) > 1e9) return undefined;
  return one.kind === 'unet' ? prepareUNet(backend) : prepareOperation(backend, one);
}

async function prepareUNet(backend: Backend): Promise<Run> {
  const { config, weights } = await loadModelFolder(await folderReader(model), model);
  const unet = createUNet(config, weights, 'f32', model);
  const sample = tensor('f32', [1, 1, 32, 32], numbers(1024, 1));
  return () => {
    const { predictions } = runModel(unet, backend, { sample, timesteps: [500], classLabels: [3] });
    return dataOf(predictions[0]);
  };
}

function prepareOperation(backend: Backend, one: Exclude<Case, { kind: 'unet' }>): Run {
  const data = operands(one);
  const conv = one.kind === 'conv';
  const [o, c] = conv ? [one.outChannels, one.channels] : [one.size, one.size];
  const weight = tensor('f32', conv ? [o, c, 3, 3] : [o, c], data.weight);
  const x = tensor('f32', conv ? [1, c, one.size, one.size] : [one.size, c], data.x);
  const padding = { top: 1, bottom: 1, left: 1, right: 1 };
  const program: Program = (kernels, { x: input = x }) => ({
    y: conv ? kernels.conv2d(input, weight, undefined, 1, padding) : kernels.linear(input, weight, undefined),
  });
  return () => dataOf(backend.run(program, { x })['y']);
}

function dataOf(result: Tensor | undefined): Float32Array {
  if (!(result?.data instanceof Float32Array)) throw new Error('the result is no float32 tensor');
  return result.data;
}
