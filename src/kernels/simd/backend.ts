/**
 * The fast backend. A program is traced once for the shapes of its inputs, lowered to steps, and compiled to a
 * WebAssembly module that is run ever after. The bits are those of the plain loops (except with `fma`).
 */
import { referenceKernels } from '../plain/index.ts';
import { sizeOf, tensor, type Tensor } from '../../tensor/tensor.ts';
import type { Backend, Program, Tensors } from '../kernels.ts';
import { writeErfTable } from './tiles/activations.ts';
import { compile } from './compile.ts';
import { writeConstants } from './tiles/elementary.ts';
import { fmaSupported, sharedMemorySupported, simdSupported } from './features.ts';
import { keyOf } from '../key.ts';
import { lower } from './lower/lower.ts';
import { layOut } from './memory/buffers.ts';
import { CONTROL } from './memory/control.ts';
import { heap } from './memory/heap.ts';
import { weightStore } from './memory/weights.ts';
import { COUNTERS_BYTES } from './threads/parallel.ts';
import type { HostTensor, Lowered, Step, StoredValue } from './lower/steps.ts';
import { pool, startsAsleep, threadsSupported, type AnyWorker } from './threads/threads.ts';
import { applyOperation } from '../operations/index.ts';
import { traceProgram } from '../trace.ts';

export interface SimdOptions {
  /** Threads, the calling one included; 1 by default. Where threads cannot be had, one is used. */
  readonly threads?: number;
  /**
   * For browsers: the workers beside the calling thread, from `openThreads(threads − 1)`. Without them there is one
   * thread.
   */
  readonly workers?: readonly AnyWorker[];
  /** Multiply-adds that round once, where the engine has them: faster, but with bits of their own. */
  readonly fma?: boolean;
  /** Tiles twice as wide, the same bits: faster where the engine joins vectors (see `joinsVectors`), else slower. */
  readonly wide?: boolean;
  /** Is told of every step of a run, for measurements. */
  readonly watch?: (step: StepTime) => void;
}

/** How long a step of a program took. */
export interface StepTime {
  /** The operation, with its shape. */
  readonly name: string;
  /** Multiplications in its sums of products; each has its addition. */
  readonly products: number;
  readonly milliseconds: number;
}

interface Plan {
  readonly key: string;
  readonly module: WebAssembly.Module;
  readonly run: (thread: number, arena: number) => void;
  readonly lowered: Lowered;
  readonly arenaBytes: number;
}

/** Plans that are kept; a run of a further program drops the one that was used longest ago. */
const MOST_PLANS = 24;
const MAXIMUM_PAGES = 65536;

