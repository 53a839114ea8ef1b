import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createClient, type Client } from '../../src/walkthrough/client.ts';
import type { FromWorker, ToWorker, RunRequest } from '../../src/walkthrough/protocol.ts';

/** A worker that writes down what it is told, and says what the test makes it say. */
class FakeWorker {
  onmessage: ((event: { data: FromWorker }) => void) | null = null;
  readonly heard: ToWorker[] = [];
  terminated = false;
  constructor() {
    workers.push(this);
  }
  postMessage(message: ToWorker): void {
    this.heard.push(message);
  }
  terminate(): void {
    this.terminated = true;
  }
  /** What it has heard since the last time, without what is asked. */
  news(): unknown[] {
    return this.heard
      .splice(0)
      .map((message) => (message.kind === 'ask' ? { kind: 'ask', job: message.job } : message));
  }
}
let workers: FakeWorker[] = [];
let changes = 0;
let client: Client;
const run = (seed: number): RunRequest => ({ seed, slices: [0], labels: [4], guidance: { kind: 'none' } });

beforeEach(() => {
  [workers, changes] = [[], 0];
  vi.stubGlobal('Worker', FakeWorker);
  vi.stubGlobal('document', { baseURI: 'http://localhost/' });
  client = createClient(() => (changes += 1));
  client.open('fast');
  workers[0].news();
});
afterEach(() => vi.unstubAllGlobals());

describe('the client of the worker', () => {
  it('asks once, however often a section draws, and in whichever section', () => {
    client.update('a', () => client.run(run(1)));
    client.update('a', () => client.run(run(1)));
    client.update('b', () => client.run(run(1)));
    expect(workers[0].news()).toEqual([{ kind: 'ask', job: 0 }]);
  });

  it('cancels what nobody wants any more, and forgets it; what is done it keeps', () => {
    client.update('a', () => [1, 2].map((seed) => client.run(run(seed))));
    workers[0].onmessage!({ data: { kind: 'done', job: 0, seconds: 2 } });
    client.update('a', () => client.run(run(3)));
    expect(workers[0].news()).toEqual([
      { kind: 'ask', job: 0 },
      { kind: 'ask', job: 1 },
      { kind: 'ask', job: 2 },
      { kind: 'cancel', job: 1 },
    ]);
    client.update('a', () => {
      expect(client.run(run(1))).toMatchObject({ done: true, seconds: 2 });
      expect(client.run(run(2))).toEqual({ results: [], done: false });
    });
    expect(workers[0].news()).toEqual([
      { kind: 'ask', job: 3 },
      { kind: 'cancel', job: 2 },
    ]);
  });

  it('keeps working on what another section still wants', () => {
    client.update('a', () => client.run(run(1)));
    client.update('b', () => client.run(run(1)));
    client.update('a', () => {});
    expect(workers[0].news()).toEqual([{ kind: 'ask', job: 0 }]);
  });

  it('tells the worker what the section needs that the reader looks at', () => {
    client.update('a', () => client.run(run(1)));
    client.update('b', () => [1, 2].map((seed) => client.run(run(seed))));
    workers[0].news();
    client.focus('b');
    client.focus('b');
    expect(workers[0].news()).toEqual([{ kind: 'focus', jobs: [0, 1] }]);
    workers[0].onmessage!({ data: { kind: 'done', job: 0, seconds: 1 } });
    client.update('b', () => [1, 2].map((seed) => client.run(run(seed))));
    expect(workers[0].news()).toEqual([{ kind: 'focus', jobs: [1] }]);
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
    expect(workers[1].news()).toEqual([
      { kind: 'open', kernels: 'plain' },
      { kind: 'ask', job: 1 },
    ]);
  });
});
