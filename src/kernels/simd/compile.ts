/** From steps to one WebAssembly module whose `run(thread, arena)` does them all in order. */
import { InputError } from '../../tensor/errors.ts';
import { call, i32, when } from './assembler/index.ts';
import type { Code, Func, I32, MemoryImport } from './assembler/index.ts';
import { library, type Library, type LibraryOptions } from './library.ts';
import type { Step } from './lower/steps.ts';
import { CONTROL } from './memory/control.ts';
import type { Place } from './memory/place.ts';
import { COUNTERS_BYTES, firstThreadOnly } from './threads/parallel.ts';

/** Steps for whose counters there is room. */
const MOST_STEPS = Math.floor((CONTROL.BYTES - CONTROL.COUNTERS) / COUNTERS_BYTES);

/**
 * The module imports env.memory; env.host(step), which does a step that is no kernel; and, to be watched,
 * env.done(step), which the first thread calls after each step. The steps' buffers must have been laid out. Throws an
 * InputError for more steps than there is room for.
 */
export function compile(
  steps: readonly Step[],
  memory: MemoryImport,
  options: LibraryOptions,
  watched: boolean,
): Uint8Array<ArrayBuffer> {
  if (steps.length > MOST_STEPS)
    throw new InputError(
      `a program of ${steps.length} steps is too long: at most ${MOST_STEPS} fit; part it, or use the plain loops`,
    );
  const lib = library(memory, options);
  const host = lib.module.importFunc('host', { params: ['i32'], results: [] });
  const done = watched ? lib.module.importFunc('done', { params: ['i32'], results: [] }) : undefined;
  const calls = steps.map((step, i) => stepCall(lib, host, step, i));
  lib.module.func(
    { params: ['i32', 'i32'], results: [] },
    ({ params: [thread, arena] }) =>
      calls.map((callOf, i) => [callOf(thread, arena), done ? when(i32.eqz(thread), call(done, i32.const(i))) : []]),
    'run',
  );
  return lib.module.build();
}

/** Makes the kernel of a step; returns the code that calls it. */
function stepCall(lib: Library, host: Func, step: Step, index: number): (thread: I32, arena: I32) => Code {
  const counters = i32.const(CONTROL.COUNTERS + COUNTERS_BYTES * index);
  if (step.kind !== 'kernel') return (thread) => firstThreadOnly(lib, thread, counters, call(host, i32.const(index)));
  const made = step.make(lib);
  return (thread, arena) => call(made, thread, counters, ...step.operands.map((place) => address(place, arena)));
}

/** The code for the address of a place. */
function address(place: Place, arena: I32): I32 {
  return place.buffer ? i32.add(arena, i32.const(place.buffer.offset + place.offset)) : i32.const(place.offset);
}
