/** ONNX Runtime for browsers, in Node: WebAssembly, on one thread. */
import { modelOf } from './onnxruntime-model.mjs';
import { require, versionOf } from './packages.mjs';

export function open() {
  const ort = require('onnxruntime-web/wasm');
  ort.env.wasm.numThreads = 1;
  return {
    versions: { 'onnxruntime-web': versionOf('onnxruntime-web') },
    model: (...given) => modelOf(ort, 'wasm', ...given),
  };
}
