/** Guidances that are loaded when they are asked for are those of the registry. */
import { describe, expect, it } from 'vitest';
import { guidanceNames, guidances } from '../../src/guidance/registry/index.ts';
import { loadGuidance } from '../../src/guidance/registry/load.ts';

describe('loading a guidance', () => {
  it('gives every entry of the registry by its name', async () => {
    for (const name of guidanceNames) expect(await loadGuidance(name)).toBe(guidances[name]);
  });

  it.each(['pg', 'constructor'])('refuses %s, with the names that there are', async (name) => {
    await expect(loadGuidance(name)).rejects.toThrow(
      `there is no guidance "${name}"; there are ${guidanceNames.join(', ')}`,
    );
  });
});
