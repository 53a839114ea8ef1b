/** Mistakes inside the attention layer, perturbed or not. */
import { allocate, reshape, tensor, type Tensor } from '../../tensor/tensor.ts';
import type { Kernels } from '../../kernels/kernels.ts';
import { permuted } from '../align.ts';
import {
  identityLike,
  inKernels,
  inKernelsOf,
  inWeights,
  scaledAttention,
  type AnyStage,
  type Fault,
} from './fault.ts';

/** Attention by way of a map of one's own. */
function byMap(kernels: Kernels, attentionMap: Kernels['attentionMap']): Partial<Kernels> {
  return {
    attentionMap,
    attention: (q, k, v, heads, scale) => kernels.applyAttentionMap(attentionMap(q, k, heads, scale), v),
  };
}

const lastTwoSwapped = (map: Tensor): Tensor => permuted(map, [0, 1, 3, 2]);

/** [B,N,h·d] with the channels counted d first, h second. */
function interleaved(x: Tensor, heads: number, back: boolean): Tensor {
  const [batch, tokens, channels] = x.shape;
  const size = channels / heads;
  const [first, second] = back ? [heads, size] : [size, heads];
  return reshape(permuted(reshape(x, [batch, tokens, first, second]), [0, 1, 3, 2]), x.shape);
}

/** f of each row of a softmax. */
function onRows(y: Tensor, f: (row: Tensor['data']) => void): Tensor {
  const data = y.data.slice();
  const size = y.shape.at(-1) ?? 1;
  for (let start = 0; start < data.length; start += size) f(data.subarray(start, start + size));
  return tensor(y.dtype, y.shape, data);
}

/** 1 / Σ e^(x − max) is the largest weight of the row, so another denominator needs no exponentials. */
const withEpsilon = (y: Tensor): Tensor =>
  onRows(y, (row) => {
    const shrink = 1 / (1 + 1e-6 * Math.max(...row));
    for (let i = 0; i < row.length; i++) row[i] *= shrink;
  });

/** Beyond 88.72 e^x is infinite in float32. */
function softmaxWithoutMaximum(x: Tensor, softmax: Kernels['softmax']): Tensor {
  const y = softmax(x);
  const size = x.shape.at(-1) ?? 1;
  const data = y.data.slice();
  for (let start = 0; start < data.length; start += size) {
    const row = x.data.subarray(start, start + size);
    if (!row.some((value) => value > 88.72283)) continue;
    data.set(
      row.map((value) => (value > 88.72283 ? NaN : 0)),
      start,
    );
  }
  return tensor(y.dtype, y.shape, data);
}

/** What the heads give, [B,N,heads·d], is changed before to_out. */
function onMixed(name: string, says: string, change: (mixed: Tensor, heads: number) => Tensor): Fault {
  return inKernels(name, says, (k) => ({
    applyAttentionMap: (map, v) => change(k.applyAttentionMap(map, v), map.shape[1]),
    attention: (q, key, v, heads, scale) => change(k.attention(q, key, v, heads, scale), heads),
  }));
}

/** A map without the keys behind each query; what is left is shared among the others, as a masked softmax does. */
function causal(map: Tensor): Tensor {
  const [, , queries, keys] = map.shape;
  const data = map.data.slice();
  for (let start = 0; start < data.length; start += keys) {
    const last = Math.floor(start / keys) % queries;
    let sum = 0;
    for (let m = 0; m < keys; m++) sum += m <= last ? data[start + m] : 0;
    for (let m = 0; m < keys; m++) data[start + m] = m <= last ? data[start + m] / sum : 0;
  }
  return tensor(map.dtype, map.shape, data);
}

const isAttention = (name: string, module: string): boolean =>
  name.includes('.attentions.') && name.includes(`.${module}.`);

/** Attention of pixels to one another, and not that of a text's tokens. */
const ofPixels = ({ kind, path }: AnyStage): boolean => kind === 'attention' && !path.endsWith('.self_attn');