/** Throws an Error where the engine lacks WebAssembly SIMD, or relaxed SIMD for `fma`. */
export function simdBackend(options: SimdOptions = {}): Backend {
  const { watch } = options;
  const fma = options.fma === true;
  const panel = options.wide === true ? 16 : 8;
  if (!simdSupported()) throw new Error('this engine has no WebAssembly SIMD; use the reference kernels');
  if (fma && !fmaSupported())
    throw new Error('this engine has no relaxed SIMD; use the simd kernels (Node has it from version 22 on)');
  const wanted = Math.max(1, Math.floor(options.threads ?? 1));
  const startable = startsAsleep() ? wanted : 1 + Math.min(wanted - 1, options.workers?.length ?? 0);
  const threads = sharedMemorySupported() && threadsSupported() ? startable : 1;

  const memoryLimits = {
    shared: threads > 1,
    minimum: 2,
    maximum: MAXIMUM_PAGES,
  };
  const memory = new WebAssembly.Memory({
    initial: memoryLimits.minimum,
    maximum: memoryLimits.maximum,
    shared: memoryLimits.shared,
  });
  writeConstants(memory);
  writeErfTable(memory);
  const blocks = heap(memory);
  const store = weightStore(blocks);
  const plans = new Map<string, Plan>();
  const identities = new WeakMap<Program, number>();
  let programs = 0;
  let arena = { address: 0, bytes: 0 };
  let dead: string | undefined;
  let disposed = false;
  let stepStart = 0;
  const workers =
    threads > 1
      ? pool(
          memory,
          threads - 1,
          (problem) => {
            dead = problem;
          },
          options.workers,
        )
      : undefined;

  const planFor = (program: Program, inputs: Tensors): Plan => {
    if (!identities.has(program)) identities.set(program, programs++);
    const key = keyOf([identities.get(program), Object.entries(inputs).map(([name, { shape }]) => [name, shape])]);
    const known = plans.get(key);
    if (known) {
      // The latest is last, so the first is the one to drop.
      plans.delete(key);
      plans.set(key, known);
      return known;
    }
    const lowered = lower(traceProgram(program, inputs, referenceKernels), { threads, panel }, store);
    const arenaBytes = layOut(lowered.buffers);
    const module = new WebAssembly.Module(
      compile(lowered.steps, memoryLimits, { threads, fma, panel }, watch !== undefined),
    );
    const host = (index: number): void => runHostStep(memory, arena.address, lowered.steps[index]!);
    const done = (index: number): void => {
      const { name, products } = lowered.steps[index]!;
      watch?.({ name, products, milliseconds: performance.now() - stepStart });
      stepStart = performance.now();
    };
    const { run } = new WebAssembly.Instance(module, {
      env: { memory, host, done },
    }).exports as { run: Plan['run'] };
    const plan: Plan = { key, module, run, lowered, arenaBytes };
    plans.set(key, plan);
    if (plans.size > MOST_PLANS) drop(plans.values().next().value!);
    return plan;
  };
  const drop = (plan: Plan): void => {
    plans.delete(plan.key);
    plan.lowered.weights.forEach((weight) => store.release(weight));
    workers?.forget(plan.module);
  };

  const run = (program: Program, inputs: Tensors): Tensors => {
    if (disposed) throw new Error('the backend has been disposed');
    if (dead !== undefined) throw new Error(`a thread of the simd backend has died: ${dead}`);
    const tensors = Object.values(inputs);
    if (tensors.some(({ dtype, shape }) => dtype !== 'f32' || sizeOf(shape) === 0))
      return program(referenceKernels, inputs);

    const plan = planFor(program, inputs);
    if (arena.bytes < plan.arenaBytes) {
      if (arena.bytes > 0) blocks.free(arena.address);
      arena = {
        address: blocks.allocate(plan.arenaBytes),
        bytes: plan.arenaBytes,
      };
    }
    const { lowered } = plan;
    for (const input of lowered.inputs) view(memory, arena.address, input).set(inputs[input.name]!.data);
    if (workers) {
      new Uint8Array(memory.buffer, CONTROL.COUNTERS, COUNTERS_BYTES * lowered.steps.length).fill(0);
      workers.open(plan.module, arena.address);
    }
    stepStart = performance.now();
    try {
      plan.run(0, arena.address);
      workers?.close();
    } catch (problem) {
      if (workers) {
        Atomics.store(new Int32Array(memory.buffer), CONTROL.FAILED / 4, 1);
        dead = problem instanceof Error ? problem.message : String(problem);
      }
      throw new Error(`the simd backend has failed: ${problem instanceof Error ? problem.message : String(problem)}`, {
        cause: problem,
      });
    }
    return Object.fromEntries(
      lowered.outputs.map((output) => [output.name, readOutput(memory, arena.address, output)]),
    );
  };

  return {
    name: `simd${options.wide ? '-wide' : ''}${fma ? '-fma' : ''}`,
    run,
    dispose() {
      disposed = true;
      workers?.stop();
      [...plans.values()].forEach(drop);
    },
  };
}

/** The floats of a dense tensor without gaps, in the memory. Valid until the memory grows. */
function view(memory: WebAssembly.Memory, arena: number, { shape, place }: HostTensor): Float32Array {
  const start = place.buffer ? arena + place.buffer.offset + place.offset : place.offset;
  return new Float32Array(memory.buffer, start, sizeOf(shape));
}

function runHostStep(memory: WebAssembly.Memory, arena: number, step: Step): void {
  if (step.kind !== 'host') return;
  const inputs = step.inputs.map((input) => tensor('f32', input.shape, view(memory, arena, input)));
  view(memory, arena, step.output).set(applyOperation(referenceKernels, step.operation, inputs).data);
}

/** A copy that belongs to the caller. */
function readOutput(memory: WebAssembly.Memory, arena: number, { shape, place, layout }: StoredValue): Tensor {
  const batch = shape[0] ?? 1;
  const size = sizeOf(shape) / batch;
  if (layout === 'dense' && (batch === 1 || place.batchStride === 4 * size))
    return tensor('f32', shape, view(memory, arena, { shape, place }).slice());
  const data = new Float32Array(batch * size);
  for (let b = 0; b < batch; b++) {
    const sample = view(memory, arena, {
      shape: [size],
      place: { ...place, offset: place.offset + b * place.batchStride },
    });
    if (layout === 'dense') data.set(sample, b * size);
    else {
      const [, tokens, channels] = shape as [number, number, number];
      for (let c = 0; c < channels; c++)
        for (let n = 0; n < tokens; n++) data[b * size + n * channels + c] = sample[c * tokens + n]!;
    }
  }
  return tensor('f32', shape, data);
}
