import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labelOf } from '../../src/walkthrough/study.ts';
import type { Model } from '../../src/walkthrough/work/model.ts';
import { chromiumPath, openReader, type Reader } from './browser.ts';
import { digestOf, drawn, lettersModel } from './library.ts';

if (!chromiumPath) console.warn('No Chromium at /usr/bin/chromium, and CHROMIUM names none: the tests of the walkthrough page are skipped.');

describe.skipIf(!chromiumPath)('the walkthrough page', () => {
  let reader: Reader;
  let model: Model;
  beforeAll(async () => {
    [reader, model] = [await openReader(chromiumPath!), await lettersModel()];
  });
  afterAll(() => reader?.close());

  it('weighs at most 10 MB, page, code and model', () => {
    const sizes = readdirSync(reader.folder, { recursive: true, encoding: 'utf8' }).map((name) => statSync(join(reader.folder, name))).filter((entry) => entry.isFile());
    const bytes = sizes.reduce((sum, { size }) => sum + size, 0);
    expect(bytes).toBeGreaterThan(7e6); // the model is there
    expect(bytes).toBeLessThanOrEqual(10e6);
  });

  it('draws the word as the library does in Node, bit for bit, and says no error', async () => {
    const { page, problems } = await reader.open('word=GO&seed=3');
    for (const guidance of [{ kind: 'none' }, { kind: 'pag', scale: 1, layers: ['mid_block.attentions.0'] }] as const) {
      const digest = digestOf(drawn(model, { seed: 3, slices: [0, 1], labels: [...'GO'].map(labelOf), guidance }));
      expect(await digestShown(page, `.word-row[data-guidance=${guidance.kind}]`)).toBe(digest);
    }
    expect(problems).toEqual([]);
    await page.context().close();
  });
});

/** Waits until an element carries the fingerprint of what was computed for it. */
async function digestShown(page: Page, selector: string): Promise<string> {
  const shown = page.locator(`${selector}[data-digest]`);
  await shown.waitFor({ state: 'attached', timeout: 60_000 });
  return (await shown.getAttribute('data-digest'))!;
}
