/** Reading a model's files from a web server: parts of them where that is enough, resumed where the line breaks. */
import { joinBytes } from '../tensor/bytes.ts';
import { InputError, messageOf } from '../tensor/errors.ts';
import { aFunction, checkOptions, mustBe, optional, text, whole, withMethods, type Checks } from '../tensor/checks.ts';
import { aSignal, throwIfAborted, type Signal } from '../tensor/signal.ts';
import { areBytes, checkSize, firstOf, type FilePart, type ReadFile } from './read-file.ts';
import type { ByteStorage } from './storage.ts';

/** How far the loading of a file is. */
export interface LoadingProgress {
  /** Within the folder. */
  readonly path: string;
  /** Bytes that have arrived. */
  readonly done: number;
  /** Bytes of all of it; undefined where the server does not say. */
  readonly total: number | undefined;
}

/** The part of a Response that is used here. */
export interface ResponseLike {
  readonly status: number;
  readonly headers: HeadersLike;
  readonly body: BodyLike | null;
}
/** The part of its headers that is used. */
export interface HeadersLike {
  /** A header's text; null without it. */
  get(name: string): string | null;
}
/** The part of its body, a ReadableStream, that is used. */
export interface BodyLike {
  /** Reads it piece by piece. */
  getReader(): BodyReader;
}
/** The part of a ReadableStream's reader that is used here. */
export interface BodyReader {
  /** The next piece. */
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  /** Wants no more. */
  cancel(): Promise<void>;
}

/** What asks a server, as `fetch` does. */
export type Fetch = (
  url: string,
  init: { readonly headers: Readonly<Record<string, string>>; readonly signal?: Signal },
) => Promise<ResponseLike>;

/** How files are loaded. */
export interface UrlReaderOptions {
  /** Sent with each question, as `{ Authorization: 'Bearer …' }`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Stops what is being loaded. */
  readonly signal?: Signal;
  /** Is told whenever bytes have arrived. */
  readonly onProgress?: (progress: LoadingProgress) => void;
  /** Where files are kept for the next time; nowhere, unless given. */
  readonly storage?: ByteStorage;
  /** How often a server is asked in a row without an answer or a byte: 4. */
  readonly attempts?: number;
  /** How long it waits before it asks a second time, in milliseconds; twice as long before each further time: 500. */
  readonly pause?: number;
  /** What asks; the engine's own `fetch`, unless given. */
  readonly fetch?: Fetch;
}

const checks: Checks<UrlReaderOptions> = {
  headers: optional(
    mustBe(
      'an object of texts',
      (headers) =>
        Object(headers) === headers && Object.values(headers as object).every((one) => typeof one === 'string'),
    ),
  ),
  signal: optional(aSignal),
  onProgress: optional(aFunction('a function that is told how far it is')),
  storage: optional(withMethods<ByteStorage>('a storage, as cacheStorage()', 'get', 'set')),
  attempts: optional(whole(1, 100)),
  pause: optional(whole(0)),
  fetch: optional(aFunction('a function as fetch')),
};

const aFolder = mustBe('a URL, as "letters/model"', (value) => {
  const { href } = Object(value) as { readonly href?: unknown };
  return typeof (href ?? value) === 'string';
});

/**
 * Reads the files below a URL. Of a file of which only the beginning is wanted no more is loaded (where the server
 * knows ranges), and what broke off goes on where it ended, so long as the file is the same.
 * @param folder a URL; in a page it may be relative to the document
 * @throws InputError for a URL or options that are none; when reading, for a server that refuses or does not answer;
 *   the signal's reason, when it is stopped
 */
export function urlReader(folder: string | { readonly href: string }, options: UrlReaderOptions = {}): ReadFile {
  aFolder('the folder', folder);
  checkOptions('urlReader', options, checks);
  const base = baseOf(typeof folder === 'string' ? folder : folder.href);
  const { storage, onProgress } = options;
  return async (path, part = {}) => {
    text('the path of a file', path);
    const url = new URL(path.split('/').map(encodeURIComponent).join('/'), base).href;
    const kept = await storage?.get(url);
    optional(areBytes)(`what the storage gives of ${url}`, kept);
    if (kept) return firstOf(kept, part, url);
    const told = (done: number, total: number | undefined): void => onProgress?.({ path, done, total });
    const bytes = await load(url, part, options, told);
    if (bytes && part.first === undefined) await storage?.set(url, bytes);
    return bytes;
  };
}

function ownFetch(): Fetch {
  return (globalThis as unknown as { readonly fetch: Fetch }).fetch;
}

function baseOf(folder: string): string {
  const { document, location } = globalThis as {
    readonly document?: { readonly baseURI: string };
    readonly location?: { readonly href: string };
  };
  try {
    return new URL(folder.endsWith('/') ? folder : `${folder}/`, document?.baseURI ?? location?.href).href;
  } catch {
    throw new InputError(`"${folder}" is no URL of a folder; expected one as https://example.org/model/`);
  }
}

