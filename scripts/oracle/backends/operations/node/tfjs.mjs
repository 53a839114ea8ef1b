/** TensorFlow.js in Node: `tfjs-cpu`, plain JavaScript; `tfjs-wasm`. */
import { require, versionOf } from './packages.mjs';
import { operationsOf } from './tfjs-operations.mjs';

export async function open(name) {
  const tf = require('@tensorflow/tfjs');
  const wasm = require('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(`${process.cwd()}/node_modules/@tensorflow/tfjs-backend-wasm/dist/`);
  await tf.setBackend(name.replace('tfjs-', ''));
  await tf.ready();
  return { versions: { '@tensorflow/tfjs': versionOf('@tensorflow/tfjs') }, operations: operationsOf(tf) };
}
