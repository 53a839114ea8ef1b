/**
 * The threads beside the one that calls: workers that run the same modules over the same memory. They are started at
 * the first run that needs them, and do not keep the process alive.
 */
import { CONTROL } from '../memory/control.ts';
import { PATIENCE, SLEEP_MILLISECONDS } from './parallel.ts';

/** How long a browser may take to open a worker, and how often it is asked. */
const OPENING_MILLISECONDS = 3000;
const OPENINGS = 3;
/** Looks at the workers that are still in a run before the caller goes to sleep. */
const SPINS = 10_000;

export interface Pool {
  /** Calls all workers, threads 1 to N − 1, to `run(thread, arena)` of this module. Does not wait for them. */
  open(module: WebAssembly.Module, arena: number): void;
  /**
   * No worker joins the run any more. Returns when none is in it; throws an Error when one does not come back or has
   * failed.
   */
  close(): void;
  /** The workers may drop the module. */
  forget(module: WebAssembly.Module): void;
  stop(): void;
}

/** The part of Node's and the browsers' workers that is used here. */
export interface AnyWorker {
  postMessage(message: unknown): void;
  terminate(): unknown;
}
interface NodeWorker extends AnyWorker {
  unref(): void;
  on(event: 'error' | 'exit', listener: (problem: unknown) => void): void;
}
interface NodeThreads {
  readonly Worker: new (code: string, options: { eval: true; execArgv: readonly string[] }) => NodeWorker;
}

/**
 * All that a worker does, as source text, so that it runs alike from TypeScript, from built JavaScript and from a
 * bundle. It sleeps in the shared memory, from where it is woken faster than by a message, and is called once for every
 * run. It says that it is there before it looks whether the run is still open: either it sees that it is not, or who
 * closes the run sees it and waits. Called to a module that it does not have, it goes and reads its mail. A failure is
 * left in the shared memory, where the other threads look while they wait.
 */
const workerSource = `
const instances = new Map();
let control;
const joins = (thread) => {
  if (Atomics.load(control, ${CONTROL.OPEN / 4}) === 0) return true;
  const instance = instances.get(Atomics.load(control, ${CONTROL.MODULE / 4}));
  instance?.exports.run(thread, Atomics.load(control, ${CONTROL.ARENA / 4}));
  return instance !== undefined;
};
const serve = (thread) => {
  for (let known = true; known;) {
    const call = Atomics.load(control, ${CONTROL.CALL / 4});
    Atomics.add(control, ${CONTROL.ACTIVE / 4}, 1);
    try {
      known = joins(thread);
    } catch (problem) {
      Atomics.store(control, ${CONTROL.FAILED / 4}, 1);
    }
    Atomics.sub(control, ${CONTROL.ACTIVE / 4}, 1);
    Atomics.notify(control, ${CONTROL.ACTIVE / 4});
    if (known) Atomics.wait(control, ${CONTROL.CALL / 4}, call);
  }
};
const receive = ({ memory, thread, id, module }) => {
  control ??= new Int32Array(memory.buffer, 0, 128);
  if (module) instances.set(id, new WebAssembly.Instance(module, { env: { memory, host() {}, done() {} } }));
  else instances.delete(id);
  serve(thread);
};`;
const nodeSource = `${workerSource} require('node:worker_threads').parentPort.on('message', receive);`;
const webSource = `${workerSource} onmessage = ({ data }) => { if (data === 'open') postMessage('open'); else receive(data); };`;

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
 * Rejects with an Error when one cannot start.
 */
export async function openThreads(count: number): Promise<readonly AnyWorker[]> {
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

/** `count` workers over `memory`, `opened` ones if there are any; `onDeath` is told when one ends unasked. */
export function pool(
  memory: WebAssembly.Memory,
  count: number,
  onDeath: (problem: string) => void,
  opened: readonly AnyWorker[] = [],
): Pool {
  const numbers = new Map<WebAssembly.Module, number>();
  let workers: readonly AnyWorker[] | undefined;
  let next = 0;
  let stopping = false;

  const startWorker = (): AnyWorker => {
    const died = (problem: unknown): void => {
      if (!stopping) onDeath(problem instanceof Error ? problem.message : `it ended with status ${String(problem)}`);
    };
    // Without the options of the process: loaders and the like would only delay the worker, or keep it from starting.
    const worker = new (nodeThreads()!.Worker)(nodeSource, { eval: true, execArgv: [] });
    worker.on('error', died);
    worker.on('exit', died);
    worker.unref();
    return worker;
  };

  const control = new Int32Array(memory.buffer, 0, 128);
  const send = (letter: { id: number; module?: WebAssembly.Module }): void => {
    workers?.forEach((worker, i) => worker.postMessage({ ...letter, memory, thread: i + 1 }));
  };

  return {
    open(module, arena) {
      workers ??= opened.length > 0 ? opened : Array.from({ length: count }, startWorker);
      if (!numbers.has(module)) {
        numbers.set(module, next);
        send({ id: next++, module });
      }
      Atomics.store(control, CONTROL.MODULE / 4, numbers.get(module)!);
      Atomics.store(control, CONTROL.ARENA / 4, arena);
      Atomics.store(control, CONTROL.OPEN / 4, 1);
      Atomics.add(control, CONTROL.CALL / 4, 1);
      Atomics.notify(control, CONTROL.CALL / 4);
    },
    close() {
      Atomics.store(control, CONTROL.OPEN / 4, 0);
      let active = Atomics.load(control, CONTROL.ACTIVE / 4);
      for (let i = 0; active > 0; i++) {
        if (i === SPINS + PATIENCE) throw new Error('a thread does not come back');
        // As a rule the workers leave at this very moment: not worth a sleep.
        if (i >= SPINS) Atomics.wait(control, CONTROL.ACTIVE / 4, active, SLEEP_MILLISECONDS);
        active = Atomics.load(control, CONTROL.ACTIVE / 4);
      }
      if (Atomics.load(control, CONTROL.FAILED / 4) !== 0) throw new Error('another thread has failed');
    },
    forget(module) {
      const id = numbers.get(module);
      numbers.delete(module);
      if (id !== undefined) send({ id });
    },
    stop() {
      stopping = true;
      workers?.forEach((worker) => worker.terminate());
      workers = undefined;
    },
  };
}
