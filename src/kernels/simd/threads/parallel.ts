/**
 * How threads share the work of a step. Each step has two counters: pieces of work that were taken, and pieces that are
 * done. Whoever is free takes the next ones; when none is left, all wait until the last one is done, for the next step
 * reads what this one wrote. Nobody waits for a thread that took nothing: one that wakes late, or was put aside by the
 * system, walks past the finished steps and joins the others where they are.
 *
 * Pieces are taken from both ends, by every other thread from the end: so a thread finds in its cache much of what it
 * wrote itself a step before. And many are taken at once, as long as many are left: what is asked of the other
 * processor's cache costs more than a small piece does.
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

/** A step's counters, in bytes from its address. Pieces taken from the front are in the lower 16 bits. */
const TAKEN = 0;
const DONE = 4;
const HALF = 2 ** 16;
/** Bytes of a step's counters. */
export const COUNTERS_BYTES = 8;

/** Pieces of a step for each thread, about: so many that the last one is short. */
const PIECES_PER_THREAD = 24;
/** Multiplications that are worth a unit of their own: some 20 µs. */
const LEAST_WORK = 2 ** 20;
/** In so many parts a thread takes its share of what is left. */
const PARTS = 2;
/** Looks at the counter before a thread goes to sleep. */
const SPINS = 20_000;
/** How long a thread that waits for another one sleeps before it looks whether that has failed. */
export const SLEEP_MILLISECONDS = 100;
/** Sleeps after which the other one is given up: 20 seconds. No unit of work takes nearly that long. */
export const PATIENCE = 200;

/**
 * As many units a step should have, where it can be cut so: each thread has many, and one that is delayed leaves some
 * to the others. Of a small step, whose units would do again what larger ones do once, each has as many as are worth
 * while.
 * @param work multiplications of the step, or what takes as long
 */
export function wantedUnits({ threads }: Library, work: number): number {
  if (threads === 1) return 1;
  const ofThread = Math.floor(work / (threads * LEAST_WORK));
  return threads * Math.max(1, Math.min(PIECES_PER_THREAD, ofThread));
}

/**
 * Does the work units 0 … units − 1, each by whichever thread comes first; returns when all are done. A unit writes
 * what no other unit writes, so who does it cannot be seen in the bits.
 */
export function parallel(lib: Library, body: KernelBody, units: number, work: (unit: Local<'i32'>) => Code): Code {
  const unit = body.local('i32');
  if (lib.threads === 1) return forRange(unit, i32.const(0), i32.const(units), 1, work(unit));
  const { thread, counters } = body;
  const piece = Math.max(1, Math.floor(units / (PIECES_PER_THREAD * lib.threads)));
  const pieces = Math.ceil(units / piece);
  const [taken, left, size, end, done] = body.locals('i32');
  const parts = PARTS * lib.threads;
  const fromEnd = i32.and(thread, i32.const(1));
  const ofEnd = i32.divU(taken, i32.const(HALF));
  const ofFront = i32.and(taken, i32.const(HALF - 1));
  // Who takes more than there is gets what is left; who comes then sees that nothing is.
  const take = set(taken, i32.atomicAdd(counters, i32.shl(size, i32.mul(fromEnd, i32.const(16))), TAKEN));
  return [
    set(size, i32.const(Math.max(1, Math.floor(pieces / parts)))),
    take,
    whileLoop(i32.gtS(tee(left, i32.sub(i32.sub(i32.const(pieces), ofEnd), ofFront)), i32.const(0)), [
      atMost(size, left),
      increase(done, size),
      set(left, i32.sub(left, size)),
      when(fromEnd, set(unit, i32.add(ofFront, left)), set(unit, ofFront)),
      set(end, i32.mul(i32.add(unit, size), i32.const(piece))),
      set(unit, i32.mul(unit, i32.const(piece))),
      units % piece === 0 ? [] : atMost(end, i32.const(units)),
      doWhile([work(unit), increase(unit, 1)], i32.ltS(unit, end)),
      set(size, i32.divU(left, i32.const(parts))),
      when(i32.eqz(size), set(size, i32.const(1))),
      take,
    ]),
    when(done, finishPieces(lib, counters, done, pieces)),
    awaitPieces(lib, counters, pieces),
  ];
}

/** Work that only the first thread can do, as one piece. */
export function firstThreadOnly(lib: Library, thread: I32, counters: I32, work: Code): Code {
  if (lib.threads === 1) return work;
  return [when(i32.eqz(thread), [work, finishPieces(lib, counters, i32.const(1), 1)]), awaitPieces(lib, counters, 1)];
}

/** Counts pieces as done, and wakes those who wait for the last one. */
function finishPieces(lib: Library, counters: I32, done: I32, pieces: number): Code {
  const wake = lib.func('wake', { params: ['i32'], results: [] }, ({ params: [counter] }) =>
    // Waking is a slow call, and as a rule all are awake. Who falls asleep right now will find the counter changed.
    when(i32.atomicLoad(i32.const(CONTROL.SLEEPING)), atomicNotifyAll(i32.add(counter, i32.const(DONE)))),
  );
  const all = i32.add(i32.atomicAdd(counters, done, DONE), done);
  return when(i32.eq(all, i32.const(pieces)), call(wake, counters));
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
