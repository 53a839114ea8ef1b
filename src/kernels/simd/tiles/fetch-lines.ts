/**
 * Weights on their way to the nearest cache. Memory gives lines that are asked for in one go several times as fast as
 * lines between which others are used over and over. WebAssembly cannot ask for a line without reading it, so one
 * number of each is read, and forgotten.
 */
import { call, drop, forRange, i32, increase, v128 } from '../assembler/index.ts';
import type { Code, I32 } from '../assembler/index.ts';
import type { Library } from '../library.ts';

/** Bytes of a cache line, and lines of a turn of the loop. */
const [LINE, LINES] = [64, 4];

/** Of weights that are no larger the second-level cache keeps many, or the third gives them fast enough. */
const NEAR_BYTES = 2 ** 20;

/**
 * Brings what lies from an address on, but perhaps the last lines of it, to where the next reading finds it near.
 * @param of bytes of all weights of the step: few are near without
 */
export function fetchLines(lib: Library, address: I32, bytes: number, of: number): Code {
  if (of < NEAR_BYTES) return [];
  const turns = Math.floor(bytes / (LINE * LINES));
  const fetched = lib.func('fetchLines', { params: ['i32', 'i32'], results: [] }, (body) => {
    const [line, count] = body.params;
    const turn = body.local('i32');
    return forRange(turn, i32.const(0), count, 1, [
      Array.from({ length: LINES }, (_, k) => drop(v128.load(line, LINE * k))),
      increase(line, LINE * LINES),
    ]);
  });
  return call(fetched, address, i32.const(turns));
}
