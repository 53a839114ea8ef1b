/** From steps to one WebAssembly module whose `run(thread, arena)` does them all in order. */
import { call, i32, when } from './assembler.ts';
import type { Code, I32, MemoryImport } from './assembler.ts';
import { library, type Library } from './library.ts';
import { CONTROL } from './memory.ts';
import { COUNTERS_BYTES, firstThreadOnly } from './parallel.ts';
import type { Place, Step } from './steps.ts';

/** The code for the address of a place. */
function address(place: Place, arena: I32): I32 {
  return place.buffer ? i32.add(arena, i32.const(place.buffer.offset + place.offset)) : i32.const(place.offset);
}

/**
 * The module imports env.memory; env.host(step), which does a step of the kind 'host'; and, to be watched,
 * env.done(step), which the first thread calls after each step.
 */
export function compile(
  steps: readonly Step[],
  memory: MemoryImport,
  options: Pick<Library, 'threads' | 'fma' | 'panel'>,
  watched: boolean,
): Uint8Array<ArrayBuffer> {
  if (CONTROL.COUNTERS + COUNTERS_BYTES * steps.length > CONTROL.BYTES)
    throw new RangeError(`a program of ${steps.length} steps is too long`);
  const lib = library(memory, options);
  const host = lib.module.importFunc('host', { params: ['i32'], results: [] });
  const done = watched ? lib.module.importFunc('done', { params: ['i32'], results: [] }) : undefined;
  const kernels = steps.map((step) => (step.kind === 'kernel' ? step.make(lib) : undefined));
  lib.module.func(
    { params: ['i32', 'i32'], results: [] },
    ({ params }) => {
      const [thread, arena] = params as [(typeof params)[0], (typeof params)[0]];
      return steps.map((step, i): Code => {
        const counters = i32.const(CONTROL.COUNTERS + COUNTERS_BYTES * i);
        return [
          step.kind === 'kernel'
            ? call(kernels[i]!, thread, counters, ...step.operands.map((place) => address(place, arena)))
            : firstThreadOnly(lib, thread, counters, call(host, i32.const(i))),
          done ? when(i32.eqz(thread), call(done, i32.const(i))) : [],
        ];
      });
    },
    'run',
  );
  return lib.module.build();
}
