/** The gradients of every layer of a UNet2DModel, for its inputs and all its parameters, against PyTorch's autograd. */
import { describe, expect, it } from 'vitest';
import { readTensor } from '../../src/formats/safetensors.ts';
import { identity } from '../../src/nn/attention-perturbations/index.ts';
import { softmaxAttention } from '../../src/nn/attention.ts';
import { attentionBlock, type AttentionBlockOptions } from '../../src/nn/attention-block.ts';
import type { Context } from '../../src/nn/context.ts';
import { timestepEmbedding } from '../../src/nn/embeddings.ts';
import { downsample, upsample } from '../../src/nn/resampling.ts';
import { resnetBlock, type ResnetOptions } from '../../src/nn/resnet.ts';
import { cast } from '../../src/tensor/rounding.ts';
import type { DType, Tensor } from '../../src/tensor/tensor.ts';
import { gradientDisagreement, gradientGoldens } from '../agreement.ts';
import { metadataOf, openGoldens } from '../goldens.ts';
import { pulledBack, type Body } from '../kernels/gradients/support.ts';

interface Options extends Omit<AttentionBlockOptions, 'groups'>, Omit<ResnetOptions, 'groups'> {
  readonly groups?: number;
  readonly perturbed: boolean;
  readonly padding: number;
}

/** As in goldens.test.ts: the layers, their inputs and weights are those. */
interface Layer {
  readonly name: string;
  readonly layer: 'resnet' | 'attention' | 'timestepEmbedding' | 'downsample' | 'upsample';
  readonly options: Options;
}

const layers = openGoldens('layers/layers.safetensors');
const known = new Map(metadataOf<readonly Layer[]>(layers, 'cases').map((layer) => [layer.name, layer]));
const file = openGoldens('gradients/layers.safetensors');
const cases = metadataOf<readonly { readonly name: string; readonly inputs: readonly string[] }[]>(file, 'cases');
const goldens = gradientGoldens(file, (name) => name.slice(0, name.indexOf('/')));

/** The layer as a function of its inputs and of its weights, which are called `layer.…`. */
function bodyOf({ layer, options }: Layer): Body {
  return (kernels, { x, temb, ...weights }) => {
    const context: Context = {
      kernels,
      weights: new Map(Object.entries(weights)),
      tap: (_path, value) => value,
      watches: () => false,
    };
    const mixer = options.perturbed ? identity : softmaxAttention;
    switch (layer) {
      case 'resnet':
        return resnetBlock(context, 'layer', x, temb, { groups: 1, ...options });
      case 'attention':
        return attentionBlock(context, 'layer', x, { groups: undefined, ...options }, mixer);
      case 'timestepEmbedding':
        return timestepEmbedding(context, 'layer', x);
      case 'downsample':
        return downsample(context, 'layer', x, options.padding);
      case 'upsample':
        return upsample(context, 'layer', x);
    }
  };
}

function inputsOf(name: string, keys: readonly string[], dtype: DType): Readonly<Record<string, Tensor>> {
  const read = (path: string): Tensor => cast(readTensor(layers, path), dtype);
  const prefix = `${name}/weights.`;
  // Downsample2D has two names for its convolution.
  const weights = [...layers.entries.keys()].filter((entry) => entry.startsWith(prefix) && !entry.includes('Conv2d_0'));
  return Object.fromEntries([
    ...keys.map((key) => [key, read(`${name}/in.${key}`)] as const),
    ...weights.map((entry) => [`layer.${entry.slice(prefix.length)}`, read(entry)] as const),
  ]);
}

describe.each(['f32', 'f64'] as const)('back through a layer in %s against PyTorch', (dtype) => {
  it.each(cases.map((golden) => [golden.name, golden] as const))('%s', (name, { inputs }) => {
    const layer = known.get(name);
    if (!layer) throw new Error(`there is no layer "${name}"`);
    const ours = pulledBack(
      bodyOf(layer),
      inputsOf(name, inputs, dtype),
      cast(readTensor(file, `${name}/back`), dtype),
    );
    const wrong = Object.entries(ours).map(([key, value]) => {
      const parameter = key.replace('layer.', '');
      const other = parameter.replace('conv.', 'Conv2d_0.');
      const golden = goldens.get(`${name}/${parameter}`) ?? goldens.get(`${name}/${other}`);
      return [key, golden ? gradientDisagreement(value, golden) : 'has no golden'];
    });
    expect(Object.fromEntries(wrong.filter(([, problem]) => problem))).toEqual({});
  });
});
