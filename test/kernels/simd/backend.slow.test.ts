/** The fast backend as a whole: the letters model, what is watched, and what is refused. */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { loadModelFolder } from '../../../src/formats/diffusers.ts';
import { folderReader } from '../../../src/formats/node-files.ts';
import { pag } from '../../../src/guidance/pag.ts';
import type { Backend, Tensors } from '../../../src/kernels/kernels.ts';
import { referenceBackend } from '../../../src/kernels/plain/index.ts';
import { fmaSupported, simdBackend, type StepTime } from '../../../src/kernels/simd/index.ts';
import { type PassOutput, runModel } from '../../../src/models/passes.ts';
import { unperturbed, type Perturbation } from '../../../src/models/stage.ts';
import { createUNet, type UNet } from '../../../src/models/unet2d/unet.ts';
import { identity } from '../../../src/nn/attention-perturbations/index.ts';
import { unetDenoiser } from '../../../src/sampling/denoiser.ts';
import { sampleToEnd } from '../../../src/sampling/sample.ts';
import { createScheduler } from '../../../src/schedulers/registry.ts';
import { manualSeed } from '../../../src/tensor/random.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { convolution, expectAsReference, expectSameBits, noise, refusal } from './support.ts';
import { thorough } from '../../thorough.ts';

const model = fileURLToPath(new URL('../../../fixtures/letters/model', import.meta.url));
const one = simdBackend();
const two = simdBackend({ threads: 2 });
let unet: UNet;

beforeAll(async () => {
  const { config, weights } = await loadModelFolder(await folderReader(model), model);
  unet = createUNet(config, weights);
});
afterAll(() => {
  one.dispose();
  two.dispose();
});

const hash = ({ data }: Tensor): string =>
  createHash('sha256')
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest('hex');

const named = ({ predictions, taps }: PassOutput): Tensors => ({
  ...taps,
  ...Object.fromEntries(predictions.map((prediction, i) => [`prediction ${i}`, prediction])),
});

describe('the letters model', () => {
  test('a forward pass with a perturbed pass and all taps has the bits of the plain loops', () => {
    // A quarter of a letter: whole ones are drawn in test/trust/bits.slow.test.ts.
    const input = { sample: noise([1, 1, 16, 16], 1), timesteps: [321], classLabels: [4] };
    const options = {
      passes: [unperturbed, new Map([['mid_block.attentions.0', identity]])],
      taps: ['mid_block*', '*.map', '1:up_blocks*'],
    };
    const expected = runModel(unet, referenceBackend(), input, options);
    for (const backend of [one, two]) {
      const actual = runModel(unet, backend, input, options);
      expectSameBits(named(actual), named(expected));
    }
  });

  test('passes together have the bits of passes alone, for fewer multiplications', () => {
    let products = 0;
    const counting = simdBackend({
      watch: (step) => {
        products += step.products;
      },
    });
    const input = { sample: noise([2, 1, 16, 16], 1), timesteps: [321], classLabels: [4] };
    /** A run, and how much it multiplies. */
    const counted = (...passes: readonly Perturbation[]): PassOutput & { readonly multiplied: number } => {
      products = 0;
      return { ...runModel(unet, counting, input, { passes }), multiplied: products };
    };
    const plain = counted(unperturbed);
    for (const layers of [
      ['mid_block.attentions.0'],
      ['down_blocks.1.attentions.0'],
      ['up_blocks.1.attentions.0', 'mid_block.attentions.0'],
      ['up_blocks.1.attentions.1'],
    ]) {
      const perturbation = new Map(layers.map((layer) => [layer, identity]));
      const [together, perturbed] = [counted(unperturbed, perturbation), counted(perturbation)];
      const predictions = [...plain.predictions, ...perturbed.predictions];
      expectSameBits(named(together), named({ predictions, taps: {} }));
      expect(together.multiplied).toBeLessThan(plain.multiplied + perturbed.multiplied);
    }
    counting.dispose();
  });

  // As test/trust/bits.slow.test.ts says of a smaller picture.
  test.runIf(thorough)('a run with PAG has one hash on the loops, on SIMD, and on two threads', () => {
    const hashes = [referenceBackend(), one, two].map((backend) =>
      hash(
        sampleToEnd({
          denoiser: unetDenoiser(unet, backend, { labels: [2] }),
          guidance: pag({ pagScale: 2, layers: ['mid_block.attentions.0'] }),
          scheduler: createScheduler({ _class_name: 'DDIMScheduler' }, 3),
          noise: manualSeed(5).randn([1, 1, 16, 16]),
          noiseSource: () => expect.fail('DDIM with eta 0 draws no noise'),
        }),
      ),
    );
    expect(new Set(hashes).size).toBe(1);
  });

  test('samples together have the bits of samples alone', () => {
    const run = (backend: Backend, sample: Tensor, classLabels: number[]): Tensor =>
      runModel(unet, backend, { sample, timesteps: [77], classLabels }).predictions[0];
    const [a, b] = [noise([1, 1, 16, 16], 3), noise([1, 1, 16, 16], 4)];
    const both = run(one, { dtype: 'f32', shape: [2, 1, 16, 16], data: Float32Array.of(...a.data, ...b.data) }, [1, 2]);
    expect(both.data.slice(0, 256)).toEqual(run(two, a, [1]).data);
    expect(both.data.slice(256)).toEqual(run(one, b, [2]).data);
  });
});

