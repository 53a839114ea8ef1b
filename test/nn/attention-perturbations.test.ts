import { describe, expect, it } from 'vitest';
import { readTensor } from '../../src/formats/safetensors.ts';
import { referenceKernels as kernels } from '../../src/kernels/plain/index.ts';
import {
  additiveNoise,
  identity,
  offDiagonalMask,
  queryBlur,
  randomMask,
  skip,
  softIdentity,
  normalizedAttention,
  sparseAttention,
  tokenShuffle,
  uniform,
} from '../../src/nn/attention-perturbations/index.ts';
import type { EntmaxAlpha } from '../../src/kernels/kernels.ts';
import { softmaxAttention, type AttentionInput, type AttentionMixer } from '../../src/nn/attention.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { cast } from '../../src/tensor/rounding.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { disagreement, goldenOf } from '../agreement.ts';
import { metadataOf, openGoldens } from '../goldens.ts';

const [height, width, heads, channels] = [4, 6, 2, 8];
const tokens = height * width;

function attended(seed = 1, batch = 2, [h, w] = [height, width]): AttentionInput & { q: Tensor; k: Tensor } {
  const generator = manualSeed(seed);
  const [q, k, value] = [1, 2, 3].map(() => generator.randn([batch, h * w, channels]));
  // Of the mixers of cross-attention, the other text.
  const other = { key: () => value, value: () => k };
  return { kernels, q, k, query: () => q, key: () => k, value, other, heads, scale: 0.5, height: h, width: w };
}

/**
 * What a mixer makes of tokens that are their own query, key and value. Projections treat each token by itself, so what
 * becomes of the tokens before a layer becomes of these three.
 */
function mix(mixer: AttentionMixer, input: AttentionInput): Tensor {
  const before = (x: Tensor): Tensor => mixer.before?.(kernels, x) ?? x;
  const { query, key, value } = input;
  return mixer.mix!({ ...input, query: () => before(query()), key: () => before(key()), value: before(value) });
}
const input = attended();

/** One sample of a batch, as a layer would see it alone. */
function sampleOf(whole: ReturnType<typeof attended>, b: number): AttentionInput {
  const of = (x: Tensor): Tensor => kernels.sliceBatch(x, b, b + 1);
  const other = { key: () => of(whole.value), value: () => of(whole.k) };
  return { ...whole, query: () => of(whole.q), key: () => of(whole.k), value: of(whole.value), other };
}

function distance(a: Tensor, b: Tensor): number {
  expect(a.shape).toEqual(b.shape);
  return Math.max(...a.data.map((value, i) => Math.abs(value - b.data[i])));
}

const all: readonly (readonly [string, () => AttentionMixer])[] = [
  ['identity', () => identity],
  ['off-diagonal mask', offDiagonalMask],
  ['random mask', () => randomMask({ probability: 0.4, seed: 5 })],
  ['additive noise', () => additiveNoise({ strength: 2, seed: 5 })],
  ['query blur', () => queryBlur(1.5)],
  ['infinite query blur', () => queryBlur(Infinity)],
  ['uniform', uniform],
  ['token shuffle', () => tokenShuffle(5)],
  ['sparse attention', () => sparseAttention({ scale: 2, alpha: 1.5 })],
  ['sparsemax attention', () => sparseAttention({ scale: 1, alpha: 2 })],
  ['normalized attention', () => normalizedAttention({ scale: 4, tau: 1.5, alpha: 0.25 })],
  ['soft identity', () => softIdentity([0.25, 1])],
];

