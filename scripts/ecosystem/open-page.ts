/**
 * Opens a page of a folder in Chromium, the letters beside it, and prints the title that it gives itself, and then the
 * scripts that it has fetched, a line each.
 *
 *     npx tsx scripts/ecosystem/open-page.ts FOLDER
 */
import type { AddressInfo } from 'node:net';
import { chromium } from 'playwright-core';
import { serveFolder } from '../../src/cli/serve.ts';
import { chromiumPath } from '../../test/walkthrough/browser.ts';

const [folder = '.'] = process.argv.slice(2);
const server = await serveFolder(folder, 0);
const scripts = new Set<string>();
server.on('request', ({ url = '' }: { readonly url?: string }) => {
  if (url.endsWith('.js')) scripts.add(url);
});
const browser = await chromium.launch({
  ...(chromiumPath !== undefined && { executablePath: chromiumPath }),
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
});
try {
  const page = await browser.newPage();
  page.on('pageerror', ({ message }) => console.error(message));
  await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
  await page.waitForFunction(() => /^(?:DIGEST|FAILED)/.test(document.title), undefined, { timeout: 120_000 });
  console.log([await page.title(), ...scripts].join('\n'));
} finally {
  await browser.close();
  server.close();
}
