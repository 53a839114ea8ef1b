import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { referenceKernels as kernels } from '../../src/kernels/plain/index.ts';
import { identity } from '../../src/nn/attention-perturbations/index.ts';
import { softmaxAttention, type AttentionMixer } from '../../src/nn/attention.ts';
import { attentionBlock, type AttentionBlockOptions } from '../../src/nn/attention-block.ts';
import type { Context } from '../../src/nn/context.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';

const path = 'mid_block.attentions.0';

/** A layer of C channels with random weights, and what it shows. */
function layer(channels: number, seed: number) {
  const generator = manualSeed(seed);
  const weights = new Map<string, Tensor>();
  for (const module of ['group_norm', 'to_q', 'to_k', 'to_v', 'to_out.0']) {
    weights.set(
      `${path}.${module}.weight`,
      generator.randn(module === 'group_norm' ? [channels] : [channels, channels]),
    );
    weights.set(`${path}.${module}.bias`, generator.randn([channels]));
  }
  const seen = new Map<string, Tensor>();
  const context: Context = {
    kernels,
    weights,
    watches: () => true,
    tap: (name, value) => {
      seen.set(name, value);
      return value;
    },
  };
  const w = (name: string): Tensor => weights.get(`${path}.${name}`)!;
  return { context, seen, w };
}

const shapes = fc.record({
  batch: fc.integer({ min: 1, max: 2 }),
  heads: fc.constantFrom(1, 2, 4),
  size: fc.integer({ min: 1, max: 4 }),
  width: fc.integer({ min: 1, max: 3 }),
  factor: fc.constantFrom(1, Math.SQRT2, 2),
  normed: fc.boolean(),
  seed: fc.nat(1000),
});

function setUp({
  batch,
  heads,
  size,
  width,
  factor,
  normed,
  seed,
}: {
  batch: number;
  heads: number;
  size: number;
  width: number;
  factor: number;
  normed: boolean;
  seed: number;
}) {
  const channels = 4;
  const options: AttentionBlockOptions = {
    heads,
    groups: normed ? 2 : undefined,
    eps: 1e-5,
    rescaleOutputFactor: factor,
  };
  return { ...layer(channels, seed), options, x: manualSeed(seed + 1).randn([batch, channels, size, width]) };
}

describe('an attention layer', () => {
  it('with the identity is to_out(to_v(norm(x))) + x, over the rescale factor, bit for bit', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const { context, seen, w, options, x } = setUp(shape);
        const result = attentionBlock(context, path, x, options, identity);

        const normed = options.groups
          ? kernels.groupNorm(x, options.groups, w('group_norm.weight'), w('group_norm.bias'), options.eps)
          : x;
        const value = kernels.linear(kernels.toTokens(normed), w('to_v.weight'), w('to_v.bias'));
        const out = kernels.linear(value, w('to_out.0.weight'), w('to_out.0.bias'));
        const added = kernels.add(kernels.fromTokens(out, x.shape[2], x.shape[3]), x);
        expect(result).toEqual(
          options.rescaleOutputFactor === 1 ? added : kernels.divide(added, options.rescaleOutputFactor),
        );
        expect(
          [...seen.keys()].filter((name) => /to_[qk]|map/.test(name)),
          'query, key and map are never computed',
        ).toEqual([]);
      }),
    );
  });

  it('is not perturbed by the identity where there is one token', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const { context, options, x } = setUp({ ...shape, size: 1, width: 1 });
        expect(attentionBlock(context, path, x, options, identity)).toEqual(
          attentionBlock(context, path, x, options, softmaxAttention),
        );
      }),
    );
  });

  it('mixes with the map that it shows', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const { context, seen, w, options, x } = setUp(shape);
        const result = attentionBlock(context, path, x, options, softmaxAttention);
        const mixed = kernels.applyAttentionMap(seen.get(`${path}.map`)!, seen.get(`${path}.to_v`)!);
        const out = kernels.linear(mixed, w('to_out.0.weight'), w('to_out.0.bias'));
        expect(seen.get(`${path}.to_out.0`)).toEqual(out);
        expect(seen.get(path)).toBe(result);
      }),
      { numRuns: 30 },
    );
  });

  it('keeps the residual: a mixer that gives nothing leaves x and the output bias', () => {
    const { context, w, options, x } = setUp({
      batch: 1,
      heads: 2,
      size: 3,
      width: 2,
      factor: 1,
      normed: true,
      seed: 3,
    });
    const nothing: AttentionMixer = {
      key: 'nothing',
      mix: ({ value }) => ({ ...value, data: value.data.map(() => 0) }),
    };
    const bias = w('to_out.0.bias');
    expect([...attentionBlock(context, path, x, options, nothing).data]).toEqual(
      [...x.data].map((value, i) => Math.fround(value + bias.data[Math.floor(i / 6) % 4])),
    );
  });

  it('without a mixer is left out', () => {
    const { context, seen, options, x } = setUp({
      batch: 1,
      heads: 2,
      size: 3,
      width: 2,
      factor: 2,
      normed: true,
      seed: 3,
    });
    expect(attentionBlock(context, path, x, options, { key: 'skip', mix: undefined })).toBe(x);
    expect([...seen.keys()]).toEqual([path]);
  });
});
