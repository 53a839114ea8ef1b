/** From steps to one WebAssembly module whose `run(thread, arena)` does them all in order. */
import { atomicNotifyAll, atomicWait, block, breakIf, call, doWhile, drop, i32, increase, set, tee, trap, when } from './assembler.ts';
import type { Code, Func, I32, MemoryImport } from './assembler.ts';
import { library, type Library } from './library.ts';
import { CONTROL } from './memory.ts';
import type { Place, Step } from './steps.ts';

/** Looks at the barrier before a thread goes to sleep. */
const SPINS = 20_000;
const SLEEP_NANOSECONDS = 100_000_000;
/** Sleeps after which a thread that does not come is given up: 20 seconds. No unit of work takes nearly that long. */
const PATIENCE = 200;

/** The code for the address of a place. */
function address(place: Place, arena: I32): I32 {
  return place.buffer ? i32.add(arena, i32.const(place.buffer.offset + place.offset)) : i32.const(place.offset);
}

/**
 * The module imports env.memory; env.host(step), which does a step of the kind 'host'; and, to be watched,
 * env.done(step), which the first thread calls after each step.
 */
export function compile(steps: readonly Step[], memory: MemoryImport, threads: number, fma: boolean, watched: boolean): Uint8Array<ArrayBuffer> {
  if (CONTROL.COUNTERS + 4 * steps.length > CONTROL.BYTES) throw new RangeError(`a program of ${steps.length} steps is too long`);
  const lib = library(memory, threads, fma);
  const host = lib.module.importFunc('host', { params: ['i32'], results: [] });
  const done = watched ? lib.module.importFunc('done', { params: ['i32'], results: [] }) : undefined;
  const wait = threads > 1 ? barrier(lib) : undefined;
  const kernels = steps.map((step) => (step.kind === 'kernel' ? step.make(lib) : undefined));
  lib.module.func({ params: ['i32', 'i32'], results: [] }, ({ params }) => {
    const [thread, arena] = params as [typeof params[0], typeof params[0]];
    return steps.map((step, i): Code => [
      step.kind === 'kernel'
        ? call(kernels[i]!, thread, i32.const(CONTROL.COUNTERS + 4 * i), ...step.operands.map((place) => address(place, arena)))
        : when(i32.eqz(thread), call(host, i32.const(i))),
      wait ? call(wait) : [],
      done ? when(i32.eqz(thread), call(done, i32.const(i))) : [],
    ]);
  }, 'run');
  return lib.module.build();
}

/** The function () that returns when all threads have called it. The first to arrive spin a little, then sleep. */
function barrier(lib: Library): Func {
  const waiting = i32.const(CONTROL.WAITING);
  const generation = i32.const(CONTROL.GENERATION);
  const sleeping = i32.const(CONTROL.SLEEPING);
  return lib.func('barrier', { params: [], results: [] }, (body) => {
    const seen = body.local('i32');
    const tries = body.local('i32');
    const changed = i32.ne(i32.atomicLoad(generation), seen);
    return [
      set(seen, i32.atomicLoad(generation)),
      when(
        i32.eq(i32.atomicAdd(waiting, i32.const(1)), i32.const(lib.threads - 1)),
        [
          i32.atomicStore(waiting, i32.const(0)),
          i32.atomicStore(generation, i32.add(seen, i32.const(1))),
          // Waking is a slow call, and as a rule all are awake. Who falls asleep right now will find the generation changed.
          when(i32.atomicLoad(sleeping), atomicNotifyAll(generation)),
        ],
        block([
          set(tries, i32.const(SPINS)),
          doWhile(breakIf(changed, 1), tee(tries, i32.sub(tries, i32.const(1)))),
          doWhile([
            breakIf(changed, 1),
            when(i32.ne(i32.atomicLoad(i32.const(CONTROL.FAILED)), i32.const(0)), trap()),
            when(i32.gtS(tries, i32.const(PATIENCE)), trap()),
            drop(i32.atomicAdd(sleeping, i32.const(1))),
            atomicWait(generation, seen, SLEEP_NANOSECONDS),
            drop(i32.atomicAdd(sleeping, i32.const(-1))),
            increase(tries, 1),
          ], i32.const(1)),
        ]),
      ),
      when(i32.ne(i32.atomicLoad(i32.const(CONTROL.FAILED)), i32.const(0)), trap()),
    ];
  });
}
