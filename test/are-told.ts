/** Misuse that is told: by an InputError, whose message begins to say what was found and what is expected. */
import { expect, it } from 'vitest';
import { InputError } from '../src/index.ts';

/** What is done wrong, how, and a part of what is said of it. */
export type Misuse = readonly [what: string, run: () => unknown, message: string | RegExp];

/** What the types forbid. */
export const any = (value: unknown) => value as never;

/** A test for each. */
export function areTold(misuses: readonly Misuse[]): void {
  it.each(misuses)('%s', async (_what, misuse, message) => {
    const run = async (): Promise<unknown> => misuse();
    await expect(run()).rejects.toThrow(InputError);
    await expect(run()).rejects.toThrow(message);
  });
}
