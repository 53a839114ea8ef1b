/** `pag walkthrough`: serves the page that computes while you read, on this machine only. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError } from '../tensor/errors.ts';
import type { Command } from './command.ts';
import { printResult } from './messages.ts';
import { readOptions, type OptionKinds } from './options.ts';
import { lettersModel, shippedOracle } from './shipped.ts';

const kinds: OptionKinds = { port: 'text' };

const help = `pag walkthrough [options]

Serves a web page that explains PAG and computes everything it shows in your browser. Stop it with Ctrl-C.

  --port N                        where it listens, on 127.0.0.1 (8420; 0 takes any free port)`;

/** The command `pag walkthrough`. */
export const walkthroughCommand: Command = { help, options: kinds, run };

/** From src/cli and from dist/cli alike. */
const builtPage = fileURLToPath(new URL('../../dist/walkthrough', import.meta.url));

async function run(args: readonly string[]): Promise<number> {
  const options = readOptions(args, kinds);
  const port = options.integer('port', 0, 65535) ?? 8420;
  await buildFromSource();
  const found = await stat(join(builtPage, 'index.html')).catch(() => undefined);
  if (!found) throw new InputError('the page has not been built yet; run: npm run build:walkthrough');
  // The package holds the model and the cases of the oracle once, and not in the page's folder again.
  const server = await serveFolder(builtPage, port, { model: lettersModel, oracle: shippedOracle });
  const address = `http://localhost:${(server.address() as AddressInfo).port}/`;
  printResult(options, { text: `the walkthrough: ${address}   (Ctrl-C stops it)`, json: { schema: 1, address } });
  await new Promise((resolve) => server.on('close', resolve));
  return 0;
}

/** In a checkout the page is built anew, so that it is never older than the source. The package brings it along. */
async function buildFromSource(): Promise<void> {
  if (!import.meta.url.endsWith('.ts')) return;
  const builder = new URL('../../scripts/walkthrough/build.ts', import.meta.url).href;
  const { buildWalkthrough } = (await import(builder)) as { buildWalkthrough(folder: string): Promise<void> };
  await buildWalkthrough(builtPage);
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.safetensors': 'application/octet-stream',
};

/** With these a browser lets the page's threads share memory. */
const isolation = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

/**
 * Serves the files of a folder on 127.0.0.1.
 * @param port 0 takes any free one
 * @param elsewhere subfolders that lie elsewhere on the disk, by their names
 * @returns the server, which is listening
 * @throws InputError when the port is taken
 */
export async function serveFolder(
  folder: string,
  port: number,
  elsewhere: Readonly<Record<string, string>> = {},
): Promise<Server> {
  const place = (path: string): string => {
    const [, first = '', rest = ''] = /^\/([^/]+)(\/.*)$/.exec(path) ?? [];
    const other = Object.hasOwn(elsewhere, first) ? elsewhere[first] : undefined;
    return other === undefined ? join(folder, path) : join(other, rest);
  };
  const server = createServer((request, response) => {
    answer(place, request, response).catch(() => refuse(response, 500));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE' || error.code === 'EACCES';
      reject(
        taken ? new InputError(`port ${port} cannot be used (${error.code}); give another one with --port`) : error,
      );
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  return server;
}

async function answer(
  place: (path: string) => string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405);
  const path = pathOf(request.url ?? '/');
  const type = path === undefined ? undefined : types[extname(path)];
  if (path === undefined || type === undefined) return refuse(response, 404);
  const file = place(path);
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile()) return refuse(response, 404);
  response.writeHead(200, {
    'Content-Type': type,
    'Content-Length': found.size,
    'Cache-Control': 'no-cache',
    ...isolation,
  });
  if (request.method === 'HEAD') response.end();
  else
    createReadStream(file)
      .on('error', () => response.destroy())
      .pipe(response);
}

/** The file that a URL names; undefined when it is no proper one. What is normalised cannot climb out of the folder. */
function pathOf(url: string): string | undefined {
  try {
    const path = normalize(decodeURIComponent(new URL(url, 'http://localhost').pathname));
    return path.endsWith('/') ? `${path}index.html` : path;
  } catch {
    return undefined;
  }
}

function refuse(response: ServerResponse, status: number): void {
  if (!response.headersSent) response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...isolation });
  response.end(status === 404 ? 'not found' : String(status));
}
