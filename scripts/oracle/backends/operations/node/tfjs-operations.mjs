/**
 * Operations by TensorFlow.js, wherever it runs, on the device that it has been told. It has no group norm; that of its
 * moments stands here.
 */
export function operationsOf(tf) {
  const tensor = ({ shape, data }) => tf.tensor(data, shape, 'float32');
  const last = (x) => tf.transpose(x, [0, 2, 3, 1]);
  const first = (y) => tf.transpose(y, [0, 3, 1, 2]);

  function conv2d(x, weight, ...rest) {
    const [top, bottom, left, right] = rest.at(-1);
    const bias = rest.length > 2 ? rest[0] : undefined;
    const kernel = tf.transpose(weight, [2, 3, 1, 0]);
    const y = tf.conv2d(last(x), kernel, rest.at(-2), [[0, 0], [top, bottom], [left, right], [0, 0]]);
    return first(bias ? tf.add(y, bias) : y);
  }

  function normalised(x, axes, eps) {
    const { mean, variance } = tf.moments(x, axes, true);
    return tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, eps)));
  }

  function groupNorm(x, weight, bias, groups, eps) {
    const y = normalised(tf.reshape(x, [x.shape[0], groups, -1]), [2], eps).reshape(x.shape);
    const channels = [1, x.shape[1], ...x.shape.slice(2).map(() => 1)];
    return tf.add(tf.mul(y, weight.reshape(channels)), bias.reshape(channels));
  }

  function linear(x, weight, bias) {
    const rows = tf.matMul(x.reshape([-1, x.shape.at(-1)]), weight, false, true);
    return (bias ? tf.add(rows, bias) : rows).reshape([...x.shape.slice(0, -1), weight.shape[0]]);
  }

  function attention(q, k, v, heads, scale) {
    const split = (x) => tf.transpose(x.reshape([x.shape[0], x.shape[1], heads, x.shape[2] / heads]), [0, 2, 1, 3]);
    const map = tf.softmax(tf.mul(tf.matMul(split(q), split(k), false, true), scale));
    return tf.transpose(tf.matMul(map, split(v)), [0, 2, 1, 3]).reshape([q.shape[0], q.shape[1], v.shape[2]]);
  }

  const kinds = { silu: 'swish', gelu: 'gelu', mish: 'mish', relu: 'relu' };
  const operations = {
    softmax: (x) => tf.softmax(x),
    linear,
    conv2d,
    groupNorm,
    layerNorm: (x, weight, bias, eps) => tf.add(tf.mul(normalised(x, [-1], eps), weight), bias),
    activation: (x, kind) => tf.layers.activation({ activation: kinds[kind] }).apply(x),
    attention,
    averagePool2x: (x) => first(tf.avgPool(last(x), 2, 2, 'valid')),
  };
  const computed = ([key, operation]) => [
    key,
    async (...given) => {
      const result = tf.tidy(() => operation(...given.map((x) => (x?.data ? tensor(x) : x))));
      return { shape: result.shape, data: await result.data() };
    },
  ];
  return Object.fromEntries(Object.entries(operations).map(computed));
}
