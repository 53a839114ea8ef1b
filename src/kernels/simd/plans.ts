/** Programs made ready to run, for certain shapes of their inputs. The memory has room for one that runs at a time. */
import type { Kernels, Program, Tensors } from '../kernels.ts';
import { keyOf } from '../key.ts';
import type { Order } from '../order.ts';
import { traceProgram } from '../trace.ts';
import type { MemoryImport } from './assembler/index.ts';
import { compile } from './compile.ts';
import type { LibraryOptions } from './library.ts';
import { loadingSteps } from './lower/load.ts';
import { lowerToFit, releaseWeights, type LaidOut } from './lower/to-fit.ts';
import type { Rules } from './lower/rule.ts';
import { arena, type Arena } from './memory/arena.ts';
import type { Step } from './lower/steps.ts';
import { layOut } from './memory/buffers.ts';
import { heap } from './memory/heap.ts';
import { weightStore, type MissingWeight } from './memory/weights.ts';
import { runHostStep } from './transfer.ts';

/** A program for inputs of certain shapes, compiled. */
export interface Plan extends Runnable, LaidOut {
  readonly key: string;
}

/** Steps, compiled. */
export interface Runnable {
  readonly module: WebAssembly.Module;
  /** What thread number `thread` has to do, with the activations from address `arena` on. */
  readonly run: (thread: number, arena: number) => void;
  readonly steps: readonly Step[];
}

/** The plans that are kept. */
export interface Plans {
  /**
   * The plan of a program, made at the first use. Its weights are in memory, and the arena is large enough for it.
   * @throws InputError when the program does not fit together, or its memory is more than there is
   */
  planFor(program: Program, inputs: Tensors): Plan;
  /** The address of the arena, which all plans use in turn. */
  arena(): number;
  /** Drops all plans. */
  clear(): void;
}

/** What the plans of a backend have in common. */
export interface PlanOptions {
  readonly memory: WebAssembly.Memory;
  /** How modules import it. */
  readonly limits: MemoryImport;
  readonly options: LibraryOptions;
  /** How operations are lowered. */
  readonly rules: Partial<Rules>;
  /** What computes what depends on constants alone; without it that is computed in each run. */
  readonly plain: Kernels | undefined;
  /** In which order their convolutions add up. */
  readonly order: Order;
  /** The most bytes that weights and activations may take. */
  readonly most: number;
  /** Runs steps on all threads, with the activations from address `arena` on. */
  readonly execute: (steps: Runnable, arena: number) => void;
  /** Is told of every step that is done, if there is somebody who watches. */
  readonly done: ((step: Step) => void) | undefined;
  /** Is told of every plan that is dropped. */
  readonly forget: (plan: Runnable) => void;
}

/** Weights that are loaded by one module. */
const LOADED_AT_ONCE = 1000;
/** Numbers for which it is worth while to call the other threads. */
const SHARED_FROM = 2 ** 24;
/** Plans that are kept; a further program drops the one that was used longest ago. */
const MOST_PLANS = 24;

/** No plans yet, over a memory of which nothing is given out. */
export function planCache(planOptions: PlanOptions): Plans {
  const { memory, options, rules, plain, order, most, forget } = planOptions;
  const blocks = heap(memory);
  const store = weightStore(blocks);
  const activations = arena(blocks);
  // The latest is last, so the first is the one to drop.
  const plans = new Map<string, Plan>();
  const numbers = new WeakMap<Program, number>();
  let programs = 0;

  const keyFor = (program: Program, inputs: Tensors): string => {
    const number = numbers.get(program) ?? programs++;
    numbers.set(program, number);
    return keyOf([number, Object.entries(inputs).map(([name, { shape }]) => [name, shape])]);
  };
  const make = (key: string, program: Program, inputs: Tensors): Plan => {
    const graph = traceProgram(program, inputs, plain, order);
    const { lowered, arenaBytes } = lowerToFit(graph, rules, options, store, most);
    try {
      const build = builder(planOptions, lowered.steps, activations);
      activations.makeRoom(arenaBytes);
      loadWeights(planOptions, store.takeMissing(), activations);
      return { key, lowered, arenaBytes, ...build() };
    } catch (problem) {
      releaseWeights(lowered);
      throw problem;
    }
  };
  const drop = (plan: Plan): void => {
    plans.delete(plan.key);
    releaseWeights(plan.lowered);
    forget(plan);
  };

  return {
    planFor(program, inputs) {
      const key = keyFor(program, inputs);
      const plan = plans.get(key) ?? make(key, program, inputs);
      activations.makeRoom(plan.arenaBytes);
      plans.delete(key);
      plans.set(key, plan);
      const [oldest] = plans.values();
      if (plans.size > MOST_PLANS) drop(oldest);
      return plan;
    },
    arena: activations.address,
    clear() {
      for (const plan of [...plans.values()]) drop(plan);
      activations.clear();
    },
  };
}

/** Writes the module of these steps; returns what compiles it. */
function builder(
  { memory, limits, options, done }: PlanOptions,
  steps: readonly Step[],
  activations: Arena,
): () => Runnable {
  const code = compile(steps, limits, options, done !== undefined);
  return () => {
    const module = new WebAssembly.Module(code);
    const env = {
      memory,
      host: (index: number) => {
        const step = steps[index];
        if (step.kind !== 'kernel') runHostStep({ memory, arena: activations.address() }, step);
      },
      done: (index: number) => done?.(steps[index]),
    };
    const { run } = new WebAssembly.Instance(module, { env }).exports as Pick<Runnable, 'run'>;
    return { module, run, steps };
  };
}

/** Brings weights to their places. On the way they are in the arena. */
function loadWeights(planOptions: PlanOptions, weights: readonly MissingWeight[], activations: Arena): void {
  const { options, execute, forget } = planOptions;
  const numbers = weights.reduce((sum, { packing }) => sum + packing.length, 0);
  const threads = numbers < SHARED_FROM ? 1 : options.threads;
  for (let start = 0; start < weights.length; start += LOADED_AT_ONCE) {
    const { steps, buffers } = loadingSteps(weights.slice(start, start + LOADED_AT_ONCE), options.panel);
    activations.makeRoom(layOut(buffers));
    const own = { ...planOptions, options: { ...options, threads }, done: undefined };
    const loading = builder(own, steps, activations)();
    if (threads === 1) loading.run(0, activations.address());
    else {
      execute(loading, activations.address());
      forget(loading);
    }
  }
}
