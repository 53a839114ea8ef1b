/** Drawing off the main thread: the same bits, a program that stays free, and runs that can be stopped. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createScheduler,
  InputError,
  manualSeed,
  openSampler,
  pag,
  referenceBackend,
  sample,
  sampleSteps,
  unetDenoiser,
  type Sampler,
  type SamplingProgress,
  type SamplingStep,
  type WorkerLike,
} from '../../src/index.ts';
import { expectSameBits } from '../kernels/bits.ts';
import { randomUNet, smallConfig } from '../models/unet2d/models.ts';
import { firstOf } from '../thorough.ts';

const folder = mkdtempSync(join(tmpdir(), 'pag-worker-'));
const file = join(folder, 'worker.mjs');
beforeAll(async () => {
  await build({
    entryPoints: [fileURLToPath(new URL('../../src/off-thread/worker.ts', import.meta.url))],
    outfile: file,
    bundle: true,
    format: 'esm',
    platform: 'neutral',
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** All workers of the test that runs; those that have ended leave. */
const alive = new Set<Worker>();
const worker = (): WorkerLike => {
  const started = new Worker(file);
  alive.add(started);
  started.on('exit', () => alive.delete(started));
  return started;
};
const noWorker = (): WorkerLike => {
  throw new Error('workers are forbidden');
};
const silent = { onFallback: () => {} };

const unet = randomUNet(smallConfig);
const model = {
  config: unet.config,
  weights: unet.weights,
  schedulerConfig: { _class_name: 'EulerDiscreteScheduler' },
};
const request = {
  labels: [0, 2],
  guidance: { name: 'pag', pagScale: 2, pagLayers: ['mid'] },
  steps: 6,
  seed: 5,
} as const;

/** What the request draws, in this thread. */
function expected(): readonly SamplingStep[] {
  const { randn } = manualSeed(5);
  return [
    ...sampleSteps({
      denoiser: unetDenoiser(unet, referenceBackend(), { labels: [0, 2] }),
      guidance: pag({ pagScale: 2, layers: ['mid'] }),
      scheduler: createScheduler(model.schedulerConfig, 6),
      noise: randn([2, 1, 8, 8]),
      noiseSource: randn,
    }),
  ];
}

describe.each([
  ['in a worker', worker, true],
  ['in the same thread', noWorker, false],
] as const)('a sampler %s', (_name, start, offThread) => {
  let sampler: Sampler;
  beforeAll(async () => {
    sampler = await openSampler(model, { worker: start, ...silent });
  });
  afterAll(() => sampler.close());

  it('draws the bits of sampleSteps, step by step', async () => {
    expect([sampler.offThread, sampler.kernels]).toEqual([offThread, 'simd']);
    const steps: SamplingStep[] = [];
    for await (const step of sampler.steps(request)) steps.push(step);
    const wanted = expected();
    expect(steps).toHaveLength(wanted.length);
    for (const [i, step] of wanted.entries()) {
      expectSameBits(steps[i].sample, step.sample);
      expectSameBits(steps[i].guided, step.guided);
    }
    expectSameBits(await sampler.sample(request), wanted.at(-1)!.sample);
  });

  it('tells of each step and of how far it is', async () => {
    const [seen, told]: [number[], SamplingProgress[]] = [[], []];
    await sampler.sample(request, {
      onStep: ({ index }) => seen.push(index),
      onProgress: (progress) => told.push(progress),
    });
    expect(seen).toEqual([0, 1, 2, 3, 4, 5]);
    expect(told[0]).toEqual({ phase: 'compiling', done: 0, total: 1 });
    expect(told.slice(1)).toEqual(seen.map((index) => ({ phase: 'drawing', done: index + 1, total: 6 })));
  });

  it('is stopped by a signal, before a run and in it, and draws on', async () => {
    await expect(sampler.sample(request, { signal: AbortSignal.abort('early') })).rejects.toBe('early');
    const controller = new AbortController();
    let last = -1;
    const run = sampler.sample(
      { ...request, steps: 500 },
      {
        signal: controller.signal,
        onStep({ index }) {
          last = index;
          if (index === 3) controller.abort(new Error('enough'));
        },
      },
    );
    await expect(run).rejects.toThrow('enough');
    expect(last).toBe(3);
    expectSameBits(await sampler.sample(request), expected().at(-1)!.sample);
  });

  it('may be left in the middle, and draws several at a time', async () => {
    for await (const { index } of sampler.steps({ ...request, steps: 500 })) if (index === 2) break;
    const [one, other] = await Promise.all([sampler.sample(request), sampler.sample({ ...request, seed: 6 })]);
    expectSameBits(one, expected().at(-1)!.sample);
    expect(other.data).not.toEqual(one.data);
  });

  const refused: readonly [string, object, string][] = [
    ['a guidance that there is not', { guidance: { name: 'pga' } }, 'there is no guidance "pga"'],
    ['no guidance', { guidance: 'pag' }, 'guidance is "pag"; it must be a guidance by its name'],
    ['a scheduler that there is not', { scheduler: { _class_name: 'X' } }, 'X'],
    ['no steps', { steps: 0 }, 'steps is 0'],
    ['labels out of range', { labels: [9] }, '9'],
    ['an unknown key', { lables: [1] }, 'lables'],
    ['noise that does not fit', { noise: manualSeed(0).randn([1, 2, 8, 8]) }, '[1, 2, 8, 8]'],
    ['a function', { scheduler: { _class_name: 'DDIMScheduler', f() {} } }, 'no functions'],
  ];
  it.each(offThread ? firstOf(refused, 3) : refused)(
    'refuses %s with an InputError, and draws on',
    async (_what, wrong, message) => {
      const problem = await Promise.resolve()
        .then(() => sampler.sample({ ...request, ...wrong } as never))
        .catch((error: unknown) => error);
      expect(problem).toBeInstanceOf(InputError);
      expect((problem as Error).message).toContain(message);
      expect((await sampler.sample(request)).shape).toEqual([2, 1, 8, 8]);
    },
  );

  it('that is closed draws no more', async () => {
    const run = sampler.sample({ ...request, steps: 500 });
    sampler.close();
    await expect(run).rejects.toThrow('the sampler has been closed');
    await expect(sampler.sample(request)).rejects.toThrow('the sampler has been closed');
  });
});

