/** Threads: many at once, some that come late, never, or fail. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { referenceBackend } from '../../../../src/kernels/plain/index.ts';
import { simdBackend } from '../../../../src/kernels/simd/index.ts';
import { CONTROL } from '../../../../src/kernels/simd/memory/control.ts';
import { pool } from '../../../../src/kernels/simd/threads/pool.ts';
import type { AnyWorker } from '../../../../src/kernels/simd/threads/workers.ts';
import { bundleTo } from '../../../cli/bundle.ts';
import { temporaryFolder } from '../../../cli/models.ts';
import { convolution, expectSameBits, noise } from '../support.ts';

const two = simdBackend({ threads: 2 });
afterAll(() => {
  two.dispose();
});

const { path } = temporaryFolder();
const library = bundleTo(path('simd.mjs'), 'kernels/simd/index.ts');

/** Runs JavaScript in a process of its own; what it prints. Fails when the process does not end by itself. */
async function inProcess(code: string): Promise<string> {
  const source = `import { simdBackend } from ${JSON.stringify(library)};
const tensor = (shape) => {
  const length = shape.reduce((a, b) => a * b, 1);
  return { dtype: 'f32', shape, data: Float32Array.from({ length }, (_, i) => i % 7) };
};
const weight = tensor([32, 32, 3, 3]);
const even = { top: 1, bottom: 1, left: 1, right: 1 };
const program = (kernels, { x }) => ({ y: kernels.conv2d(x, weight, undefined, 1, even) });
const x = tensor([1, 32, 32, 32]);
const threads = process.getBuiltinModule('node:worker_threads');
${code}`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', source], {
    timeout: 30_000,
  });
  return stdout;
}

