/** Workers of a browser, played by objects that answer, fall silent or fail. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openThreads } from '../../../../src/kernels/simd/index.ts';

type Behaviour = 'answers' | 'is silent' | 'fails';

/** What the next workers do, in order; those that were started, and what became of them. */
let behaviours: Behaviour[] = [];
let started: FakeWorker[] = [];
let urls: string[] = [];

class FakeWorker {
  onmessage = (): void => {};
  onerror = (_event: { readonly message: string }): void => {};
  readonly behaviour = behaviours.shift();
  readonly asked: unknown[] = [];
  ended = false;
  constructor(readonly url: string) {
    started.push(this);
  }
  postMessage(message: unknown): void {
    this.asked.push(message);
    if (this.behaviour === 'answers') queueMicrotask(() => this.onmessage());
    if (this.behaviour === 'fails') queueMicrotask(() => this.onerror({ message: 'not today' }));
  }
  terminate(): void {
    this.ended = true;
  }
}

beforeEach(() => {
  [behaviours, started, urls] = [[], [], []];
  vi.useFakeTimers();
  vi.stubGlobal('process', Object.assign(Object.create(process), { getBuiltinModule: undefined }));
  vi.stubGlobal('Worker', FakeWorker);
  vi.spyOn(URL, 'createObjectURL').mockImplementation(() => `blob:${urls.push('made')}`);
  vi.spyOn(URL, 'revokeObjectURL').mockImplementation((url) => void urls.push(url));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  // The source of all of them was let go, however it ended.
  expect(urls).toEqual(['made', 'blob:1']);
});

it('are asked, and are there when they have answered', async () => {
  behaviours = ['answers', 'answers'];
  expect(await openThreads(2)).toEqual(started);
  expect(started.map(({ url, asked, ended }) => [url, asked, ended])).toEqual(
    Array(2).fill(['blob:1', ['open'], false]),
  );
});

it('that never answer are ended, and others opened for them', async () => {
  behaviours = ['is silent', 'answers'];
  const opened = openThreads(1);
  await vi.advanceTimersByTimeAsync(2999);
  expect(started).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(await opened).toEqual([started[1]]);
  expect(started.map(({ ended }) => ended)).toEqual([true, false]);
});

it('are given up when three have not answered', async () => {
  behaviours = ['is silent', 'is silent', 'is silent'];
  const refused = expect(openThreads(1)).rejects.toThrow('a thread could not be started: the browser does not answer');
  await vi.advanceTimersByTimeAsync(9000);
  await refused;
  expect(started.map(({ ended }) => ended)).toEqual([true, true, true]);
});

it('that cannot be started say why', async () => {
  behaviours = ['fails'];
  await expect(openThreads(1)).rejects.toThrow('a thread could not be started: not today');
});
