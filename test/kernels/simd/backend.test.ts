/** The fast backend as a whole: the letters model, threads, memory, and what happens when something goes wrong. */
import { type PassOutput, runModel } from '../../../src/models/passes.ts';
import { unperturbed } from '../../../src/models/stage.ts';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { referenceBackend } from '../../../src/kernels/plain/index.ts';
import { fmaSupported, simdBackend, type StepTime } from '../../../src/kernels/simd/index.ts';
import { CONTROL } from '../../../src/kernels/simd/memory/control.ts';
import type { Backend, Program, Tensors } from '../../../src/kernels/kernels.ts';
import { loadModelFolder } from '../../../src/formats/diffusers.ts';
import { folderReader } from '../../../src/formats/node-files.ts';
import { pag } from '../../../src/guidance/pag.ts';
import { identity } from '../../../src/nn/attention-perturbations/index.ts';
import { unetDenoiser } from '../../../src/sampling/denoiser.ts';
import { sampleToEnd } from '../../../src/sampling/sample.ts';
import { createScheduler } from '../../../src/schedulers/registry.ts';
import { manualSeed } from '../../../src/tensor/random.ts';
import type { Tensor } from '../../../src/tensor/tensor.ts';
import { createUNet, type UNet } from '../../../src/models/unet2d/unet.ts';
import { expectAsReference, expectSameBits, noise } from './support.ts';

