/** The line to a worker, and the worker's end of it, with workers that are none. */
import { describe, expect, it } from 'vitest';
import { lineTo, type WorkerLike } from '../../src/off-thread/line.ts';
import { sample } from '../../src/off-thread/sampler.ts';
import { serve } from '../../src/off-thread/server.ts';
import { randomUNet, smallConfig } from '../models/unet2d/models.ts';

/** A worker of Node's kind that keeps what it is told, and says what the test has it say. */
function fakeWorker(): WorkerLike & { log: string[]; say(type: string, value: unknown): void } {
  const listeners = new Map<string, (value: unknown) => void>();
  const log: string[] = [];
  return {
    log,
    say: (type, value) => listeners.get(type)?.(value),
    on: (type, listener) => listeners.set(type, listener),
    postMessage: (message) => log.push(JSON.stringify(message)),
    terminate: () => log.push('terminate'),
    ref: () => log.push('ref'),
    unref: () => log.push('unref'),
  };
}

describe('a line', () => {
  it('is there when the worker says that it is ready, and keeps the process only while it is waited for', async () => {
    const worker = fakeWorker();
    const opening = lineTo(() => worker);
    await Promise.resolve();
    worker.say('message', 'ready');
    const line = await opening;
    expect(worker.log.at(-1)).toBe('unref');
    const asked = line.ask('next', { run: 3 });
    expect(worker.log.slice(-2)).toEqual(['{"id":1,"kind":"next","run":3}', 'ref']);
    worker.say('message', { id: 1, value: { done: false, value: 'x' } });
    expect(await asked).toEqual({ done: false, value: 'x' });
    expect(worker.log.at(-1)).toBe('unref');
    line.close();
    expect(worker.log.at(-1)).toBe('terminate');
  });

  it('ends a worker that fails before it is ready', async () => {
    const worker = fakeWorker();
    const opening = lineTo(() => worker);
    await Promise.resolve();
    worker.say('error', new Error('no such file'));
    await expect(opening).rejects.toThrow('the worker has failed: no such file');
    expect(worker.log).toContain('terminate');
  });

  it('listens to workers of browsers', async () => {
    const listeners = new Map<string, (event: object) => void>();
    const opening = lineTo(() => ({
      postMessage: () => {},
      terminate: () => {},
      addEventListener: (type, listener) => listeners.set(type, listener),
    }));
    await Promise.resolve();
    listeners.get('message')?.({ data: 'ready' });
    const line = await opening;
    const asked = line.ask('end', { run: 0 });
    listeners.get('error')?.({ message: '' });
    await expect(asked).rejects.toThrow('the worker has failed: no reason is given');
    await expect(line.ask('end', { run: 0 })).rejects.toThrow('the worker has failed');
  });
});

it('a worker is told on how many threads and in which order a run is computed', async () => {
  const told: unknown[] = [];
  const worker = { ...fakeWorker(), postMessage: (message: unknown) => told.push(message) };
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const { config, weights } = randomUNet(smallConfig);
  const choices = { threads: 2, order: 'fast', worker: () => worker } as const;
  const drawn = sample({ model: { config, weights }, labels: [0], steps: 1, ...choices });
  await turn();
  worker.say('message', 'ready');
  await turn();
  expect(told).toEqual([expect.objectContaining({ kind: 'open', threads: 2, order: 'fast' })]);
  worker.say('error', new Error('enough'));
  await expect(drawn).rejects.toThrow('enough');
});

describe("the worker's end", () => {
  it('has no run before it is begun, and none when it has ended', async () => {
    let ask = (_message: unknown): void => {};
    const answers: { id: number; value?: unknown; problem?: unknown }[] = [];
    serve({
      postMessage: (message) => answers.push(message as (typeof answers)[0]),
      listen: (receive) => {
        ask = receive;
      },
    });
    const answerTo = async (question: { id: number; [key: string]: unknown }): Promise<unknown> => {
      ask(question);
      await expect.poll(() => answers.at(-1)?.id).toBe(question.id);
      return answers.at(-1);
    };
    const { config, weights } = randomUNet(smallConfig);
    const none = { isInput: false, message: 'there is no run 1' };
    expect(await answerTo({ id: 1, kind: 'start', run: 1, request: {} })).toMatchObject({
      problem: { message: 'no model is open' },
    });
    await answerTo({ id: 2, kind: 'open', model: { config, weights }, threads: 1 });
    expect(await answerTo({ id: 3, kind: 'next', run: 1 })).toEqual({ id: 3, problem: none });
    await answerTo({ id: 4, kind: 'start', run: 1, request: { labels: [0] } });
    expect(await answerTo({ id: 5, kind: 'next', run: 1 })).toMatchObject({ value: { done: false } });
    await answerTo({ id: 6, kind: 'end', run: 1 });
    expect(await answerTo({ id: 7, kind: 'next', run: 1 })).toEqual({ id: 7, problem: none });
  });
});
