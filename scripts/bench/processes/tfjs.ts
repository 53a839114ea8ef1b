/**
 * A process of the bench: TensorFlow.js, which has single operations only here, and one thread. Its pictures have their
 * channels last. Arguments: the task as JSON, then `wasm` or `cpu`.
 */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { readBytes } from '../../../src/formats/node-files.ts';
import { parseSafetensors, readTensor } from '../../../src/formats/safetensors.ts';
import { givenTask, perform } from './task.ts';

setWasmPaths(`${dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'))}/`);
const [task, backend = 'wasm'] = [givenTask(), process.argv[3]];
if (task.subject.kind !== 'convolution' && task.subject.kind !== 'linear')
  throw new Error('it has no such module here');
await tf.setBackend(backend);
const [x, weight] = [await load(task.data, 'x'), await load(task.subject.weights, 'weight')];
const product = task.subject.kind === 'linear' ? matrices() : pictures();
await perform(task, `tfjs ${tf.version_core}`, async () => {
  const result = tf.tidy(product);
  const data = (await result.data()) as Float32Array;
  result.dispose();
  return data;
});

async function load(file: string, name: string): Promise<tf.Tensor> {
  const { data, shape } = readTensor(parseSafetensors(await readBytes(file), file), name);
  return tf.tensor(data as Float32Array, [...shape]);
}

function matrices(): () => tf.Tensor {
  return () => tf.matMul(x, weight, false, true);
}

/** With its result as the others have it, channels first: a small part of its time. */
function pictures(): () => tf.Tensor {
  const picture = tf.transpose(x, [0, 2, 3, 1]) as tf.Tensor4D;
  const filter = tf.transpose(weight, [2, 3, 1, 0]) as tf.Tensor4D;
  return () => tf.transpose(tf.conv2d(picture, filter, 1, 'same'), [0, 3, 1, 2]);
}