describe.each(all)('%s', (_name, make) => {
  it('keeps the shape, differs from softmax attention, and is repeatable', () => {
    const result = mix(make(), input);
    expect(result.shape).toEqual(input.value.shape);
    expect(result).not.toEqual(mix(softmaxAttention, input));
    expect(mix(make(), input)).toEqual(result);
  });

  it('treats a sample alike in any batch, bit for bit', () => {
    const result = mix(make(), input);
    for (const b of [0, 1]) expect(mix(make(), sampleOf(input, b))).toEqual(kernels.sliceBatch(result, b, b + 1));
  });

  it('made once serves every precision, batch and grid, as if made for each', () => {
    const mixer = make();
    const of = (whole: ReturnType<typeof attended>, dtype: 'f64' | 'f32' | 'f16'): AttentionInput => ({
      ...whole,
      query: () => cast(whole.q, dtype),
      key: () => cast(whole.k, dtype),
      value: cast(whole.value, dtype),
      other: { key: () => cast(whole.value, dtype), value: () => cast(whole.k, dtype) },
    });
    // The second grid has as many tokens as the first, the third as many numbers with its batch.
    const all = [attended(1), attended(2, 2, [6, 4]), attended(3, 4, [2, 6]), attended(4, 1)];
    for (const dtype of ['f32', 'f64', 'f16'] as const) {
      for (const whole of all) expect(mix(mixer, of(whole, dtype))).toEqual(mix(make(), of(whole, dtype)));
    }
  });

  it('runs in f64 and f16', () => {
    for (const dtype of ['f64', 'f16'] as const) {
      const as = (x: Tensor): Tensor => cast(x, dtype);
      const result = mix(make(), {
        ...input,
        query: () => as(input.q),
        key: () => as(input.k),
        value: as(input.value),
        other: { key: () => as(input.value), value: () => as(input.k) },
      });
      expect(result.dtype).toBe(dtype);
      expect(distance(cast(result, 'f64'), cast(mix(make(), input), 'f64'))).toBeLessThan(
        dtype === 'f64' ? 1e-5 : 3e-2,
      );
    }
  });
});

describe('against PyTorch', () => {
  const file = openGoldens('guidance/attention.safetensors');
  const golden = metadataOf<{ heads: number; cases: readonly { mixer: string; grid: readonly [number, number] }[] }>(
    file,
    'attention',
  );

  /** By the kind of the mixer, of its numbers. */
  const makers: Readonly<Record<string, (...numbers: readonly [number, number, number]) => AttentionMixer>> = {
    softmax: () => softmaxAttention,
    identity: () => identity,
    uniform,
    'off-diagonal mask': offDiagonalMask,
    'random mask': (probability, seed) => randomMask({ probability, seed }),
    'additive noise': (strength, seed) => additiveNoise({ strength, seed }),
    'token shuffle': tokenShuffle,
    'sparse attention': (scale, alpha) => sparseAttention({ scale, alpha: alpha as EntmaxAlpha }),
    'normalized attention': (scale, tau, alpha) => normalizedAttention({ scale, tau, alpha }),
    'soft identity': (first, second) => softIdentity([first, second]),
    'query blur': queryBlur,
  };

  /** `random mask 0.4 5`: the mixer and its numbers. */
  function mixerOf(name: string): AttentionMixer {
    const [, kind, numbers] = /^([a-z -]+?)((?: (?:[\d.]+|Infinity))*)$/.exec(name)!;
    const [first, second, third] = numbers.trim().split(' ').map(Number);
    return makers[kind](first, second, third);
  }

  describe.each(['f32', 'f64'] as const)('in %s', (dtype) => {
    it.each(golden.cases)('$mixer on a grid of $grid', ({ mixer, grid: [h, w] }) => {
      const [q, k, value] = ['q', 'k', 'v'].map((what) => cast(readTensor(file, `${h}x${w}/${what}`), dtype));
      const given = {
        kernels,
        query: () => q,
        key: () => k,
        value,
        other: { key: () => value, value: () => k },
        heads: golden.heads,
        scale: 1 / Math.sqrt(channels / golden.heads),
        height: h,
        width: w,
      };
      expect(disagreement(mix(mixerOf(mixer), given), goldenOf(file, `${h}x${w}/${mixer}`))).toBeUndefined();
    });
  });

  it('each perturbation is there', () => {
    const kinds = new Set(golden.cases.map(({ mixer }) => mixer.replace(/ [\d.I].*/, '')));
    expect(kinds, 'add it to scripts/goldens/guidance_attention.py').toEqual(new Set(Object.keys(makers)));
  });
});