describe('the pool', () => {
  interface Letter {
    readonly id: number;
    readonly module?: WebAssembly.Module;
    readonly thread: number;
  }

  /** A pool of two workers that only gather their letters. */
  function silentPool() {
    const letters: Letter[] = [];
    let ended = 0;
    const worker: AnyWorker = {
      postMessage: (letter) => letters.push(letter as Letter),
      terminate: () => ended++,
    };
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const died: string[] = [];
    const workers = pool(memory, 2, (problem) => died.push(problem), [worker, worker]);
    const control = new Int32Array(memory.buffer);
    return { letters, workers, control, died, ended: () => ended };
  }
  const module = (): WebAssembly.Module => new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));

  test('sends a module once, with a number for each thread, and says when it is no longer needed', () => {
    const { letters, workers } = silentPool();
    const [a, b] = [module(), module()];
    for (const next of [a, b, a]) workers.open(next, 0);
    expect(letters.map(({ id, module: sent, thread }) => [id, sent, thread])).toEqual([
      [0, a, 1],
      [0, a, 2],
      [1, b, 1],
      [1, b, 2],
    ]);
    letters.length = 0;
    workers.forget(a);
    workers.forget(module());
    expect(letters.map(({ id, module: sent, thread }) => [id, sent, thread])).toEqual([
      [0, undefined, 1],
      [0, undefined, 2],
    ]);
    letters.length = 0;
    workers.open(a, 0);
    expect(letters.map(({ id }) => id)).toEqual([2, 2]);
  });

  test('calls with the module and the arena, and to no run that is closed', () => {
    const { workers, control } = silentPool();
    const before = control[CONTROL.CALL / 4];
    workers.open(module(), 640);
    workers.open(module(), 1280);
    expect(control[CONTROL.CALL / 4]).toBe(before + 2);
    expect([CONTROL.OPEN, CONTROL.MODULE, CONTROL.ARENA].map((at) => control[at / 4])).toEqual([1, 1, 1280]);
    workers.close();
    expect(control[CONTROL.OPEN / 4]).toBe(0);
  });

  test('closes when no worker is in the run any more', async () => {
    const { workers, control } = silentPool();
    const active = CONTROL.ACTIVE / 4;
    // A worker that leaves the run a while after it was told to.
    const code = `const { parentPort, workerData: { buffer, at } } = require('node:worker_threads');
      const control = new Int32Array(buffer);
      parentPort.on('message', () => {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
        Atomics.store(control, at, 0);
        Atomics.notify(control, at);
      });
      parentPort.postMessage('here');`;
    const late = new Worker(code, { eval: true, execArgv: [], workerData: { buffer: control.buffer, at: active } });
    onTestFinished(() => void late.terminate());
    await once(late, 'message');
    workers.open(module(), 0);
    Atomics.store(control, active, 1);
    late.postMessage('leave');
    workers.close();
    expect(Atomics.load(control, active)).toBe(0);
  });

  test('closes with an error when a worker has failed', () => {
    const { workers, control } = silentPool();
    workers.open(module(), 0);
    workers.fail();
    expect(control[CONTROL.FAILED / 4]).toBe(1);
    expect(() => workers.close()).toThrow('another thread has failed');
  });

  test('ends its workers when it stops', () => {
    const { workers, ended } = silentPool();
    workers.stop();
    // None has been called yet, so none is its own.
    expect(ended()).toBe(0);
    workers.open(module(), 0);
    workers.stop();
    expect(ended()).toBe(2);
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
    expect(
      await inProcess(`
threads.Worker = class extends threads.Worker { constructor(...all) { super(...all); console.log('worker'); } };
const b = simdBackend({ threads: 3 });
console.log('made');
b.run(program, { x });
b.run(program, { x });`),
    ).toBe('made\nworker\nworker\n');
  });

  test('workers end with the backend', async () => {
    const output = await inProcess(`
const workers = [];
threads.Worker = class extends threads.Worker { constructor(...all) { super(...all); workers.push(this); } };
const b = simdBackend({ threads: 3 });
b.run(program, { x });
const ends = workers.map((worker) => new Promise((resolve) => worker.on('exit', resolve)));
// They keep no process alive, so something else must while they are waited for.
const wait = setTimeout(() => {}, 20_000);
b.dispose();
await Promise.all(ends);
clearTimeout(wait);
console.log('ended', ends.length);`);
    expect(output).toBe('ended 2\n');
  });

  test('a worker that ends gives an error, not a hang', async () => {
    const output = await inProcess(`
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
let letters = 0;
threads.Worker = class { on() {} unref() {} terminate() {} postMessage() { letters++; } };
const expected = simdBackend().run(program, { x }).y.data;
const found = simdBackend({ threads: 3 }).run(program, { x }).y.data;
console.log(letters, Buffer.from(found.buffer).equals(Buffer.from(expected.buffer)));`);
    expect(output).toBe('2 true\n');
  });

  test('when the calling thread fails, the others are told, and the backend runs no more', () => {
    const memories: WebAssembly.Memory[] = [];
    const { Memory } = WebAssembly;
    WebAssembly.Memory = class extends Memory {
      constructor(descriptor: WebAssembly.MemoryDescriptor) {
        super(descriptor);
        memories.push(this);
      }
    };
    try {
      const backend = simdBackend({
        threads: 2,
        watch: () => {
          throw new Error('enough seen');
        },
      });
      const run = (): unknown => backend.run(convolution(3, 1), { x: noise([1, 3, 4, 4], 1) });
      expect(run).toThrow('the simd backend has failed: enough seen');
      expect(memories.map(({ buffer }) => new Int32Array(buffer)[CONTROL.FAILED / 4])).toEqual([1]);
      expect(run).toThrow('a thread of the simd backend has died: enough seen');
      backend.dispose();
    } finally {
      WebAssembly.Memory = Memory;
    }
  });

  test('a worker that fails within a run gives an error', async () => {
    const output = await inProcess(`
// Each worker takes a unit of the first step, and fails before it is done.
threads.Worker = class extends threads.Worker {
  constructor(code, options) {
    const taken = 'Atomics.add(control, ' + ${CONTROL.COUNTERS / 4} + ', 1); ';
    super(code.replace('instance?.exports.run(thread, ', taken + 'throw new Error('), options);
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
});
