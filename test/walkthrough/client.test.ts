import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createClient, type Client } from '../../src/walkthrough/client.ts';
import type { FromWorker, ToWorker, RunRequest } from '../../src/walkthrough/protocol.ts';
import { fakeWorkers, type FakeWorker } from './fake-workers.ts';

let workers: readonly FakeWorker<ToWorker, FromWorker>[] = [];
let changes = 0;
let client: Client;
/** What a worker has heard since the last time, without what is asked. */
const newsOf = (worker: number): unknown[] =>
  workers[worker].heard
    .splice(0)
    .map((message) => (message.kind === 'ask' ? { kind: 'ask', job: message.job } : message));
const run = (seed: number): RunRequest => ({ seed, slices: [0], labels: [4], guidance: { kind: 'none' } });

beforeEach(() => {
  [workers, changes] = [fakeWorkers(), 0];
  client = createClient(() => (changes += 1));
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
});
