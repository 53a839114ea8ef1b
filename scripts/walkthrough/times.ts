/**
 * How fast the page is, in Chromium on this machine: when its first picture moves, when the first rows are done, how
 * long the longest task of its thread is while all of it is read. To be run on a quiet machine.
 *
 *     npx tsx scripts/walkthrough/times.ts            (CHROMIUM names the browser)
 */
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { serveFolder } from '../../src/cli/serve.ts';
import { buildWalkthrough } from './build.ts';

/** What is measured with. */
interface Conditions {
  readonly name: string;
  /** Mbit/s of the line, as fast as it is unless given. */
  readonly megabits?: number;
  /** How many times slower the processor is made for the page's thread. */
  readonly slower?: number;
}

const rounds: readonly Conditions[] = [
  { name: 'as it is' },
  { name: 'on a line of 9 Mbit/s', megabits: 9 },
  { name: "with the page's thread 4 times slower", slower: 4 },
];

/**
 * Seconds from the beginning of the navigation until a row of the first figure has this state. The page looks for it
 * itself, once a frame: a locator would wait half a second from one look to the next.
 */
async function secondsUntil(page: Page, selector: string): Promise<number> {
  const seconds = await page.waitForFunction(
    (wanted) => document.querySelector(wanted) !== null && performance.now() / 1000,
    selector,
    { timeout: 120_000 },
  );
  return Number(await seconds.jsonValue());
}

/** The longest task of the page's thread while all of it is read, in milliseconds; 0 where all are below 50. */
async function longestTask(page: Page): Promise<number> {
  for (const fold of await page.locator('details.more').all())
    await fold.evaluate((details) => details.setAttribute('open', ''));
  const stages = await page.locator('.stage').all();
  for (const stage of stages) {
    await stage.scrollIntoViewIfNeeded();
    await page.waitForTimeout(1500);
  }
  return page.evaluate(() => Math.max(0, ...(globalThis as unknown as { longTasks: readonly number[] }).longTasks));
}

async function measure(browser: Browser, address: string, { name, megabits, slower }: Conditions): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  await page.addInitScript(() => {
    const scope = globalThis as unknown as { longTasks: number[] };
    scope.longTasks = [];
    // Not by a name of its own: what compiles this script would call a function that the page does not have.
    new PerformanceObserver((list) => {
      scope.longTasks.push(...list.getEntries().map(({ duration }) => duration));
    }).observe({ type: 'longtask', buffered: true });
  });
  const session = await page.context().newCDPSession(page);
  const throughput = megabits === undefined ? -1 : (megabits * 1e6) / 8;
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', {
    ...{ offline: false, latency: megabits === undefined ? 0 : 40 },
    ...{ downloadThroughput: throughput, uploadThroughput: throughput },
  });
  if (slower !== undefined) await session.send('Emulation.setCPUThrottlingRate', { rate: slower });
  await page.goto(address);
  const first = await secondsUntil(page, '[data-section=hero] [data-steps]:not([data-steps="0"])');
  const done = await secondsUntil(page, '[data-section=hero] .status[data-state=done]');
  const longest = await longestTask(page);
  const times = `first picture after ${first.toFixed(1)} s, first rows done after ${done.toFixed(1)} s`;
  console.log(`${name}: ${times}, longest task ${Math.round(longest)} ms`);
  await page.close();
}

const folder = await mkdtemp(join(tmpdir(), 'walkthrough-times-'));
await buildWalkthrough(folder);
const server = await serveFolder(folder, 0);
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
});
const address = `http://localhost:${(server.address() as AddressInfo).port}/`;
for (const conditions of rounds) await measure(browser, address, conditions);
await browser.close();
server.close();
await rm(folder, { recursive: true });
