/** A line to a worker, or, where there can be none, to the same thread: messages go over it, and are answered. */
import { withMethods } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import type { Answer, Kind, Questions } from './protocol.ts';

/** The parts of a browser's and of Node's workers that are used here. */
export interface WorkerLike {
  /** Sends a copy of a message. */
  postMessage(message: unknown): void;
  /** Ends it, whatever it is at. */
  terminate(): unknown;
  /** Of browsers: tells of messages and errors. */
  addEventListener?(type: string, listener: (event: object) => void): void;
  /** Of Node: tells of messages and errors. */
  on?(type: string, listener: (value: unknown) => void): unknown;
  /** Of Node: the process waits for it. */
  ref?(): unknown;
  /** Of Node: the process does not wait for it. */
  unref?(): unknown;
}

/** A line over which questions are asked. */
export interface Line {
  /**
   * Asks, and waits for the answer.
   * @throws InputError for what was asked wrongly; an Error when the other end fails, or is gone
   */
  ask<K extends Kind>(kind: K, ask: Questions[K]['ask']): Promise<Questions[K]['answer']>;
  /** Hangs up: the worker ends, with all its memory, and what was not yet answered fails. */
  close(): void;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

const aWorker = withMethods<WorkerLike>('a worker, as new Worker(…)', 'postMessage', 'terminate');

/** How long a worker may take to come to life: its program has to be fetched and compiled. */
const patienceMilliseconds = 20_000;

/**
 * A line to a worker that is alive.
 * @throws Error when it cannot be started
 */
export async function lineTo(start: () => WorkerLike | Promise<WorkerLike>): Promise<Line> {
  const waiting = new Map<number, Waiting>();
  const worker = await start();
  aWorker('what is started', worker);
  let gone: string | undefined;
  const fail = (reason: string): void => {
    gone ??= reason;
    for (const { reject } of waiting.values()) reject(new Error(reason));
    waiting.clear();
  };
  let onReady = (): void => {};
  const ready = new Promise<void>((resolve, reject) => {
    onReady = resolve;
    waiting.set(0, { resolve: () => resolve(), reject });
  });
  const receive = (message: unknown): void => {
    if (message === 'ready') onReady();
    else settle(waiting, message as Answer);
    rest(worker, waiting);
  };
  listen(worker, receive, fail);
  const patience = setTimeout(() => fail('the worker does not answer'), patienceMilliseconds);
  await ready.finally(() => {
    clearTimeout(patience);
    waiting.delete(0);
    if (gone !== undefined) worker.terminate();
  });
  rest(worker, waiting);

  let next = 1;
  return {
    ask<K extends Kind>(kind: K, ask: Questions[K]['ask']) {
      const id = next++;
      return new Promise<Questions[K]['answer']>((resolve, reject) => {
        if (gone !== undefined) throw new Error(gone);
        post(worker, { id, kind, ...ask });
        waiting.set(id, { resolve: resolve as Waiting['resolve'], reject });
        worker.ref?.();
      });
    },
    close() {
      worker.terminate();
      fail('the sampler has been closed');
    },
  };
}

/** A process of Node ends although a worker is there, but not while it is waited for. */
function rest(worker: WorkerLike, waiting: ReadonlyMap<number, Waiting>): void {
  if (waiting.size === 0) worker.unref?.();
}

function listen(worker: WorkerLike, receive: (message: unknown) => void, fail: (reason: string) => void): void {
  if (worker.on) {
    worker.on('message', receive);
    worker.on('error', (error) => fail(`the worker has failed: ${reasonOf(error)}`));
    worker.on('exit', () => fail('the worker has ended'));
  } else {
    worker.addEventListener?.('message', (event) => receive('data' in event ? event.data : undefined));
    worker.addEventListener?.('error', (event) => fail(`the worker has failed: ${reasonOf(event)}`));
    worker.addEventListener?.('messageerror', () => fail('the worker has sent what cannot be read'));
  }
}

function reasonOf(error: unknown): string {
  const { message } = Object(error) as { readonly message?: unknown };
  return typeof message === 'string' && message !== '' ? message : 'no reason is given';
}

function settle(waiting: Map<number, Waiting>, answer: Answer): void {
  const asked = waiting.get(answer.id);
  waiting.delete(answer.id);
  if (!asked) return;
  if ('value' in answer) asked.resolve(answer.value);
  else
    asked.reject(answer.problem.isInput ? new InputError(answer.problem.message) : new Error(answer.problem.message));
}

/** @throws InputError for what cannot be sent */
function post(worker: WorkerLike, message: object): void {
  try {
    worker.postMessage(message);
  } catch (problem) {
    if ((problem as { readonly name?: unknown }).name !== 'DataCloneError') throw problem;
    throw new InputError(
      `what is to be drawn goes to another thread, which takes values and no functions (${reasonOf(problem)})`,
    );
  }
}
