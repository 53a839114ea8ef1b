/**
 * The fast backends. A program is traced once for the shapes of its inputs, lowered to steps, and compiled to a
 * WebAssembly module that is run ever after. The bits are those of the plain loops (except with `fma`).
 */
import { InputError, messageOf } from '../../tensor/errors.ts';
import { shapeText, sizeOf } from '../../tensor/tensor.ts';
import type { Backend, Kernels, Program, Tensors } from '../kernels.ts';
import { kernelsInOrder } from '../order.ts';
import { checkProgram } from '../run.ts';
import type { MemoryImport } from './assembler/index.ts';
import { fmaSupported, simdRefusal } from './features.ts';
import type { LibraryOptions } from './library.ts';
import { withoutKernel, type Rules } from './lower/rule.ts';
import type { Step } from './lower/steps.ts';
import { CONTROL } from './memory/control.ts';
import { MOST_PAGES, PAGE } from './memory/heap.ts';
import type { SimdOptions, StepTime } from './options.ts';
import { planCache, type Runnable } from './plans.ts';
import { COUNTERS_BYTES } from './threads/parallel.ts';
import type { Pool, Threads } from './threads/pool.ts';
import { writeConstants } from './tiles/elementary.ts';
import { readOutputs, writeInputs } from './transfer.ts';

/** What a backend is made of: what it leaves out, a bundle need not hold. */
export interface Parts {
  /** How operations are lowered; what has no rule is refused. */
  readonly rules: Partial<Rules>;
  /** What else its kernels read, written to a new memory. */
  readonly tables: readonly ((memory: WebAssembly.Memory) => void)[];
  /** The plain loops, for other precisions than float32 and for empty tensors, which are refused without them. */
  readonly plain?: Kernels;
  /** Threads beside the calling one. */
  readonly threads?: Threads;
}

/**
 * A backend of these parts.
 * @param options have been checked
 * @throws InputError where the engine lacks WebAssembly SIMD, or relaxed SIMD for `fma`, or has no address space for
 *   the memory (its `cause` is then a RangeError)
 */
export function backendOf({ rules, tables, plain, threads: withThreads }: Parts, options: SimdOptions): Backend {
  const library = libraryOptions(withThreads, options);
  const { threads } = library;
  const { order = 'direct' } = options;
  const plainKernels = plain && kernelsInOrder(plain, order);
  const limits = { shared: threads > 1, minimum: 2, maximum: MOST_PAGES };
  const memory = newMemory(limits, tables);
  let died: string | undefined;
  let disposed = false;
  const onDeath = (problem: string): void => {
    died = problem;
  };
  const workers = threads > 1 ? withThreads?.pool(memory, threads - 1, onDeath, options.workers) : undefined;
  const clock = options.watch && stepClock(options.watch);
  /** Runs steps on all threads; returns when all are done with them. */
  const execute = (steps: Runnable, arena: number): void => {
    try {
      runSteps(steps, arena, memory, workers);
    } catch (problem) {
      // The threads have left one another, and will not meet again.
      if (workers) died = messageOf(problem);
      throw problem instanceof InputError ? problem : failure(problem);
    }
  };
  const plans = planCache({
    ...{ memory, limits, options: library, rules, plain, order, execute },
    most: Math.min(options.memory ?? Infinity, MOST_PAGES * PAGE) - CONTROL.BYTES,
    done: clock?.done,
    forget: ({ module }) => workers?.forget(module),
  });

  const run = (program: Program, inputs: Tensors): Tensors => {
    if (disposed) throw new InputError('the backend has been disposed of: make another one with simdBackend()');
    checkProgram(program, inputs);
    if (died !== undefined) throw new Error(`a thread of the simd backend has died: ${died}`);
    const loops = loopsFor(inputs, plainKernels);
    if (loops) return program(loops, inputs);
    const plan = plans.planFor(program, inputs);
    const where = { memory, arena: plans.arena() };
    writeInputs(where, plan.lowered, inputs);
    clock?.start();
    execute(plan, where.arena);
    return readOutputs(where, plan.lowered);
  };

  return {
    name: `simd${options.wide ? '-wide' : ''}${library.fma ? '-fma' : ''}`,
    run,
    release: plans.clear,
    dispose() {
      disposed = true;
      workers?.stop();
      plans.clear();
    },
  };
}

/** The plain loops, where they alone can compute. @throws InputError where there are none */
function loopsFor(inputs: Tensors, plain: Kernels | undefined): Kernels | undefined {
  const other = Object.entries(inputs).find(([, { dtype, shape }]) => dtype !== 'f32' || sizeOf(shape) === 0);
  if (!other) return undefined;
  const [name, { dtype, shape }] = other;
  if (!plain) throw withoutKernel(`the input "${name}", ${shapeText(shape)} in ${dtype}`);
  return plain;
}

/** The backend that `make` makes, or why the engine gives it no memory. @throws InputError for any other reason */
export function backendOrRefusal(make: () => Backend): Backend | string {
  try {
    return make();
  } catch (problem) {
    if (problem instanceof InputError && problem.cause instanceof RangeError) return problem.message;
    throw problem;
  }
}

/** What the kernels depend on, as far as this engine can do it. */
function libraryOptions(withThreads: Threads | undefined, options: SimdOptions): LibraryOptions {
  const { threads = 1, workers = [], fma = false, wide = false } = options;
  const refusal = simdRefusal();
  if (refusal !== undefined) throw new InputError(`${refusal}; use referenceBackend(), or fastestBackend()`);
  if (fma && !fmaSupported())
    throw new InputError('this engine has no relaxed SIMD; use the simd kernels (Node has it from version 22 on)');
  return { threads: withThreads?.most(threads, workers) ?? 1, fma, panel: wide ? 16 : 8 };
}

/** A memory in which nothing is but the numbers that kernels read. @throws InputError when the engine gives none */
function newMemory(limits: MemoryImport, tables: Parts['tables']): WebAssembly.Memory {
  const memory = emptyMemory(limits);
  writeConstants(memory);
  for (const write of tables) write(memory);
  return memory;
}

function emptyMemory({ minimum, maximum, shared }: MemoryImport): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: minimum, maximum, shared });
  } catch (problem) {
    if (!(problem instanceof RangeError)) throw problem;
    throw new InputError(
      `the engine gives the simd backend no memory (${problem.message}); dispose of others, or use referenceBackend()`,
      { cause: problem },
    );
  }
}

function failure(problem: unknown): Error {
  return new Error(`the simd backend has failed: ${messageOf(problem)}`, { cause: problem });
}

function runSteps(
  { module, run, steps }: Runnable,
  arena: number,
  memory: WebAssembly.Memory,
  workers: Pool | undefined,
): void {
  if (!workers) {
    run(0, arena);
    return;
  }
  new Uint8Array(memory.buffer, CONTROL.COUNTERS, COUNTERS_BYTES * steps.length).fill(0);
  workers.open(module, arena);
  try {
    run(0, arena);
    workers.close();
  } catch (problem) {
    workers.fail();
    throw problem;
  }
}

/** Tells `watch` of each step how long it took: from the end of the one before it, or from the start of the run. */
function stepClock(watch: (step: StepTime) => void): { start: () => void; done: (step: Step) => void } {
  let from = 0;
  const start = (): void => {
    from = performance.now();
  };
  return {
    start,
    done({ name, products }) {
      watch({ name, products, milliseconds: performance.now() - from });
      start();
    },
  };
}
