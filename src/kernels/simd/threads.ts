/**
 * The threads beside the one that calls: workers that run the same modules over the same memory. They are started at the
 * first run that needs them, and do not keep the process alive.
 */
import { CONTROL } from './memory.ts';

export interface Pool {
  /** Starts `run(thread, arena)` of this module on all workers, threads 1 to N − 1. Does not wait. */
  start(module: WebAssembly.Module, arena: number): void;
  /** The workers may drop the module. */
  forget(module: WebAssembly.Module): void;
  stop(): void;
}

/** The part of Node's and the browsers' workers that is used here. */
interface AnyWorker {
  postMessage(message: unknown): void;
  terminate(): unknown;
}
interface NodeWorker extends AnyWorker {
  unref(): void;
  on(event: 'error' | 'exit', listener: (problem: unknown) => void): void;
}
interface NodeThreads {
  readonly Worker: new (code: string, options: { eval: true; workerData: unknown }) => NodeWorker;
}

/**
 * All that a worker does, as source text, so that it runs alike from TypeScript, from built JavaScript and from a
 * bundle. Modules are known by number; each is instantiated once. A failure is left in the shared memory, where the
 * other threads look while they wait.
 */
const workerSource = `
const instances = new Map();
const receive = ({ memory, thread, id, module, arena, forget }) => {
  if (forget !== undefined) { instances.delete(forget); return; }
  try {
    if (!instances.has(id)) instances.set(id, new WebAssembly.Instance(module, { env: { memory, host() {} } }));
    instances.get(id).exports.run(thread, arena);
  } catch (problem) {
    Atomics.store(new Int32Array(memory.buffer), ${CONTROL.FAILED / 4}, 1);
    Atomics.notify(new Int32Array(memory.buffer), ${CONTROL.GENERATION / 4});
  }
};`;
const nodeSource = `${workerSource} require('node:worker_threads').parentPort.on('message', receive);`;
const webSource = `${workerSource} onmessage = (event) => receive(event.data);`;

/** Node's threads, without an import that a bundler for browsers would follow. */
function nodeThreads(): NodeThreads | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } };
  return process?.getBuiltinModule?.('node:worker_threads') as NodeThreads | undefined;
}

/** Whether this thread may start workers and sleep until they are done. The main thread of a browser may not sleep. */
export function threadsSupported(): boolean {
  if (nodeThreads()) return true;
  return typeof Worker !== 'undefined' && typeof (globalThis as { WorkerGlobalScope?: unknown }).WorkerGlobalScope !== 'undefined';
}

/** `count` workers over `memory`; `onDeath` is told when one ends unasked. */
export function pool(memory: WebAssembly.Memory, count: number, onDeath: (problem: string) => void): Pool {
  const numbers = new Map<WebAssembly.Module, number>();
  let workers: AnyWorker[] | undefined;
  let next = 0;
  let stopping = false;

  const startWorker = (): AnyWorker => {
    const died = (problem: unknown): void => {
      if (!stopping) onDeath(problem instanceof Error ? problem.message : `it ended with status ${String(problem)}`);
    };
    const node = nodeThreads();
    if (node) {
      const worker = new node.Worker(nodeSource, { eval: true, workerData: undefined });
      worker.on('error', died);
      worker.on('exit', died);
      worker.unref();
      return worker;
    }
    const url = URL.createObjectURL(new Blob([webSource], { type: 'text/javascript' }));
    const worker = new Worker(url);
    worker.onerror = (event) => died(new Error(event.message));
    return worker;
  };

  return {
    start(module, arena) {
      workers ??= Array.from({ length: count }, startWorker);
      const known = numbers.has(module);
      if (!known) numbers.set(module, next++);
      const id = numbers.get(module)!;
      workers.forEach((worker, i) => worker.postMessage({ memory, thread: i + 1, id, arena, ...(known ? {} : { module }) }));
    },
    forget(module) {
      const id = numbers.get(module);
      numbers.delete(module);
      if (id !== undefined) workers?.forEach((worker) => worker.postMessage({ forget: id }));
    },
    stop() {
      stopping = true;
      workers?.forEach((worker) => worker.terminate());
      workers = undefined;
    },
  };
}
