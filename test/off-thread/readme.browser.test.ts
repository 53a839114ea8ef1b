/** The README's program for a browser, run as it stands there, in Chromium, with the library as it is built. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveFolder } from '../../src/cli/serve.ts';
import { loadModelFolder, openSampler, toImageData } from '../../src/index.ts';
import { folderReader, lettersModel } from '../../src/node.ts';
import { chromiumPath } from '../walkthrough/browser.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const [program = '', ...others] = [...readme.matchAll(/^```html\n([\s\S]*?)^```$/gm)].map(([, code]) => code);

it('the README has one program for a browser, of at most 30 lines', () => {
  expect(others).toEqual([]);
  expect(program.trimEnd().split('\n').length).toBeLessThanOrEqual(30);
});

/** Where a page finds the library without a bundler. */
const importMap = '<script type="importmap">{ "imports": { "pag-reference": "/library/index.js" } }</script>';
const forbidding = `<meta http-equiv="Content-Security-Policy" content="script-src 'self'">`;

describe.skipIf(chromiumPath === undefined)('in Chromium', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pag-page-'));
  let server: Server;
  let browser: Browser;
  beforeAll(async () => {
    const build = ['-p', 'tsconfig.build.json', '--outDir', join(folder, 'library')];
    execFileSync(join(root, 'node_modules/.bin/tsc'), build, { cwd: root });
    cpSync(lettersModel, join(folder, 'letters/model'), { recursive: true });
    writeFileSync(join(folder, 'index.html'), `<!doctype html>${importMap}<body>${program}</body>`);
    writeFileSync(
      join(folder, 'forbidding.html'),
      `<!doctype html>${forbidding}<script type="module" src="/forbidding.js"></script>`,
    );
    writeFileSync(
      join(folder, 'forbidding.js'),
      `import { fastestBackend, simdRefusal } from '/library/index.js';
      const said = [];
      const { name } = fastestBackend({ onFallback: (reason) => said.push(reason) });
      document.title = JSON.stringify({ name, said, refusal: simdRefusal() });`,
    );
    server = await serveFolder(folder, 0);
    browser = await chromium.launch({
      ...(chromiumPath !== undefined && { executablePath: chromiumPath }),
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  });

  const open = async (path = ''): Promise<{ page: Page; problems: string[] }> => {
    const page = await (await browser.newContext()).newPage();
    const problems: string[] = [];
    page.on('console', (message) => {
      // A model's folder is looked through for files that it need not have; browsers note each.
      const isAbsent = message.text().includes('status of 404');
      if (['error', 'warning'].includes(message.type()) && !isAbsent) problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(error.message));
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/${path}`);
    return { page, problems };
  };

  it('it draws a letter with the bits of Node, shows how far it is, and leaves the page free', async () => {
    const { page, problems } = await open();
    await page.waitForFunction(() => (document.querySelector('output')?.value ?? '') !== '');
    expect(await page.textContent('output')).toMatch(/bytes$|done/);
    // A thread of its own draws; had there been none, the page would say so.
    await expect.poll(() => page.workers().length).toBeGreaterThan(0);
    await page.waitForFunction(() => document.querySelector('output')?.value === 'done', undefined, {
      timeout: 60_000,
    });
    expect(await page.evaluate(() => document.querySelector('progress')?.value)).toBe(20);
    const pixels = await page.evaluate(() => [
      ...(document.querySelector('canvas')?.getContext('2d')?.getImageData(0, 0, 32, 32).data ?? []),
    ]);

    const model = await loadModelFolder(await folderReader(lettersModel), 'letters');
    const sampler = await openSampler(model, { onFallback: () => {} });
    let drawn: readonly number[] = [];
    const letter = { labels: [0], guidance: { name: 'pag', pagScale: 1, pagLayers: ['mid'] }, steps: 20, seed: 0 };
    for await (const { denoised } of sampler.steps(letter)) drawn = denoised ? [...toImageData(denoised).data] : [];
    sampler.close();
    expect(pixels).toEqual(drawn);
    expect(problems).toEqual([]);
  });

  it('it is cancelled within a step', async () => {
    const { page, problems } = await open();
    await page.evaluate(() => {
      const progress = document.querySelector('progress');
      new MutationObserver(() => {
        if ((progress?.value ?? 0) >= 3) document.querySelector('button')?.click();
      }).observe(progress ?? document, { attributes: true });
    });
    await page.waitForFunction(() => document.querySelector('output')?.value === 'cancelled');
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await page.evaluate(() => document.querySelector('progress')?.value)).toBeLessThanOrEqual(4);
    expect(problems).toEqual([]);
  });

  it('a Content-Security-Policy that forbids WebAssembly is met by the plain loops, said once', async () => {
    const { page } = await open('forbidding.html');
    await page.waitForFunction(() => document.title !== '');
    const { name, said, refusal } = JSON.parse(await page.title());
    expect(name).toBe('reference');
    expect(said).toEqual([`${refusal}: the plain loops compute, the same numbers, many times slower`]);
    expect(refusal).toContain("'wasm-unsafe-eval'");
  });
});
