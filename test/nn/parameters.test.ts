/**
 * A layer reads the parameters that it lists, all of them and no others, of the shapes that it lists; and it is seen.
 */
import { describe, expect, it } from 'vitest';
import { referenceKernels as kernels } from '../../src/kernels/plain/index.ts';
import { identity } from '../../src/nn/attention-perturbations/index.ts';
import { attentionBlock, attentionBlockParameters } from '../../src/nn/attention-block.ts';
import { attention, attentionParameters, softmaxAttention, type AttentionMixer } from '../../src/nn/attention.ts';
import type { Context } from '../../src/nn/context.ts';
import { timestepEmbedding, timestepEmbeddingParameters } from '../../src/nn/embeddings.ts';
import { conv2d, evenPadding, groupNorm, linear, upsampleConv2d } from '../../src/nn/layers.ts';
import {
  convolutionParameters,
  embeddingParameters,
  linearParameters,
  normParameters,
  type Parameter,
} from '../../src/nn/parameters.ts';
import { downsample, resamplingParameters, upsample } from '../../src/nn/resampling.ts';
import { resnetBlock, resnetParameters, type ResnetOptions } from '../../src/nn/resnet.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';

const path = 'a.layer';
const generator = manualSeed(9);
const x = generator.randn([2, 4, 6, 6]);
const tokens = generator.randn([2, 36, 4]);
const temb = generator.randn([2, 5]);

const resnet = (
  options: Partial<ResnetOptions> & { readonly out?: number },
): readonly [Layer, readonly Parameter[]] => {
  const { out = 4, ...given } = options;
  const all: ResnetOptions = {
    groups: 2,
    eps: 1e-5,
    activation: 'silu',
    timeScaleShift: 'default',
    outputScaleFactor: 1,
    ...given,
  };
  return [
    (context) => resnetBlock(context, path, x, temb, all),
    resnetParameters(path, { inChannels: 4, outChannels: out, timeChannels: 5 }, all),
  ];
};
const block = (mixer: AttentionMixer, groups: number | undefined): readonly [Layer, readonly Parameter[]] => {
  const options = { heads: 2, groups, eps: 1e-5, rescaleOutputFactor: Math.SQRT2 };
  return [(context) => attentionBlock(context, path, x, options, mixer), attentionBlockParameters(path, 4, 6, options)];
};

type Layer = (context: Context) => Tensor;

const layers: readonly (readonly [string, readonly [Layer, readonly Parameter[]]])[] = [
  ['linear', [(c) => linear(c, path, tokens), linearParameters(path, 4, 7)]],
  ['conv2d', [(c) => conv2d(c, path, x, 2, evenPadding(1)), convolutionParameters(path, 4, 7, 5)]],
  ['upsampleConv2d', [(c) => upsampleConv2d(c, path, x), convolutionParameters(path, 4, 7, 3)]],
  ['groupNorm', [(c) => groupNorm(c, path, x, 2, 1e-5), normParameters(path, 4)]],
  ['timestepEmbedding', [(c) => timestepEmbedding(c, path, temb), timestepEmbeddingParameters(path, 5, 3)]],
  ['downsample', [(c) => downsample(c, path, x, 0), resamplingParameters(path, 4)]],
  ['downsample, padded', [(c) => downsample(c, path, x, 1), resamplingParameters(path, 4)]],
  ['upsample', [(c) => upsample(c, path, x), resamplingParameters(path, 4)]],
  ['resnetBlock', resnet({})],
  ['resnetBlock to other channels', resnet({ out: 6, outputScaleFactor: 2 })],
  ['resnetBlock with scale and shift', resnet({ out: 6, timeScaleShift: 'scale_shift' })],
  ['resnetBlock that halves', resnet({ resize: 'down' })],
  ['resnetBlock that doubles', resnet({ resize: 'up', out: 2 })],
  ['attentionBlock', block(softmaxAttention, 2)],
  ['attentionBlock without a norm', block(softmaxAttention, undefined)],
];

/** A context with weights of the listed shapes, what is read of them, and what is shown, in order. */
function watched(parameters: readonly Parameter[]) {
  const random = manualSeed(3);
  const weights = new Map(parameters.map(({ name, shape }) => [name, random.randn(shape)]));
  const read = new Set<string>();
  const shown: (readonly [string, Tensor])[] = [];
  const noting: Context['weights'] = new Proxy(weights, {
    get: (map, key) => {
      if (key === 'has') return (name: string): boolean => map.has(name);
      if (key !== 'get') throw new Error(`layers ask for weights by name, not for ${String(key)}`);
      return (name: string): Tensor | undefined => {
        read.add(name);
        return map.get(name);
      };
    },
  });
  const context: Context = {
    kernels,
    weights: noting,
    watches: () => false,
    tap: (name, value) => {
      shown.push([name, value]);
      return value;
    },
  };
  return { context, read, shown };
}

