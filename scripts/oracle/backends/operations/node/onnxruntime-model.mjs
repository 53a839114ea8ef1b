/** All outputs of a model by ONNX Runtime for browsers, by one of its providers (`wasm`, `webgpu`, `webgl`). */
export async function modelOf(ort, provider, bytes, names, tensors) {
  const session = await ort.InferenceSession.create(bytes, { executionProviders: [provider] });
  const given = tensors.map(({ shape, data }, i) => [names[i], new ort.Tensor('float32', data, shape)]);
  const found = await session.run(Object.fromEntries(given));
  const results = session.outputNames.map((name) => ({ shape: [...found[name].dims], data: found[name].data }));
  await session.release();
  return results;
}
