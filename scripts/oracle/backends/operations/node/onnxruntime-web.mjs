/** ONNX Runtime for browsers: WebAssembly, on one thread. */
import { require, versionOf } from './packages.mjs';

export function open() {
  const ort = require('onnxruntime-web/wasm');
  ort.env.wasm.numThreads = 1;
  return {
    versions: { 'onnxruntime-web': versionOf('onnxruntime-web') },
    async model(bytes, names, tensors) {
      const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
      const given = tensors.map(({ shape, data }, i) => [names[i], new ort.Tensor('float32', data, shape)]);
      const found = await session.run(Object.fromEntries(given));
      const results = session.outputNames.map((name) => ({ shape: [...found[name].dims], data: found[name].data }));
      await session.release();
      return results;
    },
  };
}