const model = fileURLToPath(new URL('../../../fixtures/letters/model', import.meta.url));
const even = { top: 1, bottom: 1, left: 1, right: 1 };
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
    const input = { sample: noise([1, 1, 32, 32], 1), timesteps: [321], classLabels: [4] };
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
    for (const layers of [
      ['mid_block.attentions.0'],
      ['down_blocks.1.attentions.0'],
      ['up_blocks.1.attentions.0', 'mid_block.attentions.0'],
      ['up_blocks.1.attentions.1'],
    ]) {
      const passes = [unperturbed, new Map(layers.map((layer) => [layer, identity]))];
      const together = runModel(unet, counting, input, { passes });
      const shared = products;
      const alone = passes.flatMap((pass) => runModel(unet, counting, input, { passes: [pass] }).predictions);
      expectSameBits(named(together), named({ predictions: alone, taps: {} }));
      expect(shared).toBeLessThan(products - shared);
      products = 0;
    }
    counting.dispose();
  });

  test('a run with PAG has one hash on the loops, on SIMD, and on two threads', () => {
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

/** A convolution of `channels` channels to as many. */
function convolution(channels: number, seed: number): Program {
  const weight = noise([channels, channels, 3, 3], seed);
  return (kernels, { x }) => ({ y: kernels.conv2d(x, weight, undefined, 1, even) });
}

describe('memory', () => {
  test('input channels in several blocks give the same bits', () => {
    for (const [channels, size] of [
      [100, 24],
      [48, 70],
      [19, 90],
    ]) {
      const x = noise([1, channels, size, size], channels);
      for (const backend of [one, two]) expectAsReference(backend, convolution(channels, 2), { x });
    }
  });

  test('a result stays as it was when the memory grows and is used again', () => {
    const backend = simdBackend();
    const x = noise([1, 4, 8, 8], 1);
    const { y } = backend.run(convolution(4, 1), { x });
    const before = y.data.slice();
    backend.run(convolution(64, 2), { x: noise([1, 64, 64, 64], 2) });
    expect(y.data).toEqual(before);
    backend.dispose();
  });

  test('more programs than are kept: dropped ones are compiled again, with the same result', () => {
    const backend = simdBackend();
    const x = noise([1, 3, 6, 6], 1);
    const programs = Array.from({ length: 30 }, (_, seed) => convolution(3, seed));
    const results = programs.map((program) => backend.run(program, { x }));
    programs.forEach((program, i) => expectSameBits(backend.run(program, { x }), results[i]));
    backend.dispose();
  });

  test('a thousand runs, and a hundred programs, take no more memory than the first ones', () => {
    const grown: number[] = [];
    const { grow } = WebAssembly.Memory.prototype;
    WebAssembly.Memory.prototype.grow = function (pages) {
      grown.push(pages);
      return grow.call(this, pages);
    };
    try {
      const backend = simdBackend();
      const x = noise([1, 16, 16, 16], 1);
      for (let i = 0; i < 30; i++) backend.run(convolution(16, i), { x });
      const { length } = grown;
      const program = convolution(16, 1000);
      for (let i = 0; i < 1000; i++) backend.run(program, { x });
      for (let i = 0; i < 100; i++) backend.run(convolution(16, i), { x });
      expect(grown).toHaveLength(length);
      backend.dispose();
    } finally {
      WebAssembly.Memory.prototype.grow = grow;
    }
  });
});

/** Runs TypeScript in a process of its own; what it prints. Fails when the process does not end by itself. */
async function inProcess(code: string): Promise<string> {
  const source = `import { simdBackend } from ${JSON.stringify(new URL('../../../src/kernels/simd/index.ts', import.meta.url).href)};
const tensor = (shape) => ({ dtype: 'f32', shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i % 7) });
const weight = tensor([32, 32, 3, 3]);
const program = (kernels, { x }) => ({ y: kernels.conv2d(x, weight, undefined, 1, { top: 1, bottom: 1, left: 1, right: 1 }) });
const x = tensor([1, 32, 32, 32]);
${code}`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', source],
    { timeout: 30_000 },
  );
  return stdout;
}

describe('fused multiply-add', () => {
  test('is refused where the engine has none; elsewhere it rounds less, so its bits are near those of the loops', () => {
    if (!fmaSupported()) {
      expect(() => simdBackend({ fma: true })).toThrow('relaxed SIMD');
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

  test('crowded planes are written apart by whoever makes them, and copied only where nobody can', () => {
    const names: string[] = [];
    const backend = simdBackend({ watch: ({ name }) => names.push(name) });
    const stepsOf = (program: Program, shape: readonly number[]): readonly string[] => {
      names.length = 0;
      backend.run(program, { x: noise(shape, 1) });
      return [...names];
    };
    const [weight, scale] = [noise([18, 18], 2), noise([18], 3)];
    const block: Program = (k, { x }) => {
      const tokens = k.toTokens(k.groupNorm(x!, 2, scale, scale, 1e-5));
      return {
        y: k.linear(k.attention(k.linear(tokens, weight, undefined), tokens, tokens, 2, 0.25), weight, undefined),
      };
    };
    const onlyProducts: Program = (k, { x }) => {
      const tokens = k.toTokens(k.groupNorm(x!, 2, scale, scale, 1e-5));
      const [q, key, v] = [1, 2, 3].map(() => k.linear(tokens, weight, undefined)) as [Tensor, Tensor, Tensor];
      return { y: k.linear(k.attention(q, key, v, 2, 0.25), weight, undefined) };
    };
    const copies = (steps: readonly string[]): number => steps.filter((name) => name === 'apart').length;
    // Attention reads dense planes, so the norm's result lies dense and is copied for the product.
    expect(copies(stepsOf(block, [1, 18, 16, 16]))).toBe(1);
    expect(copies(stepsOf(onlyProducts, [1, 18, 16, 16]))).toBe(0);
    expect(copies(stepsOf(onlyProducts, [1, 18, 8, 8]))).toBe(0);
    const pointwise: Program = (k, { x }) => ({ y: k.linear(k.toTokens(x!), weight, undefined) });
    expect(
      [
        [16, 16],
        [15, 17],
        [8, 8],
        [32, 32],
      ].map(([h, w]) => copies(stepsOf(pointwise, [1, 18, h!, w!]))),
    ).toEqual([1, 0, 0, 1]);
    backend.dispose();
  });
});

describe('threads', () => {
  test('many short runs of several programs on two backends at once', () => {
    const other = simdBackend({ threads: 3 });
    const programs = [convolution(3, 1), convolution(5, 2), convolution(8, 3)];
    const inputs = [3, 5, 8].map((channels) => ({ x: noise([2, channels, 5, 9], channels) }));
    const expected = programs.map((program, i) => referenceBackend().run(program, inputs[i]));
    for (let i = 0; i < 3000; i++) {
      const which = (i * 7) % 3;
      expectSameBits((i % 2 === 0 ? two : other).run(programs[which], inputs[which]), expected[which]);
    }
    other.dispose();
  });

  test('the process ends by itself, whether the backend is disposed of or not', async () => {
    expect(await inProcess("simdBackend({ threads: 2 }).run(program, { x }); console.log('done');")).toBe('done\n');
    expect(
      await inProcess(
        "const b = simdBackend({ threads: 2 }); b.run(program, { x }); b.dispose(); b.dispose(); console.log('done');",
      ),
    ).toBe('done\n');
  });

  test('workers are started by the first run, not before', async () => {
    const count =
      "process.getBuiltinModule('node:worker_threads').Worker = class extends process.getBuiltinModule('node:worker_threads').Worker { constructor(...all) { super(...all); console.log('worker'); } };";
    expect(
      await inProcess(
        `${count} const b = simdBackend({ threads: 3 }); console.log('made'); b.run(program, { x }); b.run(program, { x });`,
      ),
    ).toBe('made\nworker\nworker\n');
  });

  test('a worker that ends gives an error, not a hang', async () => {
    const output = await inProcess(`
const threads = process.getBuiltinModule('node:worker_threads');
const workers = [];
threads.Worker = class extends threads.Worker { constructor(...all) { super(...all); workers.push(this); } };
const b = simdBackend({ threads: 2 });
b.run(program, { x });
await workers[0].terminate();
await new Promise((resolve) => setTimeout(resolve, 50));
try { b.run(program, { x }); console.log('no error'); } catch (error) { console.log(error.message); }
b.dispose();`);
    expect(output).toMatch(/a thread of the simd backend has died/);
  });

  test('a run waits for nobody: workers that never come leave the work to the others', async () => {
    const output = await inProcess(`
const threads = process.getBuiltinModule('node:worker_threads');
let letters = 0;
threads.Worker = class { on() {} unref() {} terminate() {} postMessage() { letters++; } };
const expected = simdBackend().run(program, { x }).y.data;
const found = simdBackend({ threads: 3 }).run(program, { x }).y.data;
console.log(letters, Buffer.from(found.buffer).equals(Buffer.from(expected.buffer)));`);
    expect(output).toBe('2 true\n');
  });

  test('a worker that fails within a run gives an error', async () => {
    const output = await inProcess(`
const threads = process.getBuiltinModule('node:worker_threads');
// Each worker takes a unit of the first step, and fails before it is done.
threads.Worker = class extends threads.Worker {
  constructor(code, options) {
    super(code.replace('instance?.exports.run(thread, ', 'Atomics.add(control, ' + ${CONTROL.COUNTERS / 4} + ', 1); throw new Error('), options);
  }
};
const b = simdBackend({ threads: 2 });
// The worker needs a while to come to life; until then runs are done without it.
let message;
while (message === undefined) try { b.run(program, { x }); } catch (error) { message = error.message; }
console.log(message);
try { b.run(program, { x }); } catch (error) { console.log(error.message); }
process.exit();`);
    expect(output).toMatch(/^the simd backend has failed: .*\na thread of the simd backend has died: .*\n$/);
  });

  test('a disposed backend refuses to run', () => {
    const backend = simdBackend();
    backend.dispose();
    expect(() => backend.run(convolution(1, 1), { x: noise([1, 1, 3, 3], 1) })).toThrow('disposed');
  });
});
