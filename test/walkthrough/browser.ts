/** The walkthrough in headless Chromium, built and served as a reader would have it. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { buildWalkthrough } from '../../scripts/walkthrough/build.ts';
import { serveFolder } from '../../src/cli/serve.ts';

/** Debian's Chromium, or the one that CHROMIUM names; undefined when there is none. */
export const chromiumPath = [process.env['CHROMIUM'], '/usr/bin/chromium'].find(
  (path) => path !== undefined && existsSync(path),
);

type ChangedFiles = Readonly<Record<string, ((text: string) => string) | undefined>>;

export interface Reader {
  /** The folder that was built. */
  readonly folder: string;
  /**
   * Opens the page; `problems` collects whatever goes wrong in it.
   * @param path behind the address of the server: another page, or what the first one is asked for
   * @param changed files, by the end of their names, that arrive otherwise than they are, or not at all
   */
  open(
    hash?: string,
    options?: BrowserContextOptions,
    changed?: ChangedFiles,
    path?: string,
  ): Promise<{ page: Page; problems: string[] }>;
  close(): Promise<void>;
}

export async function openReader(executablePath: string): Promise<Reader> {
  const folder = await mkdtemp(join(tmpdir(), 'walkthrough-'));
  await buildWalkthrough(folder);
  const server = await serveFolder(folder, 0);
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const browser: Browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking'],
  });
  return {
    folder,
    async open(hash = '', options = {}, changed = {}, path = '') {
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
      const page = await context.newPage();
      const problems: string[] = [];
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
      });
      page.on('pageerror', (error) => problems.push(error.message));
      page.on('request', (request) => {
        if (!request.url().startsWith(origin) && !/^(?:blob|data):/.test(request.url()))
          problems.push(`asks for ${request.url()}`);
      });
      for (const [name, change] of Object.entries(changed)) {
        await context.route(`**/*${name}`, async (route) => {
          if (!change) return route.fulfill({ status: 404 });
          const response = await route.fetch();
          return route.fulfill({ response, body: change(await response.text()) });
        });
      }
      await page.goto(`${origin}/${path}${hash === '' ? '' : `#${hash}`}`);
      return { page, problems };
    },
    async close() {
      await browser.close();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