describe('fused multiply-add', () => {
  test('is refused where the engine has none; elsewhere it rounds less, with bits near those of the loops', () => {
    if (!fmaSupported()) {
      expect(refusal(() => simdBackend({ fma: true }))).toBe(
        'this engine has no relaxed SIMD; use the simd kernels (Node has it from version 22 on)',
      );
      return;
    }
    const backend = simdBackend({ fma: true });
    const x = noise([1, 20, 12, 12], 1);
    const [fused, plain] = [backend, referenceBackend()].map((each) => each.run(convolution(20, 1), { x }).y.data);
    expect(fused).not.toEqual(plain);
    // 180 products below 1: no sum of roundings reaches 180 · 180 · 2⁻²⁴.
    expect(Math.max(...fused.map((value, i) => Math.abs(value - plain[i])))).toBeLessThan(180 * 180 * 2 ** -24);
    backend.dispose();
  });
});

describe('what is watched', () => {
  test('every step is told of, with its products, and the bits are the same', () => {
    const steps: StepTime[] = [];
    const backend = simdBackend({ watch: (step) => steps.push(step) });
    expectAsReference(backend, convolution(5, 1), { x: noise([2, 5, 6, 7], 1) });
    expect(steps.map(({ name }) => name)).toEqual(['border', 'conv 3×3 5→5 @6×7']);
    expect(steps.map(({ products }) => products)).toEqual([0, 2 * 9 * 5 * 5 * 6 * 7]);
    backend.dispose();
  });

  test('a step is timed from the end of the one before it', () => {
    let time = 0;
    const now = vi.spyOn(performance, 'now').mockImplementation(() => time++);
    const steps: StepTime[] = [];
    const backend = simdBackend({ watch: (step) => steps.push(step) });
    for (let i = 0; i < 2; i++) backend.run(convolution(5, 1), { x: noise([2, 5, 6, 7], 1) });
    now.mockRestore();
    expect(steps.map(({ milliseconds }) => milliseconds)).toEqual([1, 1, 1, 1]);
    backend.dispose();
  });
});

describe('what is refused', () => {
  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('%s threads', (threads) => {
    expect(refusal(() => simdBackend({ threads }))).toBe(
      `threads is ${threads}; it must be a whole number from 1 to 256`,
    );
  });

  test('an engine without SIMD', () => {
    const { validate } = WebAssembly;
    WebAssembly.validate = () => false;
    try {
      expect(refusal(() => simdBackend())).toBe(
        'this engine has no WebAssembly SIMD; use referenceBackend(), or fastestBackend()',
      );
    } finally {
      WebAssembly.validate = validate;
    }
  });

  test('a run after the end', () => {
    const backend = simdBackend();
    const x = noise([1, 1, 3, 3], 1);
    backend.run(convolution(1, 1), { x });
    backend.dispose();
    backend.dispose();
    expect(refusal(() => backend.run(convolution(1, 1), { x }))).toBe(
      'the backend has been disposed of: make another one with simdBackend()',
    );
  });

  test('a program that looks at values, or lets shapes meet that do not fit; the next one runs', () => {
    const x = noise([1, 4, 6, 6], 1);
    expect(refusal(() => one.run((k, { x: seen }) => ({ y: k.affine(seen, seen.data[0], 0) }), { x }))).toBe(
      'a program may not look at the values of its tensors, only at their shapes',
    );
    expect(refusal(() => one.run(convolution(3, 1), { x }))).toMatch(/^conv2d: /);
    expectAsReference(one, convolution(4, 1), { x });
  });

  test('an input with more or fewer numbers than its shape has', () => {
    for (const data of [new Float32Array(15), new Float32Array(17)])
      expect(refusal(() => one.run(convolution(1, 1), { x: { dtype: 'f32', shape: [1, 1, 4, 4], data } }))).toBe(
        `the input "x" of the program has shape [1, 1, 4, 4], but ${data.length} numbers`,
      );
  });
});
