/** Charts as PNG, which Chromium draws. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** NAME.png beside NAME.svg, with twice as many pixels as that has, for sharp screens. */
export function rasterise(folder: string, name: string, chromium = '/usr/bin/chromium'): void {
  const from = join(folder, name);
  const [, width = '', height = ''] = /width="(\d+)" height="(\d+)"/.exec(readFileSync(from, 'utf8')) ?? [];
  execFileSync(
    chromium,
    [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--hide-scrollbars',
      '--force-device-scale-factor=2',
      `--window-size=${width},${height}`,
      `--screenshot=${from.replace(/svg$/, 'png')}`,
      pathToFileURL(from).href,
    ],
    { stdio: 'ignore' },
  );
}
