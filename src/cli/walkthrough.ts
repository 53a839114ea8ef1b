/** `pag walkthrough`: serves the page that computes while you read, on this machine only. */
import { stat } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError } from '../tensor/errors.ts';
import type { Command } from './command.ts';
import { printResult } from './messages.ts';
import { readOptions, type OptionKinds } from './options.ts';
import { serveFolder } from './serve.ts';
import { shippedOracle, shippedPage, wordsModel } from './shipped.ts';

const kinds: OptionKinds = { port: 'number' };

const help = `pag walkthrough [options]

Serves a web page that explains PAG and computes everything it shows in your browser. Stop it with Ctrl-C.

  --port N                        where it listens, on 127.0.0.1 (8420; 0 takes any free port)`;

/** The command `pag walkthrough`. */
export const walkthroughCommand: Command = { help, options: kinds, run };

async function run(args: readonly string[]): Promise<number> {
  const options = readOptions(args, kinds);
  const port = options.integer('port', 0, 65535) ?? 8420;
  const page = (await buildFromSource()) ?? shippedPage;
  const found = await stat(join(page, 'index.html')).catch(() => undefined);
  if (!found) throw new InputError(`there is no page in ${page}; it is in the package pag-reference-page`);
  // The package holds the text model and the cases of the oracle once, and not in the page's folder again.
  const server = await serveFolder(page, port, { words: wordsModel, oracle: shippedOracle });
  const address = `http://localhost:${(server.address() as AddressInfo).port}/`;
  printResult(options, { text: `the walkthrough: ${address}   (Ctrl-C stops it)`, json: { schema: 1, address } });
  await new Promise((resolve) => server.on('close', resolve));
  return 0;
}

/**
 * In a checkout the page is built anew, so that it is never older than the source. Packages bring it along.
 * @returns the folder where it is built
 */
async function buildFromSource(): Promise<string | undefined> {
  if (!import.meta.url.endsWith('.ts')) return undefined;
  const builder = new URL('../../scripts/walkthrough/build.ts', import.meta.url).href;
  const { buildWalkthrough } = (await import(builder)) as { buildWalkthrough(folder: string): Promise<void> };
  const folder = fileURLToPath(new URL('../../dist/walkthrough', import.meta.url));
  await buildWalkthrough(folder);
  return folder;
}