describe.each(layers)('%s', (_name, [layer, parameters]) => {
  it('reads what it lists, and nothing else', () => {
    const { context, read } = watched(parameters);
    layer(context);
    expect([...read].sort()).toEqual(parameters.map(({ name }) => name).sort());
  });

  it('shows its result under its path, last and once', () => {
    const { context, shown } = watched(parameters);
    const result = layer(context);
    expect(shown.filter(([name]) => name === path)).toHaveLength(1);
    expect(shown.at(-1)).toEqual([path, result]);
    expect(shown.at(-1)?.[1]).toBe(result);
  });
});

describe('attention', () => {
  const parameters = attentionParameters(path, 4, 6);
  const grid = { height: 6, width: 6 };

  it('reads what it lists', () => {
    const { context, read } = watched(parameters);
    attention(context, path, tokens, tokens, 2, softmaxAttention.mix, grid);
    expect([...read].sort()).toEqual(parameters.map(({ name }) => name).sort());
  });

  it('with the identity reads neither query nor key', () => {
    const { context, read } = watched(parameters);
    attention(context, path, tokens, tokens, 2, ({ value }) => value, grid);
    const names = ['to_v.weight', 'to_v.bias', 'to_out.0.weight', 'to_out.0.bias'];
    expect([...read].sort()).toEqual(names.map((name) => `${path}.${name}`).sort());
    expect(identity.mix).toBeDefined();
  });

  it('computes query and key once, however often a mixer asks', () => {
    const { context, shown } = watched(parameters);
    const asking: AttentionMixer['mix'] = ({ query, key, value }) => {
      expect(query()).toBe(query());
      expect(key()).toBe(key());
      return value;
    };
    attention(context, path, tokens, tokens, 2, asking, grid);
    expect(shown.map(([name]) => name).filter((name) => /to_[qk]/.test(name))).toEqual([
      `${path}.to_q`,
      `${path}.to_k`,
    ]);
  });

  it('asks other tokens than those that ask, in cross-attention', () => {
    const { context, shown } = watched(parameters);
    const source = generator.randn([2, 5, 4]);
    const result = attention(context, path, tokens, source, 2, softmaxAttention.mix, grid);
    const shapes = Object.fromEntries(shown.map(([name, { shape }]) => [name.slice(path.length + 1), shape]));
    expect(shapes).toEqual({ to_q: [2, 36, 6], to_k: [2, 5, 6], to_v: [2, 5, 6], 'to_out.0': [2, 36, 4] });
    expect(result.shape).toEqual([2, 36, 4]);
  });
});

it('parameters have the shapes and modules of PyTorch', () => {
  expect(convolutionParameters('c', 2, 3, 5)).toEqual([
    { name: 'c.weight', shape: [3, 2, 5, 5], module: 'convolution' },
    { name: 'c.bias', shape: [3], module: 'convolution' },
  ]);
  expect(linearParameters('l', 2, 3)).toEqual([
    { name: 'l.weight', shape: [3, 2], module: 'linear' },
    { name: 'l.bias', shape: [3], module: 'linear' },
  ]);
  expect(normParameters('n', 4)).toEqual([
    { name: 'n.weight', shape: [4], module: 'norm' },
    { name: 'n.bias', shape: [4], module: 'norm' },
  ]);
  expect(embeddingParameters('e', 10, 4)).toEqual([{ name: 'e.weight', shape: [10, 4], module: 'embedding' }]);
});

it('a ResNet block that joins two pictures sums them apart in its first convolution and in its shortcut', () => {
  const options: ResnetOptions = {
    groups: 2,
    eps: 1e-5,
    activation: 'silu',
    timeScaleShift: 'default',
    outputScaleFactor: 1,
  };
  const parameters = resnetParameters(path, { inChannels: 4, outChannels: 6, timeChannels: 5 }, options);
  const { context } = watched(parameters);
  const seams: number[] = [];
  const joined: Context = {
    ...context,
    kernels: {
      ...kernels,
      joinedConv2d: (...given) => {
        seams.push(given[5]);
        return kernels.joinedConv2d(...given);
      },
    },
  };
  resnetBlock(joined, path, x, temb, options, 1);
  // The norm's groups of two channels: the second picture is alone from channel 2 on. The shortcut sees no norm.
  expect(seams).toEqual([2, 1]);
  seams.length = 0;
  resnetBlock(joined, path, x, temb, options);
  expect(seams).toEqual([]);
});
