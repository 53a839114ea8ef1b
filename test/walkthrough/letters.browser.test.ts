/** The model of letters in Chromium: what is loaded when, the bits of Node, rest, and what is saved. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { learnedLetters } from '../../scripts/walkthrough/letters.ts';
import { folderReader } from '../../src/formats/node-files.ts';
import { loadModelFolder } from '../../src/formats/diffusers.ts';
import { simdBackend } from '../../src/kernels/simd/index.ts';
import { initialState as trainingBegins } from '../../src/training/step.ts';
import { drawFrom } from '../../src/walkthrough/training/lesson.ts';
import { lettersLesson } from '../../src/walkthrough/training/letters.ts';
import { lettersOf } from '../../src/walkthrough/training/letters-file.ts';
import { chromiumPath, openReader, type Reader } from './browser.ts';
import { eventually } from './eventually.ts';
import { digestOf } from './library.ts';
import { learnedUntil } from './training/learned.ts';

const [seed, scale] = [1, 1.5];

describe.skipIf(!chromiumPath)('the model of letters on the page', () => {
  let reader: Reader;
  let page: Page;
  let problems: string[];
  const asked: string[] = [];
  const button = (name: string) => page.locator(`[data-section=letters] button[name=${name}]`);
  const stage = () => page.locator('[data-section=letters]');
  const said = () => stage().locator('.status').textContent();

  beforeAll(async () => {
    reader = await openReader(chromiumPath!);
    ({ page, problems } = await reader.open(`seed=${seed}&lettersScale=${scale}`, {}, {}, '?figure=letters'));
    page.on('request', (one) => asked.push(new URL(one.url()).pathname));
  }, 120_000);
  afterAll(() => reader?.close(), 60_000);

  it('loads letters and trainer when it is asked to learn, not before', async () => {
    await eventually(said).toBe('Nothing has been learned yet.');
    expect(await button('save-letters').isDisabled()).toBe(true);
    expect(asked.filter((path) => /trainer/.test(path))).toEqual([]);
    await button('train').click();
    await eventually(() => asked.filter((path) => /trainer/.test(path))).toEqual([
      '/trainer/letters.packed',
      '/trainer.js',
    ]);
  });

  it('draws with the bits of Node, rests and goes on, and follows the slider at once', async () => {
    const lesson = lettersLesson(lettersOf(learnedLetters()), seed);
    const backend = simdBackend();
    await stage().and(page.locator('[data-step="0"]')).waitFor({ timeout: 60_000 });
    await eventually(said).toMatch(/^learning: [1-9]\d* of/);
    await button('pause').click();
    await eventually(said).toMatch(/^paused: /);
    await eventually(() => stage().getAttribute('data-step')).not.toBe('0');
    const steps = Number(await stage().getAttribute('data-step'));
    const state = learnedUntil(lesson, backend, steps);
    const guided = (s: number): string => digestOf(drawFrom(lesson, backend, state, s).at(-1)!);
    await eventually(() => stage().getAttribute('data-digest')).toBe(guided(scale));
    await page.locator('input[name=letters-scale]').fill('0.5');
    await eventually(() => stage().getAttribute('data-digest')).toBe(guided(0.5));
    expect(await stage().locator('figcaption').nth(1).textContent()).toMatch(/^alone: \d+ of 26 read as asked$/);
  }, 180_000);

  it('saves a model that the library reads, and draws with, to the bit', async () => {
    const saved = page.waitForEvent('download');
    await button('save-letters').click();
    const folder = mkdtempSync(join(tmpdir(), 'letters-'));
    try {
      execFileSync('tar', ['xf', await (await saved).path(), '-C', folder]);
      const name = `my-letters-${seed}`;
      const { weights, warnings } = await loadModelFolder(await folderReader(join(folder, name)), name);
      expect(warnings).toEqual([]);
      const lesson = lettersLesson(lettersOf(learnedLetters()), seed);
      const state = { ...trainingBegins(lesson.learner), average: weights };
      expect(await stage().getAttribute('data-digest')).toBe(
        digestOf(drawFrom(lesson, simdBackend(), state, 0.5).at(-1)!),
      );
      await stage().locator('.reproduce summary').click();
      expect(await stage().locator('.command').textContent()).toContain(`tar xf ${name}.tar && `);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 60_000);

  it('goes on, and begins anew with another seed', async () => {
    await button('go-on').click();
    await eventually(said).toContain('learning');
    await button('letters-noise').click();
    await eventually(said).toBe('Nothing has been learned yet.');
    await eventually(() => page.url()).toContain(`seed=${seed + 1}`);
    expect(problems).toEqual([]);
  });

  it('says why letters do not come, and asks again', async () => {
    const broken = await reader.open('', {}, { 'letters.packed': undefined }, '?figure=letters');
    const section = broken.page.locator('[data-section=letters]');
    await section.locator('button[name=train]').click();
    await eventually(() => section.locator('.status').textContent()).toBe('there is no letters.packed');
    await broken.page.context().unrouteAll();
    await section.locator('button[name=train]').click();
    await section.and(broken.page.locator('[data-step="0"]')).waitFor({ timeout: 60_000 });
    await broken.page.context().close();
  });
});
