/** TensorFlow.js, whose pictures have their channels last. It has no UNet of ours. */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { operands } from './cases.ts';
import type { Contender } from './contender.ts';

setWasmPaths(`${dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'))}/`);

/** TensorFlow.js on one of its backends; both have one thread. */
export function tfjs(backend: 'wasm' | 'cpu'): Contender {
  return {
    name: `tfjs ${backend}`,
    async prepare(one) {
      if (one.kind === 'unet') return undefined;
      // Plain JavaScript needs seconds for what is large.
      if (backend === 'cpu' && (one.kind === 'matmul' || one.channels > 128)) return undefined;
      await tf.setBackend(backend);
      const { x, weight } = operands(one);
      if (one.kind === 'matmul') {
        const [a, b] = [tf.tensor2d(x, [one.size, one.size]), tf.tensor2d(weight, [one.size, one.size])];
        return () => inBackend(backend, () => tf.matMul(a, b, false, true));
      }
      const picture = tf.transpose(tf.tensor4d(x, [1, one.channels, one.size, one.size]), [0, 2, 3, 1]);
      const filter = tf.transpose(
        tf.tensor4d(weight, [one.outChannels, one.channels, 3, 3]),
        [2, 3, 1, 0],
      ) as tf.Tensor4D;
      return () => inBackend(backend, () => tf.conv2d(picture as tf.Tensor4D, filter, 1, 'same'));
    },
  };
}

async function inBackend(backend: string, make: () => tf.Tensor): Promise<Float32Array> {
  await tf.setBackend(backend);
  const result = make();
  const data = (await result.data()) as Float32Array;
  result.dispose();
  return data;
}