it('the keys name the mixers and their parameters', () => {
  const mixers = [
    ...all.map(([, make]) => make()),
    skip,
    softmaxAttention,
    randomMask({ probability: 0.4, seed: 6 }),
    randomMask({ probability: 0.5, seed: 5 }),
    additiveNoise({ strength: 2, seed: 6 }),
    additiveNoise({ strength: 1, seed: 5 }),
    queryBlur(2),
    tokenShuffle(6),
    sparseAttention({ scale: 2, alpha: 2 }),
    sparseAttention({ scale: 1, alpha: 1.5 }),
    normalizedAttention({ scale: 3, tau: 1.5, alpha: 0.25 }),
    normalizedAttention({ scale: 4, tau: 2, alpha: 0.25 }),
    normalizedAttention({ scale: 4, tau: 1.5, alpha: 0.5 }),
    softIdentity(0.5),
    softIdentity([0.5]),
    softIdentity([1, 0.25]),
  ];
  expect(new Set(mixers.map(({ key }) => key)).size).toBe(mixers.length);
});

describe('masks', () => {
  const map = kernels.attentionMap(input.q, input.k, heads, input.scale);

  it('off-diagonal: each token keeps the share of itself that softmax gives it', () => {
    const result = mix(offDiagonalMask(), input);
    result.data.forEach((value, i) => {
      const [b, n, d] = [Math.floor(i / (tokens * channels)), Math.floor(i / channels) % tokens, i % channels];
      const share = map.data[((b * heads + Math.floor(d / (channels / heads))) * tokens + n) * tokens + n];
      expect(value).toBe(Math.fround(share * input.value.data[i]));
    });
  });

  it('random: probability 0 is softmax attention, 1 is nothing', () => {
    expect(mix(randomMask({ probability: 0, seed: 1 }), input)).toEqual(mix(softmaxAttention, input));
    expect(mix(randomMask({ probability: 1, seed: 1 }), input).data.every((value) => value === 0)).toBe(true);
  });

  it('random: the seed decides, the heads differ', () => {
    expect(mix(randomMask({ probability: 0.4, seed: 5 }), input)).not.toEqual(
      mix(randomMask({ probability: 0.4, seed: 6 }), input),
    );
    const ones = (x: Tensor): Tensor => ({ ...x, data: x.data.map(() => 1) });
    const even = mix(randomMask({ probability: 0.5, seed: 5 }), {
      ...input,
      query: () => ones(input.q),
      key: () => ones(input.k),
      value: ones(input.value),
    });
    const [first, second] = [0, channels / 2].map((d) =>
      Array.from({ length: tokens }, (_, n) => even.data[n * channels + d]),
    );
    expect(first).not.toEqual(second);
    const kept = [...first, ...second].reduce((sum, share) => sum + share, 0) / (2 * tokens);
    expect(kept).toBeGreaterThan(0.4);
    expect(kept).toBeLessThan(0.6);
  });

  it('noise: strength 0 is softmax attention', () => {
    expect(mix(additiveNoise({ strength: 0, seed: 1 }), input)).toEqual(mix(softmaxAttention, input));
  });
});

describe('uniform', () => {
  it('gives every token the mean of V', () => {
    const result = mix(uniform(), input);
    for (let b = 0; b < 2; b++) {
      for (let d = 0; d < channels; d++) {
        const column = Array.from({ length: tokens }, (_, n) => (b * tokens + n) * channels + d);
        const mean = column.reduce((sum, i) => sum + input.value.data[i], 0) / tokens;
        for (const i of column) expect(result.data[i]).toBeCloseTo(mean, 6);
      }
    }
  });
});

describe('query blur', () => {
  it('of σ = 0 is softmax attention itself', () => {
    expect(queryBlur(0)).toBe(softmaxAttention);
  });

  it('of σ = ∞ attends with the mean query, and every token the same', () => {
    const result = mix(queryBlur(Infinity), input);
    const mean = (i: number): number => {
      const [b, d] = [Math.floor(i / (tokens * channels)), i % channels];
      return (
        Array.from({ length: tokens }, (_, n) => input.q.data[(b * tokens + n) * channels + d]).reduce(
          (sum, value) => sum + value,
          0,
        ) / tokens
      );
    };
    const meanQuery = { ...input.q, data: input.q.data.map((_, i) => mean(i)) };
    expect(distance(result, mix(softmaxAttention, { ...input, query: () => meanQuery }))).toBeLessThan(1e-6);
    for (let d = 0; d < channels; d++) expect(result.data[d]).toBe(result.data[channels + d]);
  });

  it("is the mean of all above the authors' 9999, and up to it a blur, continued by reflection", () => {
    const mean = mix(queryBlur(Infinity), input);
    expect(mix(queryBlur(9999.5), input)).toEqual(mean);
    expect(mix(queryBlur(9999), input)).not.toEqual(mean);
  });

  it('is between the two: a small σ changes little', () => {
    const plain = mix(softmaxAttention, input);
    expect(mix(queryBlur(1e-3), input)).toEqual(plain);
    const distances = [0.3, 0.6, 1.2].map((sigma) => distance(mix(queryBlur(sigma), input), plain));
    expect(distances).toEqual([...distances].sort((a, b) => a - b));
  });
});

