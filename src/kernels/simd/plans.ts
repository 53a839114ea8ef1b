/** Programs made ready to run, for certain shapes of their inputs. The memory has room for one that runs at a time. */
import { sourceOf } from '../../tensor/deferred.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Graph } from '../graph.ts';
import type { Program, Tensors } from '../kernels.ts';
import { keyOf } from '../key.ts';
import { referenceKernels } from '../plain/index.ts';
import { traceProgram } from '../trace.ts';
import type { MemoryImport } from './assembler/index.ts';
import { compile } from './compile.ts';
import type { LibraryOptions } from './library.ts';
import { loadingSteps } from './lower/load.ts';
import { lower } from './lower/lower.ts';
import type { Lowered, Step } from './lower/steps.ts';
import { layOut } from './memory/buffers.ts';
import { heap } from './memory/heap.ts';
import { weightStore, type MissingWeight, type Packing } from './memory/weights.ts';
import { runHostStep } from './transfer.ts';

/** A program for inputs of certain shapes, compiled. */
export interface Plan extends Runnable {
  readonly key: string;
  readonly lowered: Lowered;
  readonly arenaBytes: number;
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
/**
 * Weights that files keep in 16 bits take twice as much in memory. Beyond this share of it they do not stay there, but
 * are loaded in each run.
 */
const WIDENED_SHARE = 8;

/** Plans that are kept; a further program drops the one that was used longest ago. */
const MOST_PLANS = 24;

/** No plans yet, over a memory of which nothing is given out. */
export function planCache({ memory, limits, options, most, execute, done, forget }: PlanOptions): Plans {
  const blocks = heap(memory);
  const store = weightStore(blocks);
  // The latest is last, so the first is the one to drop.
  const plans = new Map<string, Plan>();
  const numbers = new WeakMap<Program, number>();
  let programs = 0;
  let arena = { address: 0, bytes: 0 };

  const keyFor = (program: Program, inputs: Tensors): string => {
    const number = numbers.get(program) ?? programs++;
    numbers.set(program, number);
    return keyOf([number, Object.entries(inputs).map(([name, { shape }]) => [name, shape])]);
  };
  /** Makes room for an arena of so many bytes, and for the weights. Nothing in the arena is kept. */
  const makeRoom = (bytes: number): void => {
    if (arena.bytes < bytes) {
      blocks.free(arena.address);
      arena = { address: blocks.reserve(bytes), bytes };
    }
    try {
      blocks.grow();
    } catch (problem) {
      blocks.free(arena.address);
      arena = { address: 0, bytes: 0 };
      throw problem;
    }
  };
  const instantiate = (steps: readonly Step[], code: Uint8Array<ArrayBuffer>): Runnable => {
    const module = new WebAssembly.Module(code);
    const env = {
      memory,
      host: (index: number) => {
        const step = steps[index];
        if (step.kind !== 'kernel') runHostStep({ memory, arena: arena.address }, step);
      },
      done: (index: number) => done?.(steps[index]),
    };
    const { run } = new WebAssembly.Instance(module, { env }).exports as Pick<Runnable, 'run'>;
    return { module, run, steps };
  };
  /** Brings weights to their places, in the arena on the way. */
  const load = (weights: readonly MissingWeight[]): void => {
    for (let start = 0; start < weights.length; start += LOADED_AT_ONCE) {
      const { steps, buffers } = loadingSteps(weights.slice(start, start + LOADED_AT_ONCE), options.panel);
      makeRoom(layOut(buffers));
      const loading = instantiate(steps, compile(steps, limits, options, false));
      execute(loading, arena.address);
      forget(loading);
    }
  };
  /** Whether a weight stays in memory, of which weights may take so much. */
  const keeper = (room: number) => (tensor: Tensor, packing: Packing): boolean => {
    const isWidened = (sourceOf(tensor)?.format ?? 'f32') !== 'f32';
    const allowed = isWidened ? Math.min(room, most / WIDENED_SHARE) : room;
    return store.has(tensor, packing) || store.bytes() + 4 * packing.length <= allowed;
  };
  const release = ({ weights }: Lowered): void => {
    for (const weight of weights) weight.release();
  };
  /** The steps of a graph, with as many of its weights in memory as there is room for. */
  const lowerToFit = (graph: Graph): Lowered => {
    const whole = lower(graph, { ...options, keeps: keeper(Infinity) }, store);
    const arenaBytes = layOut(whole.buffers);
    if (store.bytes() + arenaBytes <= most) return whole;
    // What is loaded in each run is in the arena as it is stored, as floats, and arranged.
    const largest = whole.weights.reduce((size, { bytes }) => Math.max(size, bytes), 0);
    release(whole);
    return lower(graph, { ...options, keeps: keeper(most - arenaBytes - 3 * largest) }, store);
  };
  const make = (key: string, program: Program, inputs: Tensors): Plan => {
    const lowered = lowerToFit(traceProgram(program, inputs, referenceKernels));
    try {
      const arenaBytes = layOut(lowered.buffers);
      const { steps } = lowered;
      const code = compile(steps, limits, options, done !== undefined);
      makeRoom(arenaBytes);
      load(store.takeMissing());
      return { key, lowered, arenaBytes, ...instantiate(steps, code) };
    } catch (problem) {
      release(lowered);
      throw problem;
    }
  };
  const drop = (plan: Plan): void => {
    plans.delete(plan.key);
    release(plan.lowered);
    forget(plan);
  };

  return {
    planFor(program, inputs) {
      const key = keyFor(program, inputs);
      const plan = plans.get(key) ?? make(key, program, inputs);
      if (arena.bytes < plan.arenaBytes) makeRoom(plan.arenaBytes);
      plans.delete(key);
      plans.set(key, plan);
      const [oldest] = plans.values();
      if (plans.size > MOST_PLANS) drop(oldest);
      return plan;
    },
    arena: () => arena.address,
    clear() {
      for (const plan of [...plans.values()]) drop(plan);
      blocks.free(arena.address);
      arena = { address: 0, bytes: 0 };
    },
  };
}
