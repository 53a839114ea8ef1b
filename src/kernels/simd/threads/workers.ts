/** Workers of Node and of browsers: whether there are any, and how they are started. */
import { whole } from '../../../tensor/checks.ts';
import { nodeSource, webSource } from './worker-source.ts';

/** How long a browser may take to open a worker, and how often it is asked. */
const OPENING_MILLISECONDS = 3000;
const OPENINGS = 3;

/** The part of Node's and the browsers' workers that is used here. */
export interface AnyWorker {
  /** Sends a message; memory that is shared arrives as it is. */
  postMessage(message: unknown): void;
  /** Ends it, whatever it is at. */
  terminate(): unknown;
}
interface NodeWorker extends AnyWorker {
  unref(): void;
  on(event: 'error' | 'exit', listener: (problem: unknown) => void): void;
}
interface NodeThreads {
  readonly Worker: new (code: string, options: { eval: true; execArgv: readonly string[] }) => NodeWorker;
}

/** Node's threads, without an import that a bundler for browsers would follow. */
function nodeThreads(): NodeThreads | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } };
  return process?.getBuiltinModule?.('node:worker_threads') as NodeThreads | undefined;
}

/** Whether this thread may sleep until others are done. The main thread of a browser may not. */
export function threadsSupported(): boolean {
  if (nodeThreads()) return true;
  return (
    typeof Worker !== 'undefined' &&
    typeof (globalThis as { WorkerGlobalScope?: unknown }).WorkerGlobalScope !== 'undefined'
  );
}

/**
 * Whether workers come to life while the thread that started them sleeps: not in browsers, where they must be opened
 * before.
 */
export function startsAsleep(): boolean {
  return nodeThreads() !== undefined;
}

/**
 * `count` workers for a backend to come; resolves when all are alive. Node needs none opened, so there are none for it.
 * Rejects with an Error when one cannot start, and with an InputError when the count is no whole number.
 */
export async function openThreads(count: number): Promise<readonly AnyWorker[]> {
  whole(0)('the number of threads', count);
  if (startsAsleep()) return [];
  const url = URL.createObjectURL(new Blob([webSource], { type: 'text/javascript' }));
  try {
    return await Promise.all(Array.from({ length: count }, () => openWorker(url)));
  } finally {
    URL.revokeObjectURL(url);
  }
}

/**
 * A worker that has answered. Of a hundred that Firefox (153) opens without a clock ticking beside them, one never
 * answers.
 */
async function openWorker(url: string): Promise<Worker> {
  for (let i = 0; i < OPENINGS; i++) {
    const worker = new Worker(url);
    let patience: ReturnType<typeof setTimeout> | undefined;
    const answers = await new Promise<boolean>((resolve, reject) => {
      patience = setTimeout(() => resolve(false), OPENING_MILLISECONDS);
      worker.onmessage = () => resolve(true);
      worker.onerror = (event) =>
        reject(new Error(`a thread could not be started: ${event.message || 'the browser gives no reason'}`));
      // Asked and answered: only then do further letters reach it at once. Before, a browser holds them back while this
      // thread sleeps.
      worker.postMessage('open');
    });
    clearTimeout(patience);
    if (answers) return worker;
    worker.terminate();
  }
  throw new Error('a thread could not be started: the browser does not answer');
}

/**
 * `count` threads of Node, started, or as many as may be: none where there is no Node, or where it was told to start
 * none (`--permission`). They do not keep the process alive. `onEnd` is told when one ends.
 */
export function startThreads(count: number, onEnd: (problem: string) => void): readonly AnyWorker[] {
  const threads = nodeThreads();
  const started: AnyWorker[] = [];
  try {
    while (threads && started.length < count) started.push(startThread(threads, onEnd));
  } catch {
    // Those that are there share the work; who calls does all of it alone, if need be.
  }
  return started;
}

function startThread({ Worker }: NodeThreads, onEnd: (problem: string) => void): AnyWorker {
  // Without the options of the process: loaders and the like would only delay the worker, or keep it from starting.
  const worker = new Worker(nodeSource, { eval: true, execArgv: [] });
  const ended = (problem: unknown): void =>
    onEnd(problem instanceof Error ? problem.message : `it ended with status ${String(problem)}`);
  worker.on('error', ended);
  worker.on('exit', ended);
  worker.unref();
  return worker;
}
