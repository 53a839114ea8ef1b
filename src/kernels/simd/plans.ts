/** Programs made ready to run, for certain shapes of their inputs. The memory has room for one that runs at a time. */
import type { Program, Tensors } from '../kernels.ts';
import { keyOf } from '../key.ts';
import type { Order } from '../order.ts';
import { referenceKernels } from '../plain/index.ts';
import { traceProgram } from '../trace.ts';
import type { MemoryImport } from './assembler/index.ts';
import { compile } from './compile.ts';
import type { LibraryOptions } from './library.ts';
import { lower } from './lower/lower.ts';
import type { Lowered, Step } from './lower/steps.ts';
import { layOut } from './memory/buffers.ts';
import { heap } from './memory/heap.ts';
import { weightStore } from './memory/weights.ts';
import { runHostStep } from './transfer.ts';

/** A program for inputs of certain shapes, compiled. */
export interface Plan {
  readonly key: string;
  readonly module: WebAssembly.Module;
  /** What thread number `thread` has to do, with the activations from address `arena` on. */
  readonly run: (thread: number, arena: number) => void;
  readonly lowered: Lowered;
  readonly arenaBytes: number;
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
  /** In which order their convolutions add up. */
  readonly order: Order;
  /** Is told of every step that is done, if there is somebody who watches. */
  readonly done: ((step: Step) => void) | undefined;
  /** Is told of every plan that is dropped. */
  readonly forget: (plan: Plan) => void;
}

/** Plans that are kept; a further program drops the one that was used longest ago. */
const MOST_PLANS = 24;

/** No plans yet, over a memory of which nothing is given out. */
export function planCache({ memory, limits, options, order, done, forget }: PlanOptions): Plans {
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
  const instantiate = (key: string, lowered: Lowered): Plan => {
    const arenaBytes = layOut(lowered.buffers);
    const { steps } = lowered;
    const code = compile(steps, limits, options, done !== undefined);
    makeRoom(arenaBytes);
    store.fill();
    const module = new WebAssembly.Module(code);
    const env = {
      memory,
      host: (index: number) => {
        const step = steps[index];
        if (step.kind === 'host') runHostStep({ memory, arena: arena.address }, step);
      },
      done: (index: number) => done?.(steps[index]),
    };
    const { run } = new WebAssembly.Instance(module, { env }).exports as Pick<Plan, 'run'>;
    return { key, module, run, lowered, arenaBytes };
  };
  const make = (key: string, program: Program, inputs: Tensors): Plan => {
    const lowered = lower(traceProgram(program, inputs, referenceKernels, order), options, store);
    try {
      return instantiate(key, lowered);
    } catch (problem) {
      for (const weight of lowered.weights) weight.release();
      throw problem;
    }
  };
  const drop = (plan: Plan): void => {
    plans.delete(plan.key);
    for (const weight of plan.lowered.weights) weight.release();
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
    },
  };
}
