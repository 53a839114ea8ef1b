import { expect } from 'vitest';

/** Expects of what is found that it comes to be so, however loaded the machine is. */
export const eventually = <T>(found: () => T) => expect.poll(found, { timeout: 60_000, interval: 20 });
