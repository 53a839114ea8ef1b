import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLab, type Lab } from '../../src/walkthrough/lab.ts';
import type { FromWorker, ToWorker, TraceRequest } from '../../src/walkthrough/protocol.ts';

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
let lab: Lab;
const run = (seed: number): TraceRequest => ({ seed, slices: [0], labels: [4], guidance: { kind: 'none' } });

beforeEach(() => {
  [workers, changes] = [[], 0];
  vi.stubGlobal('Worker', FakeWorker);
  vi.stubGlobal('document', { baseURI: 'http://localhost/' });
  lab = createLab(() => (changes += 1));
  lab.open('fast');
  workers[0].news();
});
afterEach(() => vi.unstubAllGlobals());

describe('the lab', () => {
  it('asks once, however often a section draws, and in whichever section', () => {
    lab.update('a', () => lab.trace(run(1)));
    lab.update('a', () => lab.trace(run(1)));
    lab.update('b', () => lab.trace(run(1)));
    expect(workers[0].news()).toEqual([{ kind: 'ask', job: 0 }]);
  });

  it('cancels what nobody wants any more, and forgets it; what is done it keeps', () => {
    lab.update('a', () => [1, 2].forEach((seed) => lab.trace(run(seed))));
    workers[0].onmessage!({ data: { kind: 'done', job: 0, seconds: 2 } });
    lab.update('a', () => lab.trace(run(3)));
    expect(workers[0].news()).toEqual([
      { kind: 'ask', job: 0 },
      { kind: 'ask', job: 1 },
      { kind: 'ask', job: 2 },
      { kind: 'cancel', job: 1 },
    ]);
    lab.update('a', () => {
      expect(lab.trace(run(1))).toMatchObject({ done: true, seconds: 2 });
      expect(lab.trace(run(2))).toEqual({ results: [], done: false });
    });
    expect(workers[0].news()).toEqual([
      { kind: 'ask', job: 3 },
      { kind: 'cancel', job: 2 },
    ]);
  });

  it('keeps working on what another section still wants', () => {
    lab.update('a', () => lab.trace(run(1)));
    lab.update('b', () => lab.trace(run(1)));
    lab.update('a', () => {});
    expect(workers[0].news()).toEqual([{ kind: 'ask', job: 0 }]);
  });

  it('tells the worker what the section needs that the reader looks at', () => {
    lab.update('a', () => lab.trace(run(1)));
    lab.update('b', () => [1, 2].forEach((seed) => lab.trace(run(seed))));
    workers[0].news();
    lab.focus('b');
    lab.focus('b');
    expect(workers[0].news()).toEqual([{ kind: 'focus', jobs: [0, 1] }]);
    workers[0].onmessage!({ data: { kind: 'done', job: 0, seconds: 1 } });
    lab.update('b', () => [1, 2].forEach((seed) => lab.trace(run(seed))));
    expect(workers[0].news()).toEqual([{ kind: 'focus', jobs: [1] }]);
  });

  it('says what has failed: a job, or everything', () => {
    lab.update('a', () => lab.trace(run(1)));
    workers[0].onmessage!({ data: { kind: 'failed', job: 0, problem: 'no such letter' } });
    workers[0].onmessage!({ data: { kind: 'failed', problem: 'no model' } });
    expect(changes).toBe(3); // one for being opened
    lab.update('a', () => expect(lab.trace(run(1))).toMatchObject({ done: true, problem: 'no such letter' }));
    expect(lab.problem()).toBe('no model');
  });

  it('begins anew with other kernels', () => {
    lab.update('a', () => lab.trace(run(1)));
    workers[0].onmessage!({ data: { kind: 'ready', engine: { kernels: 'simd', threads: 2 } } });
    lab.open('plain');
    expect(workers[0].terminated).toBe(true);
    expect(lab.engine()).toBeUndefined();
    lab.update('a', () => lab.trace(run(1)));
    expect(workers[1].news()).toEqual([
      { kind: 'open', kernels: 'plain' },
      { kind: 'ask', job: 1 },
    ]);
  });
});
