/** How the worker of this library is started, and what takes its place where there can be none. */
import type { WorkerLike } from './line.ts';
import type { Question } from './protocol.ts';

interface NodeThreads {
  readonly Worker: new (url: URL) => WorkerLike;
}
interface WebScope {
  readonly Worker?: new (url: URL, options: { readonly type: 'module' }) => WorkerLike;
  readonly process?: { getBuiltinModule?: (name: string) => unknown };
}

/**
 * A worker that runs `pag-reference/worker`, which lies beside this file. Bundlers that know the form
 * `new Worker(new URL(…, import.meta.url))` bring it along.
 * @throws an error when the engine has no workers, or forbids them
 */
export function startWorker(): WorkerLike {
  const { process } = globalThis as WebScope;
  const threads = process?.getBuiltinModule?.('node:worker_threads') as NodeThreads | undefined;
  if (threads) return new threads.Worker(new URL('./worker.js', import.meta.url));
  return new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
}

/** How long what computes may take to be loaded. */
const patienceMilliseconds = 20_000;

/**
 * What is being loaded. Rollup puts what an entry and a chunk have in common into the entry, and then each waits for
 * the other, for ever, where the entry has an `await` at its top.
 * @throws Error where it does not come
 */
function inTime<T>(loading: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const patience = setTimeout(
      () =>
        reject(new Error('what computes does not load; does the entry of the bundle wait for it at its top level?')),
      patienceMilliseconds,
    );
    loading.then(resolve, reject).finally(() => clearTimeout(patience));
  });
}

/**
 * No worker, but what looks like one: it computes in this thread, which is free for other things between two steps.
 * What computes is loaded only where it is needed.
 * @throws Error where it cannot be loaded
 */
export async function sameThread(): Promise<WorkerLike> {
  const { serve } = await inTime(import('./server.ts'));
  let toServer = (_message: unknown): void => {};
  let toProgram = (_message: unknown): void => {};
  let ended = false;
  const later = (send: () => void): void => {
    setTimeout(() => {
      if (!ended) send();
    }, 0);
  };
  serve({
    postMessage: (message) => later(() => toProgram(message)),
    listen(receive) {
      toServer = receive;
    },
  });
  later(() => toProgram('ready'));
  return {
    postMessage(message) {
      const isModel = (message as Question).kind === 'open';
      // A copy, as a worker gets it; but not of the model, which is large, and changed by nobody.
      const sent = isModel ? message : structuredClone(message);
      later(() => toServer(sent));
    },
    on(type, listener) {
      if (type === 'message') toProgram = listener;
    },
    terminate() {
      ended = true;
    },
  };
}