describe('workers', () => {
  it('end with their runs: at the end, at a signal, and when something is wrong', async () => {
    expectSameBits(await sample({ model, worker, ...request }), expected().at(-1)!.sample);
    const signal = AbortSignal.timeout(150);
    const late = await sample({ model, worker, ...request, steps: 1000, signal }).catch((error: unknown) => error);
    expect(late).toBe(signal.reason);
    await expect(sample({ model, worker, ...request, labels: [7] })).rejects.toThrow(InputError);
    await expect.poll(() => alive.size).toBe(0);
  });

  it('leave this thread free, however long a step takes', async () => {
    const large = randomUNet({ ...smallConfig, sample_size: 32 });
    /** How often this thread comes round while one step is computed. */
    const turnsDuring = async (choices: Parameters<typeof openSampler>[1]): Promise<number> => {
      const sampler = await openSampler({ config: large.config, weights: large.weights }, choices);
      let [turns, isDone] = [0, false];
      const turn = (): void => {
        turns++;
        if (!isDone) setImmediate(turn);
      };
      setImmediate(turn);
      await sampler.sample({ labels: [0, 1], steps: 1 });
      isDone = true;
      sampler.close();
      return turns;
    };
    const here = await turnsDuring({ worker: noWorker, onFallback: () => {} });
    expect(await turnsDuring({ worker })).toBeGreaterThan(10 * here);
  });

  it('that cannot be had are said to be missing, once, and this thread computes', async () => {
    const said: string[] = [];
    const sampler = await openSampler(model, { worker: noWorker, onFallback: (reason) => said.push(reason) });
    await sampler.sample(request);
    sampler.close();
    expect(said).toEqual([
      'there is no worker here (workers are forbidden), so this thread computes; ' +
        'openSampler takes one: { worker: () => … }',
    ]);
  });

  it('that do not load are said to be missing, too', async () => {
    const said: string[] = [];
    const onFallback = (reason: string): number => said.push(reason);
    const absent = (): WorkerLike => new Worker(join(folder, 'absent.mjs'));
    const sampler = await openSampler(model, { worker: absent, onFallback });
    expect((await sampler.sample(request)).shape).toEqual([2, 1, 8, 8]);
    expect(said[0]).toMatch(/^there is no worker here \(the worker has failed: Cannot find module/);
    sampler.close();
  });

  it('that die fail their runs', async () => {
    let own: Worker | undefined;
    const sampler = await openSampler(model, {
      worker: () => {
        own = new Worker(file);
        return own;
      },
    });
    const run = sampler.sample({ ...request, steps: 900 });
    setTimeout(() => own?.terminate(), 50);
    await expect(run).rejects.toThrow('the worker has ended');
  });

  it.each<[readonly unknown[], string]>([
    [[{ model, worker, ...request }, { signal: AbortSignal.abort() }], 'its second argument would do nothing'],
    [[], 'what is to be drawn is undefined'],
    [[{ model, worker, ...request, onProgress: 1 }], 'onProgress is 1'],
    [[{ model, worker, ...request, signal: 1 }], 'signal is 1'],
    [[{ worker, ...request }], 'the model is undefined'],
  ])('sample refuses what is no run: %#', async (given, message) => {
    const run = (sample as (...all: readonly unknown[]) => Promise<unknown>)(...given);
    await expect(run).rejects.toThrow(expect.objectContaining({ name: 'InputError' }));
    await expect(run).rejects.toThrow(message);
  });

  it('are refused models that are none, and options that nobody knows', async () => {
    await expect(openSampler({} as never)).rejects.toThrow('the model is {}; it must be a model');
    await expect(openSampler(model, { thread: 1 } as never)).rejects.toThrow('thread');
    await expect(openSampler(model, { threads: 0 })).rejects.toThrow('threads is 0');
    await expect(openSampler({ ...model, weights: new Map() }, { worker })).rejects.toThrow(InputError);
    await expect.poll(() => alive.size).toBe(0);
  });
});