const transposing = inKernels(
  'tokens-not-transposed',
  'read tokens [B, N, C] as a picture [B, C, H, W] without moving the channels',
  (k) => ({
    fromTokens: (x, height, width) =>
      height * width === 1 ? k.fromTokens(x, height, width) : reshape(x, [x.shape[0], x.shape[2], height, width]),
  }),
);

/** Not in feed-forward networks, whose tokens are a picture only here, to be cut apart. */
const tokensNotTransposed: Fault = {
  ...transposing,
  apply: (one) => {
    const { fromTokens } = one.kernels;
    const spared = inKernelsOf(
      ({ kind }) => kind === 'feed-forward',
      '',
      '',
      () => ({ fromTokens }),
    );
    return spared.apply(transposing.apply(one));
  },
};

/** Mistakes inside attention layers. */
export const attentionFaults: readonly Fault[] = [
  inKernels('attention-scale-missing', 'compute softmax(Q Kᵀ) where softmax(Q Kᵀ / √d) is meant', (k) =>
    scaledAttention(k, () => 1),
  ),
  inKernels('attention-scale-all-channels', 'divide by √(channels) where √(channels of one head) is meant', (k) =>
    scaledAttention(k, (q) => 1 / Math.sqrt(q.shape[2])),
  ),
  inKernels('attention-scale-twice', 'scale by 1/√d twice: once yourself and once in the attention function', (k) =>
    scaledAttention(k, (_, scale) => scale * scale),
  ),
  inKernels('attention-scale-linear', 'divide by d where √d is meant and the scale is given', (k) =>
    scaledAttention(k, (_, scale) => scale * scale * scale),
  ),
  inKernels('softmax-over-queries', 'take the softmax over the queries where it goes over the keys', (k) =>
    byMap(k, (q, key, heads, scale) => lastTwoSwapped(k.attentionMap(key, q, heads, scale))),
  ),
  inKernels('attention-map-transposed', 'multiply V by the transposed attention map', (k) => {
    const applyAttentionMap: Kernels['applyAttentionMap'] = (map, v) =>
      k.applyAttentionMap(map.shape[2] === map.shape[3] ? lastTwoSwapped(map) : map, v);
    return {
      applyAttentionMap,
      attention: (q, key, v, heads, scale) => applyAttentionMap(k.attentionMap(q, key, heads, scale), v),
    };
  }),
  inKernels(
    'heads-interleaved',
    'count the channels [d, heads] where [heads, d] is meant: neighbouring channels belong to one head',
    (k) => ({
      attentionScores: (q, key, heads, scale) =>
        k.attentionScores(interleaved(q, heads, false), interleaved(key, heads, false), heads, scale),
      attentionMap: (q, key, heads, scale) =>
        k.attentionMap(interleaved(q, heads, false), interleaved(key, heads, false), heads, scale),
      applyAttentionMap: (map, v) =>
        interleaved(k.applyAttentionMap(map, interleaved(v, map.shape[1], false)), map.shape[1], true),
      attention: (q, key, v, heads, scale) =>
        interleaved(
          k.attention(
            interleaved(q, heads, false),
            interleaved(key, heads, false),
            interleaved(v, heads, false),
            heads,
            scale,
          ),
          heads,
          true,
        ),
    }),
  ),
  inKernels('one-head', 'attend with one head over all channels where there are several', (k) => ({
    attentionMap: (q, key, heads, scale) => {
      const map = k.attentionMap(q, key, 1, scale / Math.sqrt(heads));
      const data = allocate(map.dtype, map.data.length * heads);
      const size = map.data.length / map.shape[0];
      for (let at = 0; at < data.length; at++)
        data[at] = map.data[Math.floor(at / (size * heads)) * size + (at % size)];
      return tensor(map.dtype, [map.shape[0], heads, map.shape[2], map.shape[3]], data);
    },
    attention: (q, key, v, heads, scale) => k.attention(q, key, v, 1, scale / Math.sqrt(heads)),
  })),
  onMixed('heads-reversed', 'put the heads together in reverse order', (mixed, heads) => {
    const [batch, tokens, channels] = mixed.shape;
    const size = channels / heads;
    return {
      ...mixed,
      data: mixed.data.map((_, at) => {
        const channel = at % channels;
        const head = Math.floor(channel / size);
        return mixed.data[at - channel + (heads - 1 - head) * size + (channel % size)];
      }),
      shape: [batch, tokens, channels],
    };
  }),
  onMixed(
    'heads-merged-untransposed',
    'read [B, heads, N, d] as [B, N, heads · d] without moving the heads behind the tokens',
    (mixed, heads) => {
      const [batch, tokens, channels] = mixed.shape;
      const apart = permuted(reshape(mixed, [batch, tokens, heads, channels / heads]), [0, 2, 1, 3]);
      return reshape(apart, mixed.shape);
    },
  ),
  inKernels('attention-causal', 'mask the attention map: each token sees only those before it', (k) =>
    byMap(k, (q, key, heads, scale) => causal(k.attentionMap(q, key, heads, scale))),
  ),
  inKernels('softmax-base-two', 'take 2^x where e^x is meant: the factor log₂ e is missing', (k) => ({
    ...scaledAttention(k, (_, scale) => scale * Math.LN2),
    softmax: (x) => k.softmax(k.affine(x, Math.LN2, 0)),
  })),
  inKernels('softmax-denominator-eps', 'add 1e-6 to the denominator of the softmax', (k) => ({
    ...byMap(k, (q, key, heads, scale) => withEpsilon(k.attentionMap(q, key, heads, scale))),
    softmax: (x) => withEpsilon(k.softmax(x)),
  })),
  inKernels(
    'softmax-without-maximum',
    'do not subtract the maximum before the exponential: large logits overflow',
    (k) => ({
      ...byMap(k, (...given) => softmaxWithoutMaximum(k.attentionScores(...given), k.softmax)),
      softmax: (x) => softmaxWithoutMaximum(x, k.softmax),
    }),
  ),
  byProjections(
    'query-key-swapped',
    'take to_k for the queries and to_q for the keys',
    new Map([
      ['to_q', 'to_k'],
      ['to_k', 'to_q'],
    ]),
  ),
  byProjections('value-is-key', 'multiply the map by the keys where the values are meant', new Map([['to_v', 'to_k']])),
  tokensNotTransposed,
  inKernelsOf(
    ofPixels,
    'attention-residual-missing',
    'do not add the input of the attention layer to its output',
    () => ({ add: (a) => a }),
  ),
  inKernelsOf(ofPixels, 'attention-norm-missing', 'leave out the norm of the attention layers', () => ({
    groupNorm: (x) => x,
    layerNorm: (x) => x,
  })),
  inKernelsOf(ofPixels, 'attention-missing', 'leave out the attention layers', () => ({ add: (_, x) => x })),
  inWeights('to-out-missing', 'leave out to_out', (name, weight) => {
    if (!isAttention(name, 'to_out.0')) return weight;
    return name.endsWith('bias') ? { ...weight, data: weight.data.map(() => 0) } : (identityLike(weight) ?? weight);
  }),
  inWeights('value-bias-missing', 'leave out the bias of to_v', (name, weight) =>
    isAttention(name, 'to_v') && name.endsWith('bias') ? undefined : weight,
  ),
  inWeights('to-out-bias-missing', 'leave out the bias of to_out', (name, weight) =>
    isAttention(name, 'to_out.0') && name.endsWith('bias') ? undefined : weight,
  ),
];

/** Projections that take the weights of one another. */
function byProjections(name: string, says: string, from: ReadonlyMap<string, string>): Fault {
  return inWeights(name, says, (key, weight, all) => {
    const module = /to_[qkv]/.exec(key)?.[0] ?? '';
    const other = from.get(module);
    return (other === undefined ? undefined : all.get(key.replace(module, other))) ?? weight;
  });
}
