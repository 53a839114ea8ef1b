/** The backend for small bundles: the bits of the whole one, and what it refuses. */
import { afterAll, describe, expect, it } from 'vitest';
import { leanBackend, simdBackend } from '../../../src/kernels/simd/index.ts';
import type { Kernels, Program } from '../../../src/kernels/kernels.ts';
import { manualSeed, pag, sampleToEnd, unetDenoiser } from '../../../src/index.ts';
import { DDIMScheduler } from '../../../src/schedulers/ddim.ts';
import { createSchedulerOf } from '../../../src/schedulers/create.ts';
import { zeros, type Tensor } from '../../../src/tensor/tensor.ts';
import { randomUNet } from '../../models/unet2d/models.ts';
import { even, expectSameBits, noise, refusal } from './support.ts';

const [lean, whole] = [leanBackend(), simdBackend()];
afterAll(() => {
  lean.dispose();
  whole.dispose();
});

describe('a lean backend', () => {
  it('draws with the bits of the whole one', () => {
    const unet = randomUNet();
    const draw = (backend: typeof lean): Tensor => {
      const { randn } = manualSeed(3);
      return sampleToEnd({
        denoiser: unetDenoiser(unet, backend, { labels: [1, 2] }),
        guidance: pag({ pagScale: 2, layers: ['mid'] }),
        scheduler: createSchedulerOf(DDIMScheduler, {}, 3),
        noise: randn([2, 1, 8, 8]),
        noiseSource: randn,
      });
    };
    expectSameBits({ drawn: draw(lean) }, { drawn: draw(whole) });
  });

  it('computes in each run what depends on constants alone, to the same bits', () => {
    const [a, b] = [noise([1, 4, 6, 6], 1), noise([4, 4, 3, 3], 2)];
    const program: Program = (k, { x }) => {
      const still = k.conv2d(k.activation(a, 'silu'), k.affine(b, 2, 0), undefined, 1, even);
      return { y: k.add(x, still), still };
    };
    const inputs = { x: noise([1, 4, 6, 6], 3) };
    expectSameBits(lean.run(program, inputs), whole.run(program, inputs));
  });

  const square = noise([1, 16, 8, 8], 1);
  it.each<[string, (k: Kernels, x: Tensor) => Tensor]>([
    ['gelu', (k, x) => k.activation(x, 'gelu')],
    ['tanh', (k, x) => k.activation(x, 'tanh')],
    ['entmax', (k, x) => k.entmax(x, 2)],
    ['resizeNearest', (k, x) => k.resizeNearest(x, 3, 3)],
    ['activationDerivative', (k, x) => k.activationDerivative(x, 'silu')],
    ['groupNormSums', (k, x) => k.groupNormSums(x, x, 2, 1e-5)],
  ])('has no kernel for %s, and says which backend has', (name, of) => {
    expect(refusal(() => lean.run((k, { x }) => ({ y: of(k, x) }), { x: square }))).toBe(
      `this backend has no kernel for ${name}; take simdBackend(), which has all`,
    );
  });

  it('refuses other precisions, what is empty, and options that it does not have', () => {
    const run = (x: Tensor) => refusal(() => lean.run((k, { x }) => ({ y: k.add(x, x) }), { x }));
    expect(run(zeros('f64', [2, 3]))).toContain('no kernel for the input "x", [2, 3] in f64; take simdBackend()');
    expect(run(zeros('f32', [0, 3]))).toContain('the input "x", [0, 3] in f32');
    expect(refusal(() => leanBackend({ threads: 2 } as object))).toContain('threads');
    expect(refusal(() => leanBackend({ order: 'fast' } as object))).toContain('order');
  });
});
