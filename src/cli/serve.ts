/** A server of the files of a folder, for browsers on this machine alone. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { InputError } from '../tensor/errors.ts';

/** More at a time are turned away: a page opens six. */
export const mostConnections = 64;

/** A connection over which nothing moves for so long is given up. */
const patienceMilliseconds = 60_000;

/** What is served, by its ending; what is text is worth being compressed. */
const types: Readonly<Record<string, { readonly type: string; readonly isText: boolean }>> = {
  '.html': { type: 'text/html; charset=utf-8', isText: true },
  '.js': { type: 'text/javascript; charset=utf-8', isText: true },
  '.css': { type: 'text/css; charset=utf-8', isText: true },
  '.txt': { type: 'text/plain; charset=utf-8', isText: true },
  '.png': { type: 'image/png', isText: false },
  '.json': { type: 'application/json', isText: true },
  '.safetensors': { type: 'application/octet-stream', isText: false },
  '.packed': { type: 'application/octet-stream', isText: false },
};

/** With these a browser lets the page's threads share memory. */
const isolation = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

/**
 * Serves the files of a folder on 127.0.0.1, to those who ask for localhost: a foreign page that has its own name lead
 * here gets nothing. Parts of files, compression of text, and "not changed" as HTTP has them (RFC 9110).
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
  server.maxConnections = mostConnections;
  server.timeout = patienceMilliseconds;
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
  if (!isOwnHost(request.headers.host)) return refuse(response, 421);
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405);
  const path = pathOf(request.url ?? '/');
  const type = path === undefined ? undefined : types[extname(path)];
  if (path === undefined || type === undefined) return refuse(response, 404);
  const file = place(path);
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile()) return refuse(response, 404);
  const version = `${found.size.toString(16)}-${Math.floor(found.mtimeMs).toString(16)}`;
  await give(request, response, { file, size: found.size, version, ...type });
}

/** A file that is there, and whose name may be known. */
interface Found {
  readonly file: string;
  readonly size: number;
  /** Another one for each content. */
  readonly version: string;
  readonly type: string;
  readonly isText: boolean;
}

async function give(request: IncomingMessage, response: ServerResponse, found: Found): Promise<void> {
  const { file, size, version, type, isText } = found;
  const zips = isText && takesGzip(request.headers['accept-encoding']);
  const tag = `"${version}${zips ? '-gzip' : ''}"`;
  const headers = {
    'Content-Type': type,
    'Cache-Control': 'no-cache',
    ETag: tag,
    Vary: 'Accept-Encoding',
    ...(!zips && { 'Accept-Ranges': 'bytes' }),
    ...isolation,
  };
  if (isKnown(request.headers['if-none-match'], tag)) return end(response, 304, headers);
  const range = zips ? undefined : rangeOf(request, tag, size);
  if (range === 'none') return end(response, 416, { ...headers, 'Content-Range': `bytes */${size}` });
  const [first, last] = range ?? [0, size - 1];
  const full = {
    ...headers,
    ...(zips ? { 'Content-Encoding': 'gzip' } : { 'Content-Length': last - first + 1 }),
    ...(range && { 'Content-Range': `bytes ${first}-${last}/${size}` }),
  };
  if (request.method === 'HEAD' || size === 0) return end(response, range ? 206 : 200, full);
  response.writeHead(range ? 206 : 200, full);
  const source = createReadStream(file, { start: first, end: last });
  // Whichever of them fails or is left by its reader takes the others with it: no file stays open.
  const sent = zips ? pipeline(source, createGzip(), response) : pipeline(source, response);
  await sent.catch(() => response.destroy());
}

function end(response: ServerResponse, status: number, headers: Readonly<Record<string, string | number>>): void {
  response.writeHead(status, headers).end();
}

/** Whether a request is for this machine by a name of its own, with any port or none. */
function isOwnHost(host: string | undefined): boolean {
  return /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i.test(host ?? '');
}

/** Whether the header Accept-Encoding takes gzip: named, or meant by *, and not with q=0. */
function takesGzip(header: string | string[] | undefined): boolean {
  const codings = String(header ?? '')
    .split(',')
    .map((part) => part.trim().toLowerCase());
  const asked =
    codings.find((coding) => /^(x-)?gzip\b/.test(coding)) ?? codings.find((coding) => coding.startsWith('*'));
  return asked !== undefined && !/;\s*q=0(\.0*)?$/.test(asked);
}

/** Whether the header If-None-Match names this version. */
function isKnown(header: string | undefined, tag: string): boolean {
  const tags = (header ?? '').split(',').map((one) => one.trim().replace(/^W\//, ''));
  return tags.includes(tag) || tags.includes('*');
}

/**
 * The one range of bytes that is asked for, both ends included; undefined where the whole file is to be sent, as for
 * several ranges and for a version that is no longer there; `none` where the file ends before it.
 */
function rangeOf(
  { headers }: IncomingMessage,
  tag: string,
  size: number,
): readonly [first: number, last: number] | 'none' | undefined {
  const condition = headers['if-range'];
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(headers.range ?? '') ?? [];
  if ((from === '' && to === '') || (condition !== undefined && condition !== tag)) return undefined;
  const first = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (from !== '' && to !== '' && Number(to) < first) return undefined;
  return first < size && first <= last ? [first, last] : 'none';
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

const refusals: Readonly<Record<number, string>> = {
  404: 'not found',
  405: 'only GET and HEAD are answered',
  421: 'this server answers to localhost only',
};

function refuse(response: ServerResponse, status: number): void {
  if (!response.headersSent) response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...isolation });
  response.end(refusals[status] ?? String(status));
}
