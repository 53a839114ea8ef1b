/** Guidances that are loaded when they are asked for are those of the registry. */
import { describe, expect, it } from 'vitest';
import { createGuidanceOf } from '../../src/guidance/registry/create.ts';
import { guidanceNames, guidances } from '../../src/guidance/registry/index.ts';
import { loadGuidance } from '../../src/guidance/registry/load.ts';
import { InputError } from '../../src/tensor/errors.ts';

const none = { hasNullCondition: false, hasWeakModel: false };

describe('loading a guidance', () => {
  it('gives every entry of the registry by its name', async () => {
    for (const name of guidanceNames) expect(await loadGuidance(name)).toBe(guidances[name]);
  });

  it.each(['pg', 'constructor'])('refuses %s, with the names that there are', async (name) => {
    await expect(loadGuidance(name)).rejects.toThrow(
      `there is no guidance "${name}"; there are ${guidanceNames.join(', ')}`,
    );
  });

  it('refuses what is no name, and making one of what is no entry', async () => {
    for (const wrong of [Object.create(null), 10n, Symbol('x'), null])
      await expect(loadGuidance(wrong as never)).rejects.toThrow('it must be a name, as "pag"');
    for (const wrong of [undefined, {}, 1n])
      expect(() => createGuidanceOf('x', wrong as never, {}, { attentionLayers: [], ...none })).toThrow(InputError);
  });
});
