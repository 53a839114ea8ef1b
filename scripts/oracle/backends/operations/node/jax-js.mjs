/** jax-js in Node: WebAssembly. `standardize` is the only norm that it has. */
import { pathToFileURL } from 'node:url';
import { require, versionOf } from './packages.mjs';

export async function open() {
  globalThis.navigator ??= {}; // Node 20 has none, and the package looks for a GPU in it
  const { init, defaultDevice, lax, nn, numpy: np } = await import(pathToFileURL(require.resolve('@jax-js/jax')).href);
  await init('wasm');
  defaultDevice('wasm');
  // An array is used up by the first function that takes it.
  const tensor = ({ shape, data }) => np.array(data, { shape });

  function conv2d(x, weight, ...rest) {
    const [top, bottom, left, right] = rest.at(-1);
    const strides = [rest.at(-2), rest.at(-2)];
    const y = lax.convGeneralDilated(x, weight, strides, [[top, bottom], [left, right]]);
    return rest.length > 2 ? np.add(y, np.reshape(rest[0], [-1, 1, 1])) : y;
  }

  function groupNorm(x, weight, bias, groups, epsilon) {
    const { shape } = x;
    const channels = [1, shape[1], ...shape.slice(2).map(() => 1)];
    const y = nn.standardize(np.reshape(x, [shape[0], groups, -1]), -1, { epsilon });
    return np.add(np.multiply(np.reshape(y, shape), np.reshape(weight, channels)), np.reshape(bias, channels));
  }

  function linear(x, weight, bias) {
    const y = np.matmul(x, np.transpose(weight));
    return bias ? np.add(y, bias) : y;
  }

  function attention(q, k, v, heads, scale) {
    const { shape } = q;
    const split = (x) => np.transpose(np.reshape(x, [x.shape[0], x.shape[1], heads, -1]), [0, 2, 1, 3]);
    // Its own dotProductAttention needs the iterators of Node 22.
    const logits = np.multiply(np.matmul(split(q), np.transpose(split(k), [0, 1, 3, 2])), scale);
    return np.reshape(np.transpose(np.matmul(nn.softmax(logits, -1), split(v)), [0, 2, 1, 3]), shape);
  }

  const operations = {
    softmax: (x) => nn.softmax(x, -1),
    linear,
    conv2d,
    groupNorm,
    layerNorm: (x, weight, bias, epsilon) =>
      np.add(np.multiply(nn.standardize(x, -1, { epsilon }), weight), bias),
    activation: (x, kind) => nn[kind](x),
    attention,
  };
  const computed = ([key, operation]) => [
    key,
    async (...given) => {
      const result = operation(...given.map((x) => (x?.data ? tensor(x) : x)));
      const { shape } = result;
      return { shape, data: await result.data() };
    },
  ];
  return {
    versions: { '@jax-js/jax': versionOf('@jax-js/jax') },
    operations: Object.fromEntries(Object.entries(operations).map(computed)),
  };
}
