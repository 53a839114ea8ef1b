/**
 * The threads beside the one that calls: workers that run the same modules over the same memory. They are started at
 * the first run that needs them, and do not keep the process alive.
 */
import { sharedMemorySupported } from '../features.ts';
import { CONTROL } from '../memory/control.ts';
import { PATIENCE, SLEEP_MILLISECONDS } from './parallel.ts';
import { startsAsleep, startThreads, threadsSupported, type AnyWorker } from './workers.ts';

/** Looks at the workers that are still in a run before the caller goes to sleep. */
const SPINS = 10_000;

/** How a backend comes to threads beside its own. */
export interface Threads {
  /** So many of those that are wanted can be had, the calling one included. `opened` are the workers that are there. */
  most(wanted: number, opened: readonly AnyWorker[]): number;
  readonly pool: typeof pool;
}

/** The workers of Node, and of browsers those that have been opened. */
export const threads: Threads = {
  most(wanted, opened) {
    if (!sharedMemorySupported() || !threadsSupported()) return 1;
    return startsAsleep() ? wanted : Math.min(wanted, 1 + opened.length);
  },
  pool,
};

/** The workers of one backend. */
export interface Pool {
  /** Calls all workers, threads 1 to N − 1, to `run(thread, arena)` of this module. Does not wait for them. */
  open(module: WebAssembly.Module, arena: number): void;
  /**
   * No worker joins the run any more. Returns when none is in it; throws an Error when one does not come back or has
   * failed.
   */
  close(): void;
  /** Tells the workers that the run has failed: those who wait in it give up. */
  fail(): void;
  /** The workers may drop the module. */
  forget(module: WebAssembly.Module): void;
  /** Ends the workers. */
  stop(): void;
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

  const start = (): readonly AnyWorker[] =>
    opened.length > 0
      ? opened
      : startThreads(count, (problem) => {
          if (!stopping) onDeath(problem);
        });
  const send = (letter: { id: number; module?: WebAssembly.Module }): void => {
    for (const [i, worker] of workers?.entries() ?? []) worker.postMessage({ ...letter, memory, thread: i + 1 });
  };
  /** The module's number, with which the workers have got it. */
  const numberOf = (module: WebAssembly.Module): number => {
    const known = numbers.get(module);
    if (known !== undefined) return known;
    numbers.set(module, next);
    send({ id: next, module });
    return next++;
  };

  const control = new Int32Array(memory.buffer, 0, 128);
  return {
    open(module, arena) {
      workers ??= start();
      Atomics.store(control, CONTROL.MODULE / 4, numberOf(module));
      Atomics.store(control, CONTROL.ARENA / 4, arena);
      Atomics.store(control, CONTROL.OPEN / 4, 1);
      Atomics.add(control, CONTROL.CALL / 4, 1);
      Atomics.notify(control, CONTROL.CALL / 4);
    },
    close() {
      Atomics.store(control, CONTROL.OPEN / 4, 0);
      waitForAll(control);
      if (Atomics.load(control, CONTROL.FAILED / 4) !== 0) throw new Error('another thread has failed');
    },
    fail() {
      Atomics.store(control, CONTROL.FAILED / 4, 1);
    },
    forget(module) {
      const id = numbers.get(module);
      numbers.delete(module);
      if (id !== undefined) send({ id });
    },
    stop() {
      stopping = true;
      for (const worker of workers ?? []) worker.terminate();
      workers = undefined;
    },
  };
}

/** Returns when no worker is in a run any more. @throws Error when one does not come back */
function waitForAll(control: Int32Array): void {
  let active = Atomics.load(control, CONTROL.ACTIVE / 4);
  for (let i = 0; active > 0; i++) {
    if (i === SPINS + PATIENCE) throw new Error('a thread does not come back');
    // As a rule the workers leave at this very moment: not worth a sleep.
    if (i >= SPINS) Atomics.wait(control, CONTROL.ACTIVE / 4, active, SLEEP_MILLISECONDS);
    active = Atomics.load(control, CONTROL.ACTIVE / 4);
  }
}
