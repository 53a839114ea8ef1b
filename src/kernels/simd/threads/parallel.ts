/**
 * How threads share the work of a step. Each step has two counters: units of work that were taken, and units that are
 * done. Whoever is free takes the next; when none is left, all wait until the last one is done, for the next step reads
 * what this one wrote. Nobody waits for a thread that took nothing: one that wakes late, or was put aside by the
 * system, walks past the finished steps and joins the others where they are.
 */
import {
  atMost,
  atomicNotifyAll,
  atomicWait,
  block,
  breakIf,
  call,
  doWhile,
  drop,
  forRange,
  i32,
  increase,
  set,
  tee,
  trap,
  when,
  whileLoop,
} from '../assembler/index.ts';
import type { Code, I32, Local } from '../assembler/index.ts';
import type { KernelBody, Library } from '../library.ts';
import { CONTROL } from '../memory/control.ts';

/** A step's counters, in bytes from its address. */
const TAKEN = 0;
const DONE = 4;
/** Bytes of a step's counters. */
export const COUNTERS_BYTES = 8;

/**
 * Pieces that a thread takes of a step, about: so many that the last one is short, so few that taking them costs
 * nothing.
 */
const PIECES_PER_THREAD = 24;
/** Looks at the counter before a thread goes to sleep. */
const SPINS = 20_000;
/** How long a thread that waits for another one sleeps before it looks whether that has failed. */
export const SLEEP_MILLISECONDS = 100;
/** Sleeps after which the other one is given up: 20 seconds. No unit of work takes nearly that long. */
export const PATIENCE = 200;

/**
 * As many units a step should have, where it can be cut so: each thread has many, and one that is delayed leaves some
 * to the others.
 */
export function wantedUnits({ threads }: Library): number {
  return threads === 1 ? 1 : PIECES_PER_THREAD * threads;
}

/**
 * Does the work units 0 … units − 1, each by whichever thread comes first; returns when all are done. A unit writes
 * what no other unit writes, so who does it cannot be seen in the bits.
 */
export function parallel(lib: Library, body: KernelBody, units: number, work: (unit: Local<'i32'>) => Code): Code {
  const unit = body.local('i32');
  if (lib.threads === 1) return forRange(unit, i32.const(0), i32.const(units), 1, work(unit));
  const piece = Math.max(1, Math.floor(units / wantedUnits(lib)));
  const pieces = Math.ceil(units / piece);
  const [taken, end] = body.locals('i32');
  const next = i32.atomicAdd(body.counters, i32.const(1), TAKEN);
  const most = i32.const(units);
  return [
    set(taken, next),
    whileLoop(i32.ltS(taken, i32.const(pieces)), [
      set(unit, i32.mul(taken, i32.const(piece))),
      set(end, i32.add(unit, i32.const(piece))),
      units % piece === 0 ? [] : atMost(end, most),
      doWhile([work(unit), increase(unit, 1)], i32.ltS(unit, end)),
      finishPiece(lib, body.counters, pieces),
      set(taken, next),
    ]),
    awaitPieces(lib, body.counters, pieces),
  ];
}

/** Work that only the first thread can do, as one piece. */
export function firstThreadOnly(lib: Library, thread: I32, counters: I32, work: Code): Code {
  if (lib.threads === 1) return work;
  return [when(i32.eqz(thread), [work, finishPiece(lib, counters, 1)]), awaitPieces(lib, counters, 1)];
}

/** Counts a piece as done, and wakes those who wait for the last one. */
function finishPiece(lib: Library, counters: I32, pieces: number): Code {
  const wake = lib.func('wake', { params: ['i32'], results: [] }, ({ params: [counter] }) =>
    // Waking is a slow call, and as a rule all are awake. Who falls asleep right now will find the counter changed.
    when(i32.atomicLoad(i32.const(CONTROL.SLEEPING)), atomicNotifyAll(i32.add(counter, i32.const(DONE)))),
  );
  return when(i32.eq(i32.atomicAdd(counters, i32.const(1), DONE), i32.const(pieces - 1)), call(wake, counters));
}

/** Returns when all pieces are done: looks for a while, then sleeps. Traps when a thread has failed. */
function awaitPieces(lib: Library, counters: I32, pieces: number): Code {
  const wait = lib.func('wait', { params: ['i32', 'i32'], results: [] }, (body): Code => {
    const [start, wanted] = body.params;
    const sleeping = i32.const(CONTROL.SLEEPING);
    const [seen, tries] = body.locals('i32');
    const isLast = i32.eq(tee(seen, i32.atomicLoad(start, DONE)), wanted);
    return block([
      set(tries, i32.const(SPINS)),
      doWhile(breakIf(isLast, 1), tee(tries, i32.sub(tries, i32.const(1)))),
      doWhile(
        [
          breakIf(isLast, 1),
          when(i32.ne(i32.atomicLoad(i32.const(CONTROL.FAILED)), i32.const(0)), trap()),
          when(i32.gtS(tries, i32.const(PATIENCE)), trap()),
          drop(i32.atomicAdd(sleeping, i32.const(1))),
          atomicWait(i32.add(start, i32.const(DONE)), seen, 1e6 * SLEEP_MILLISECONDS),
          drop(i32.atomicAdd(sleeping, i32.const(-1))),
          increase(tries, 1),
        ],
        i32.const(1),
      ),
    ]);
  });
  return call(wait, counters, i32.const(pieces));
}
