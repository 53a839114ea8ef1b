import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { loadModelFolder } from '../../src/formats/diffusers.ts';
import type { ReadFile } from '../../src/formats/read-file.ts';
import { thorough } from '../thorough.ts';
import { digests, runNames } from './reference-runs.ts';

// A snapshot of our own output: it says that the bits have not changed, not that they are right.
const snapshot = JSON.parse(await readFile(new URL('../../fixtures/bits.json', import.meta.url), 'utf8')) as Record<
  string,
  string
>;
const folder = (name: string): ReadFile => {
  return (path) => readFile(new URL(`../../fixtures/${name}/model/${path}`, import.meta.url)).catch(() => undefined);
};

/** Each run in one way, the first in every way; all of them in every way where everything is tried. */
const isTried = (run: string, way: string): boolean =>
  thorough || run === runNames[0] || way === 'simd, 2 threads' || / in (f64|f16|bf16)/.test(run);

describe('the bits of sampling runs (here in this Node; npm run bits asks other engines)', () => {
  it('are those of the snapshot, whichever way they are computed', async () => {
    const models = { letters: await loadModelFolder(folder('letters'), 'letters'), words: folder('letters-text') };
    const found: Record<string, Record<string, string>> = {};
    for await (const { run, way, sha256 } of digests(models, isTried)) found[run] = { ...found[run], [way]: sha256 };
    expect(Object.keys(snapshot)).toEqual(runNames);
    expect(Object.keys(found)).toEqual(runNames);
    for (const [run, ways] of Object.entries(found)) {
      for (const [way, sha256] of Object.entries(ways))
        expect({ run, way, sha256 }).toEqual({ run, way, sha256: snapshot[run] });
    }
  }, 400_000);
});
