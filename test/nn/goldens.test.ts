/** Every layer against diffusers' module, and the embeddings of numbers. */
import { describe, expect, it } from 'vitest';
import { readTensor } from '../../src/formats/safetensors.ts';
import { referenceKernels as kernels } from '../../src/kernels/plain/index.ts';
import { identity } from '../../src/nn/attention-perturbations/index.ts';
import { softmaxAttention } from '../../src/nn/attention.ts';
import { attentionBlock, type AttentionBlockOptions } from '../../src/nn/attention-block.ts';
import type { Context } from '../../src/nn/context.ts';
import { fourierFeatures, sinusoid, timestepEmbedding } from '../../src/nn/embeddings.ts';
import { downsample, upsample } from '../../src/nn/resampling.ts';
import { resnetBlock, type ResnetOptions } from '../../src/nn/resnet.ts';
import { cast } from '../../src/tensor/rounding.ts';
import type { DType, Tensor } from '../../src/tensor/tensor.ts';
import { disagreement, goldenOf } from '../agreement.ts';
import { metadataOf, openGoldens } from '../goldens.ts';

/**
 * Beside what the layers take: `padding` of downsampling; `size`, `cosineFirst`, `shift` of the sinusoid; whether
 * attention is perturbed.
 */
interface Options extends Omit<AttentionBlockOptions, 'groups'>, Omit<ResnetOptions, 'groups'> {
  readonly groups?: number;
  readonly perturbed: boolean;
  readonly padding: number;
  readonly size: number;
  readonly cosineFirst: boolean;
  readonly shift: number;
}

interface Case {
  readonly name: string;
  readonly layer: 'resnet' | 'attention' | 'timestepEmbedding' | 'downsample' | 'upsample' | 'sinusoid' | 'fourier';
  readonly options: Options;
}

const file = openGoldens('layers/layers.safetensors');
const cases = metadataOf<readonly Case[]>(file, 'cases');

function compute({ name, layer, options }: Case, dtype: DType): Tensor {
  const input = (key: string): Tensor => cast(readTensor(file, `${name}/in.${key}`), dtype);
  const context: Context = {
    kernels,
    weights: weightsOf(name, dtype),
    tap: (_path, value) => value,
    watches: () => false,
  };
  const timesteps = (): number[] => [...readTensor(file, `${name}/in.timesteps`).data];
  switch (layer) {
    case 'resnet':
      return resnetBlock(context, 'layer', input('x'), input('temb'), { groups: 1, ...options });
    case 'attention':
      return attentionBlock(
        context,
        'layer',
        input('x'),
        { groups: undefined, ...options },
        options.perturbed ? identity : softmaxAttention,
      );
    case 'timestepEmbedding':
      return timestepEmbedding(context, 'layer', input('x'));
    case 'downsample':
      return downsample(context, 'layer', input('x'), options.padding);
    case 'upsample':
      return upsample(context, 'layer', input('x'));
    case 'sinusoid':
      return sinusoid(timesteps(), options.size, options.cosineFirst, options.shift, dtype);
    case 'fourier':
      return fourierFeatures(timesteps(), context.weights.get('layer.weight')!);
  }
}

function weightsOf(name: string, dtype: DType): ReadonlyMap<string, Tensor> {
  const prefix = `${name}/weights.`;
  const names = [...file.entries.keys()].filter((entry) => entry.startsWith(prefix));
  return new Map(names.map((entry) => [`layer.${entry.slice(prefix.length)}`, cast(readTensor(file, entry), dtype)]));
}

describe.each(['f32', 'f64'] as const)('%s against diffusers', (dtype) => {
  it.each(cases.map((golden) => [golden.name, golden] as const))('%s', (name, golden) => {
    const ours = compute(golden, dtype);
    expect(ours.dtype).toBe(dtype);
    expect(disagreement(ours, goldenOf(file, name))).toBeUndefined();
  });
});

describe('the sinusoid', () => {
  it('has the bits of the truth: every operation correctly rounded to float32', () => {
    for (const golden of cases.filter(({ layer }) => layer === 'sinusoid')) {
      const { truth } = goldenOf(file, golden.name);
      expect([...compute(golden, 'f32').data], golden.name).toEqual([...truth.data]);
      expect([...compute(golden, 'f64').data], golden.name).toEqual([...truth.data]);
    }
  });
});