describe('soft identity', () => {
  it('of λ = 0 is softmax attention itself, of λ = 1 the identity', () => {
    for (const [lambda, mixer] of [
      [0, softmaxAttention],
      [[0, 0], softmaxAttention],
      [1, identity],
      [[1, 1], identity],
    ] as const) {
      expect(softIdentity(lambda)).toBe(mixer);
    }
  });

  it('is (1 − λ) A V + λ V with the λ of the head', () => {
    const plain = mix(softmaxAttention, input).data;
    const lambdas = [0.25, 0.75];
    mix(softIdentity(lambdas), input).data.forEach((value, i) => {
      const lambda = lambdas[Math.floor((i % channels) / (channels / heads))];
      expect(value).toBe(Math.fround(Math.fround((1 - lambda) * plain[i]) + Math.fround(lambda * input.value.data[i])));
    });
    const some = mix(softIdentity([0, 1]), input).data;
    for (const [i, value] of some.entries()) {
      expect(value + 0).toBe((i % channels < channels / 2 ? plain[i] : input.value.data[i]) + 0);
    }
    expect(mix(softIdentity(0.5), input)).toEqual(mix(softIdentity([0.5, 0.5]), input));
  });

  it('refuses what is no λ, and another number of them than heads', () => {
    expect(() => softIdentity(1.1)).toThrow(InputError);
    expect(() => softIdentity([0, NaN])).toThrow(InputError);
    expect(() => mix(softIdentity([0.1, 0.2, 0.3]), input)).toThrow(
      'SoftPAG was given 3 λ, but the attention layer has 2 heads',
    );
  });
});

describe('token shuffle', () => {
  it('gives the tokens in another order, each as it is, and as torch.randperm has it', () => {
    const shuffled = tokenShuffle(5).before!(kernels, input.value);
    const order = manualSeed(5).randperm(tokens);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: tokens }, (_, i) => i));
    const tokenOf = (x: Tensor, b: number, n: number): Tensor['data'] =>
      x.data.slice((b * tokens + n) * channels, (b * tokens + n + 1) * channels);
    for (const b of [0, 1]) {
      for (const [n, source] of order.entries())
        expect(tokenOf(shuffled, b, n)).toEqual(tokenOf(input.value, b, source));
    }
    // torch.randperm(10, generator=torch.Generator().manual_seed(5))
    expect(manualSeed(5).randperm(10)).toEqual([1, 4, 9, 6, 3, 5, 0, 2, 8, 7]);
    expect([0, 1].map((count) => manualSeed(1).randperm(count))).toEqual([[], [0]]);
    expect(() => manualSeed(1).randperm(-1)).toThrow('randperm: the count is -1');
  });
});

it('parameters out of range are refused', () => {
  for (const make of [
    () => randomMask({ probability: 1.5, seed: 0 }),
    () => randomMask({ probability: NaN, seed: 0 }),
    () => additiveNoise({ strength: -1, seed: 0 }),
    () => additiveNoise({ strength: Infinity, seed: 0 }),
    () => randomMask({ probability: 0.5, seed: -1 }),
    () => randomMask({ probability: 0.5, seed: NaN }),
    () => additiveNoise({ strength: 1, seed: 0.5 }),
    () => additiveNoise({ strength: 1, seed: 2 ** 53 }),
    () => softIdentity([]),
    () => softIdentity(-0.1),
    () => queryBlur(-1),
    () => queryBlur(NaN),
    () => sparseAttention({ scale: NaN, alpha: 2 }),
    () => sparseAttention({ scale: 1, alpha: 3 as never }),
    () => normalizedAttention({ scale: 1, tau: -1, alpha: 0.5 }),
    () => normalizedAttention({ scale: 1, tau: 1, alpha: 2 }),
    () => tokenShuffle(-1),
    () => tokenShuffle(0.5),
  ])
    expect(make).toThrow(InputError);
});
