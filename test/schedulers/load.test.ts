/** Schedulers that are loaded one by one are those of the registry. */
import { describe, expect, it } from 'vitest';
import { loadScheduler, schedulerLoaders } from '../../src/schedulers/load.ts';
import { schedulerNames, schedulers } from '../../src/schedulers/registry.ts';

describe('loading a scheduler', () => {
  it('gives every entry of the registry by its name', async () => {
    expect(Object.keys(schedulerLoaders), 'add it to src/schedulers/load.ts').toEqual(schedulerNames);
    for (const name of schedulerNames) expect(await loadScheduler(name)).toBe(schedulers[name]);
  });

  it.each([['Euler'], [undefined], ['constructor']])('refuses %s, with the names that there are', async (name) => {
    await expect(loadScheduler(name)).rejects.toThrow(/^the scheduler .* is not known; known are DDPMScheduler, DDIM/);
  });
});