/** What has arrived of a file so far. */
interface Arrived {
  readonly parts: Uint8Array[];
  bytes: number;
  /** The version that they are of, where a server says so. */
  version: string | undefined;
}

type Told = (done: number, total: number | undefined) => void;

async function load(
  url: string,
  part: FilePart,
  { attempts = 4, pause = 500, ...options }: UrlReaderOptions,
  told: Told,
): Promise<Uint8Array | undefined> {
  const arrived: Arrived = { parts: [], bytes: 0, version: undefined };
  for (let failures = 0; ; failures++) {
    const before = arrived.bytes;
    try {
      return await goOn(url, part, options, arrived, told);
    } catch (problem) {
      throwIfAborted(options.signal);
      if (problem instanceof InputError) throw problem;
      if (arrived.bytes > before) failures = 0;
      const reason = messageOf(problem);
      if (failures + 1 >= attempts) throw new InputError(`cannot load ${url}: ${reason}`, { cause: problem });
      await new Promise((resolve) => setTimeout(resolve, pause * 2 ** failures));
      throwIfAborted(options.signal);
    }
  }
}

/**
 * Asks for what is missing.
 * @returns the whole; undefined where there is no such file
 * @throws InputError for what is in vain, another error for what may be tried again
 */
async function goOn(
  url: string,
  part: FilePart,
  { headers = {}, signal, fetch = ownFetch() }: UrlReaderOptions,
  arrived: Arrived,
  told: Told,
): Promise<Uint8Array | undefined> {
  const resumes = arrived.bytes > 0 && arrived.version !== undefined;
  if (!resumes) forget(arrived);
  const range = resumes || part.first !== undefined;
  const last = part.first === undefined ? '' : part.first - 1;
  const response = await fetch(url, {
    headers: {
      ...headers,
      ...(range && { Range: `bytes=${arrived.bytes}-${last}` }),
      ...(resumes && { 'If-Range': arrived.version ?? '' }),
    },
    ...(signal && { signal }),
  });
  const { status } = response;
  if (status === 404 || status === 410) return undefined;
  // An empty file has no first byte.
  if (status === 416 && part.first !== undefined && !resumes) return new Uint8Array(0);
  if (status !== 200 && status !== 206) throw refusal(url, status);
  if (status === 200) forget(arrived);
  const sent = response.headers.get('content-range');
  if (status === 206 && sent !== null && !sent.startsWith(`bytes ${arrived.bytes}-`))
    throw new Error(`the server sends ${sent} in place of what follows ${arrived.bytes} bytes`);
  arrived.version = versionOf(response);
  const total = totalOf(response);
  if (total !== undefined) checkSize(total, part, url);
  const end = endOf(response, arrived.bytes);
  await receive(response, part, arrived, (done) => {
    checkSize(done, part, url);
    told(done, total);
  });
  const wanted = Math.min(end ?? 0, part.first ?? Infinity);
  if (arrived.bytes < wanted) throw new Error(`it ended after ${arrived.bytes} of ${wanted} bytes`);
  return joinBytes(arrived.parts).subarray(0, part.first);
}

function forget(arrived: Arrived): void {
  arrived.parts.length = 0;
  arrived.bytes = 0;
}

/** For what may be another time an Error, else an InputError. */
function refusal(url: string, status: number): Error {
  const message = `the server answers ${status}`;
  const mayPass = status >= 500 || [408, 416, 425, 429].includes(status);
  return mayPass ? new Error(message) : new InputError(`cannot load ${url}: ${message}`);
}

/** A strong ETag of bytes that are as they lie on the server: only such can be gone on with. */
function versionOf({ headers }: ResponseLike): string | undefined {
  const tag = headers.get('etag');
  return tag === null || tag.startsWith('W/') || isEncoded(headers) ? undefined : tag;
}

function isEncoded(headers: ResponseLike['headers']): boolean {
  return !['', 'identity'].includes(headers.get('content-encoding') ?? '');
}

/** Bytes of the whole file. */
function totalOf({ status, headers }: ResponseLike): number | undefined {
  if (isEncoded(headers)) return undefined;
  const text =
    status === 206 ? /\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1] : headers.get('content-length');
  return text === null || text === undefined ? undefined : Number(text);
}

/** Where the bytes that are being sent end in the file, where the server says so. */
function endOf({ headers }: ResponseLike, begin: number): number | undefined {
  const length = headers.get('content-length');
  return length === null || isEncoded(headers) ? undefined : begin + Number(length);
}

async function receive(
  { body }: ResponseLike,
  { first = Infinity }: FilePart,
  arrived: Arrived,
  told: (done: number) => void,
): Promise<void> {
  const reader = body?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done || !value) return;
    arrived.parts.push(value);
    arrived.bytes += value.length;
    try {
      told(arrived.bytes);
    } catch (problem) {
      await reader?.cancel();
      throw problem;
    }
    // A server that knows no ranges sends all of it.
    if (arrived.bytes >= first) return reader?.cancel();
  }
}
