import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createClient, type Client, type ReadModel } from '../../src/walkthrough/client.ts';
import type { Files } from '../../src/walkthrough/models.ts';
import type { FromWorker, ToWorker, RunRequest } from '../../src/walkthrough/protocol.ts';
import type { Loaded } from '../../src/walkthrough/work/promised.ts';
import { fakeWorkers, type FakeWorker } from './fake-workers.ts';

let workers: readonly FakeWorker<ToWorker, FromWorker>[] = [];
let changes = 0;
let client: Client;
/** Ends the loading of the model, the latest last. */
let loads: {
  tell: (loaded: Loaded) => void;
  signal: AbortSignal;
  end: (files: Files) => void;
  fail: (problem: Error) => void;
}[];
/** What a worker has heard since the last time, without what is asked. */
const newsOf = (worker: number): unknown[] =>
  workers[worker].heard
    .splice(0)
    .map((message) => (message.kind === 'ask' ? { kind: 'ask', job: message.job } : message));
const run = (seed: number): RunRequest => ({ seed, slices: [0], labels: [4], guidance: { kind: 'none' } });

beforeEach(() => {
  [workers, changes, loads] = [fakeWorkers(), 0, []];
  const readModel: ReadModel = (tell, signal) => new Promise((end, fail) => loads.push({ tell, signal, end, fail }));
  client = createClient(() => (changes += 1), readModel);
  client.open('fast');
  newsOf(0);
});
afterEach(() => vi.unstubAllGlobals());

describe('the client of the worker', () => {
  it('asks once, however often a section draws, and in whichever section', () => {
    client.update('a', () => client.run(run(1)));
    client.update('a', () => client.run(run(1)));
    client.update('b', () => client.run(run(1)));
    expect(newsOf(0)).toEqual([{ kind: 'ask', job: 0 }]);
  });

  it('cancels what nobody wants any more, and forgets it; what is done it keeps', () => {
    client.update('a', () => [1, 2].map((seed) => client.run(run(seed))));
    workers[0].onmessage!({ data: { kind: 'done', job: 0, seconds: 2 } });
    client.update('a', () => client.run(run(3)));
    expect(newsOf(0)).toEqual([
      { kind: 'ask', job: 0 },
      { kind: 'ask', job: 1 },
      { kind: 'ask', job: 2 },
      { kind: 'cancel', job: 1 },
    ]);
    client.update('a', () => {
      expect(client.run(run(1))).toMatchObject({ done: true, seconds: 2 });
      expect(client.run(run(2))).toEqual({ results: [], done: false });
    });
    expect(newsOf(0)).toEqual([
      { kind: 'ask', job: 3 },
      { kind: 'cancel', job: 2 },
    ]);
  });

  it('keeps the latest answers that nobody wants, and forgets the others', () => {
    const seeds = Array.from({ length: 45 }, (_, seed) => seed);
    client.update('a', () => seeds.map((seed) => client.run(run(seed))));
    for (const job of seeds) workers[0].onmessage!({ data: { kind: 'done', job, seconds: 1 } });
    client.update('a', () => {});
    newsOf(0);
    client.update('a', () => [4, 5].map((seed) => client.run(run(seed))));
    expect(newsOf(0)).toMatchObject([{ kind: 'ask', job: 45 }]);
  });

  it('keeps working on what another section still wants', () => {
    client.update('a', () => client.run(run(1)));
    client.update('b', () => client.run(run(1)));
    client.update('a', () => {});
    expect(newsOf(0)).toEqual([{ kind: 'ask', job: 0 }]);
  });

  it('tells the worker what the section needs that the reader looks at', () => {
    client.update('a', () => client.run(run(1)));
    client.update('b', () => [1, 2].map((seed) => client.run(run(seed))));
    newsOf(0);
    client.focus('b');
    client.focus('b');
    expect(newsOf(0)).toEqual([{ kind: 'focus', jobs: [0, 1] }]);
    workers[0].onmessage!({ data: { kind: 'done', job: 0, seconds: 1 } });
    client.update('b', () => [1, 2].map((seed) => client.run(run(seed))));
    expect(newsOf(0)).toEqual([{ kind: 'focus', jobs: [1] }]);
  });

  it('says what has failed: a job, or everything', () => {
    client.update('a', () => client.run(run(1)));
    workers[0].onmessage!({ data: { kind: 'failed', job: 0, problem: 'no such letter' } });
    workers[0].onmessage!({ data: { kind: 'failed', problem: 'no model' } });
    expect(changes).toBe(3); // one for being opened
    client.update('a', () => expect(client.run(run(1))).toMatchObject({ done: true, problem: 'no such letter' }));
    expect(client.problem()).toBe('no model');
    // Nor will anything else be answered; and what is asked of another worker may be.
    client.update('b', () => expect(client.run(run(2))).toMatchObject({ done: true, problem: 'no model' }));
    client.open('fast');
    client.update('b', () => expect(client.run(run(2))).toEqual({ results: [], done: false }));
  });

  it('begins anew with other kernels', () => {
    client.update('a', () => client.run(run(1)));
    workers[0].onmessage!({ data: { kind: 'ready', engine: { kernels: 'simd', threads: 2 } } });
    client.open('plain');
    expect(workers[0].terminated).toBe(true);
    expect(client.engine()).toBeUndefined();
    client.update('a', () => client.run(run(1)));
    expect(newsOf(1)).toEqual([
      { kind: 'open', kernels: 'plain' },
      { kind: 'ask', job: 1 },
    ]);
  });

  it('gives the worker the model, and says how far it is, and what is wrong with it', async () => {
    loads[0].tell({ done: 1, total: 2 });
    expect(client.loaded()).toEqual({ done: 1, total: 2 });
    const files = { config: Uint8Array.of(1) };
    loads[0].end(files);
    await vi.waitFor(() => expect(newsOf(0)).toEqual([{ kind: 'model', files }]));
    client.open('fast');
    loads[1].fail(new Error('the line is cut'));
    await vi.waitFor(() => expect(client.problem()).toBe('the line is cut'));
    client.open('fast');
    expect(client.problem()).toBeUndefined();
  });

  it('hears nothing any more of what was loaded for an earlier worker', async () => {
    client.open('fast');
    expect(loads.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    loads[0].tell({ done: 1, total: 2 });
    loads[0].fail(new Error('stopped'));
    await Promise.resolve();
    newsOf(1);
    loads[1].end({});
    await vi.waitFor(() => expect(newsOf(1)).toEqual([{ kind: 'model', files: {} }]));
    expect(client.loaded()).toBeUndefined();
    expect(client.problem()).toBeUndefined();
  });
});
