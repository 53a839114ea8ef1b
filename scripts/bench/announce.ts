/** Says how turns go. */
import { milliseconds } from './table.ts';
import type { Listener } from './turns.ts';

/** Says what every process has brought, and after each turn how long the rest will take, if it goes on like this. */
export function announcer(turns: number): Listener {
  const began = performance.now();
  return {
    found(turn, { one, threads, contender }, found) {
      const who = `${one.title.padEnd(36)} ${threads === 1 ? ' ' : threads} ${contender.name.padEnd(16)}`;
      const told =
        typeof found === 'string'
          ? `is left out: ${found}`
          : `${milliseconds(found.processor).padStart(8)} ms, on the wall ${milliseconds(found.wall)}`;
      console.log(`turn ${turn}  ${who} ${told}`);
    },
    over(turn) {
      const left = ((performance.now() - began) / 1000 / turn) * (turns - turn);
      if (left > 0) console.log(`turn ${turn} of ${turns} is over; ${minutes(left)} to go`);
    },
  };
}

/** A time in words. */
export function minutes(seconds: number): string {
  return `${Math.ceil(seconds / 60)} min`;
}
