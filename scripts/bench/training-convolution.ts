/**
 * The gradients of a convolution for its picture and its weight, by our kernels, by the plain JavaScript of
 * TensorFlow.js (its WebAssembly lacks them) and by jax-js (WebAssembly, compiled by its `jit`), in one process, taking
 * turns; medians of processor time on one thread.
 *
 * Run: npx tsx training-convolution.ts
 */
import { defaultDevice, grad, init, jit, lax, numpy as np, type Array as JaxArray } from '@jax-js/jax';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { conv2DGradConfig } from '@tensorflow/tfjs-core/dist/gradients/Conv2D_grad.js';
import { squareGradConfig } from '@tensorflow/tfjs-core/dist/gradients/Square_grad.js';
import { sumGradConfig } from '@tensorflow/tfjs-core/dist/gradients/Sum_grad.js';
import { median } from '../../src/cli/bench/times.ts';
import { gradient, manualSeed, simdBackend, type Program } from '../../src/index.ts';
import { tensorOf } from '../../src/kernels/kernels.ts';
import { sumOverAll } from '../../src/kernels/gradients/sums.ts';
import { processorTime } from './processor-time.ts';

const padding = { top: 1, bottom: 1, left: 1, right: 1 };
const backend = simdBackend();
const { randn } = manualSeed(0);

/** Milliseconds of processor time. */
async function timeOf(run: () => unknown): Promise<number> {
  const before = processorTime();
  await run();
  return processorTime() - before;
}

// Node's modules of the library leave them out.
for (const config of [conv2DGradConfig, squareGradConfig, sumGradConfig]) tf.registerGradient(config);
await tf.setBackend('cpu');
await init('wasm');
defaultDevice('wasm');
const jaxGradient = jit(
  grad((x: JaxArray, w: JaxArray) => np.sum(np.square(lax.convGeneralDilated(x, w, [1, 1], 'SAME'))), {
    argnums: [0, 1],
  }),
);

for (const [channels, size] of [
  [32, 32],
  [64, 16],
  [96, 8],
] as const) {
  const [x, weight] = [randn([2, channels, size, size]), randn([channels, channels, 3, 3])];
  const loss: Program = (kernels, given) => {
    const out = kernels.conv2d(tensorOf(given, 'x'), tensorOf(given, 'weight'), undefined, 1, padding);
    return { loss: sumOverAll(kernels, kernels.multiply(out, out)) };
  };
  const program = gradient(loss, 'loss', ['x', 'weight']);
  const picture = tf.transpose(tf.tensor4d(x.data as Float32Array, [2, channels, size, size]), [0, 2, 3, 1]);
  const filter = tf.transpose(tf.tensor4d(weight.data as Float32Array, [channels, channels, 3, 3]), [2, 3, 1, 0]);
  const derived = tf.grads((x, w) => tf.sum(tf.square(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same'))));
  const ours = (): unknown => backend.run(program, { x, weight });
  const theirs = (): unknown => derived([picture, filter]).map((g) => g.dataSync());
  const [jaxX, jaxWeight] = [x, weight].map(({ data, shape }) =>
    np.array(data as Float32Array<ArrayBuffer>).reshape([...shape]),
  ) as [JaxArray, JaxArray];
  const jax = (): Promise<unknown> =>
    Promise.all((jaxGradient(jaxX.ref, jaxWeight.ref) as JaxArray[]).map((gradient) => gradient.data()));
  for (let i = 0; i < 20; i++) ours();
  theirs();
  await jax();
  const turns: number[][] = [];
  for (let turn = 0; turn < 5; turn++) {
    const own: number[] = [];
    for (let i = 0; i < 9; i++) own.push(await timeOf(ours));
    turns.push([median(own), await timeOf(theirs), await timeOf(jax)]);
  }
  const [our = NaN, ofTfjs = NaN, ofJax = NaN] = [0, 1, 2].map((who) => median(turns.map((turn) => turn[who] ?? NaN)));
  console.log(
    `conv 3×3 ${channels}→${channels} @${size}², two samples, with both gradients: ${our.toFixed(2)} ms, ` +
      `tfjs cpu ${ofTfjs.toFixed(0)} ms: ${(ofTfjs / our).toFixed(0)} times, ` +
      `jax-js wasm ${ofJax.toFixed(0)} ms: ${(ofJax / our).toFixed(0)} times`,
  );
}
backend.dispose();
