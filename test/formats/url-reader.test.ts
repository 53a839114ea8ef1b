/** Models from a web server that is slow, breaks off, knows no ranges, or changes its mind. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { serveFolder } from '../../src/cli/serve.ts';
import {
  InputError,
  loadModelFolder,
  urlReader,
  type LoadingProgress,
  type UrlReaderOptions,
} from '../../src/index.ts';
import { folderReader } from '../../src/node.ts';

const content = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 8)) % 256);
type Handle = (request: IncomingMessage, response: ServerResponse) => void;
let handle: Handle = () => {};
const asked: { url: string; range: string | undefined; headers: IncomingMessage['headers'] }[] = [];
let server: Server;
let base: string;
beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push({ url: request.url ?? '', range: request.headers.range, headers: request.headers });
    handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/models/a%20b`;
});
afterAll(() => server.close());
beforeEach(() => {
  asked.length = 0;
});

const read = (options: UrlReaderOptions = {}) => urlReader(base, { pause: 1, ...options });

/** A server that knows ranges, and sends only so many bytes at a time before it breaks off. */
function breaking(most: number, tag: () => string | undefined = () => '"1"', bytes = content): Handle {
  return (request, response) => {
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const version = tag();
    const same = request.headers['if-range'] === undefined || request.headers['if-range'] === version;
    const ranged = from !== undefined && same;
    const first = ranged ? Number(from) : 0;
    const end = ranged && to !== '' ? Math.min(Number(to) + 1, bytes.length) : bytes.length;
    response.writeHead(ranged ? 206 : 200, {
      'Content-Length': end - first,
      ...(ranged && { 'Content-Range': `bytes ${first}-${end - 1}/${bytes.length}` }),
      ...(version !== undefined && { ETag: version }),
    });
    if (end - first <= most) response.end(bytes.subarray(first, end));
    else response.write(bytes.subarray(first, first + most), () => setTimeout(() => response.destroy(), 5));
  };
}

describe('a reader of URLs', () => {
  it('gives whole files, told how far it is, and nothing where there is none', async () => {
    handle = breaking(Infinity);
    const told: LoadingProgress[] = [];
    const headers = { Authorization: 'Bearer x' };
    expect(await read({ headers, onProgress: (progress) => told.push(progress) })('unet/x y.bin')).toEqual(content);
    expect(asked[0]).toMatchObject({ url: '/models/a%20b/unet/x%20y.bin', headers: { authorization: 'Bearer x' } });
    expect(told.at(-1)).toEqual({ path: 'unet/x y.bin', done: content.length, total: content.length });
    expect(told.map(({ done }) => done)).toEqual(told.map(({ done }) => done).sort((a, b) => a - b));
    for (const status of [404, 410]) {
      handle = (_request, response) => response.writeHead(status).end('no');
      expect(await read()('x')).toBeUndefined();
    }
  });

  it('asks for no more than is wanted, and takes no more from who knows no ranges', async () => {
    handle = breaking(Infinity);
    expect(await read()('x', { first: 8 })).toEqual(content.subarray(0, 8));
    expect(asked[0].range).toBe('bytes=0-7');
    handle = (_request, response) => response.writeHead(200).end(content);
    expect(await read()('x', { first: 8 })).toEqual(content.subarray(0, 8));
    handle = (_request, response) => response.writeHead(416, { 'Content-Range': 'bytes */0' }).end();
    expect(await read()('x', { first: 8 })).toEqual(new Uint8Array(0));
  });

  it('goes on where a line broke, with nothing lost, whatever was asked for', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 20_000, max: 310_000 }), fc.option(fc.nat(300_000)), async (most, first) => {
        asked.length = 0;
        handle = breaking(most);
        const part = first === null ? {} : { first: first + 1 };
        const wanted = content.subarray(0, part.first);
        expect(Buffer.from((await read()('x', part)) ?? []).equals(wanted)).toBe(true);
        const starts = asked.map(({ range }) => Number(/\d+/.exec(range ?? '')?.[0] ?? 0));
        expect(starts).toEqual([...starts].sort((a, b) => a - b));
      }),
      { numRuns: 10 },
    );
  });

  it('begins anew where the file is another one, or may be', async () => {
    const other = content.map((value) => value ^ 1);
    let version = 0;
    handle = (request, response) => {
      version++;
      const [bytes, most] = version === 1 ? [content, 100_000] : [other, Infinity];
      breaking(most, () => `"${version}"`, bytes)(request, response);
    };
    expect(await read()('x')).toEqual(other);
    expect(asked[1].headers).toMatchObject({ range: 'bytes=100000-', 'if-range': '"1"' });
    for (const tag of [undefined, 'W/"1"']) {
      let left = 1;
      handle = (request, response) => breaking(left-- > 0 ? 100_000 : Infinity, () => tag)(request, response);
      asked.length = 0;
      expect(await read()('x')).toEqual(content);
      expect(asked.map(({ range }) => range)).toEqual([undefined, undefined]);
    }
  });

  it('reads what is compressed on the way', async () => {
    handle = (_request, response) => {
      const zipped = gzipSync(content);
      response.writeHead(200, { 'Content-Encoding': 'gzip', 'Content-Length': zipped.length, ETag: '"z"' }).end(zipped);
    };
    expect(await read()('x')).toEqual(content);
  });

  it('tries again what may pass, and gives up at last', async () => {
    let failures = 2;
    handle = (request, response) => {
      if (failures-- > 0) response.writeHead(503).end();
      else breaking(Infinity)(request, response);
    };
    expect(await read()('x')).toEqual(content);
    handle = (_request, response) => response.writeHead(503).end();
    asked.length = 0;
    await expect(read({ attempts: 3 })('x')).rejects.toThrow(
      new InputError(`cannot load ${base}/x: the server answers 503`),
    );
    expect(asked).toHaveLength(3);
    handle = (_request, response) => response.destroy();
    await expect(read({ attempts: 2 })('x')).rejects.toThrow(InputError);
  });

  it('refuses at once what is forbidden, too large, or of another place', async () => {
    handle = (_request, response) => response.writeHead(403).end();
    await expect(read()('x')).rejects.toThrow(`cannot load ${base}/x: the server answers 403`);
    expect(asked).toHaveLength(1);
    handle = breaking(Infinity);
    await expect(read()('x', { most: 1000 })).rejects.toThrow('has 300000 bytes; at most 1000 are read');
    handle = (_request, response) => response.writeHead(200).end(content);
    await expect(read()('x', { most: 1000 })).rejects.toThrow('at most 1000 are read');
    handle = (_request, response) =>
      response.writeHead(206, { 'Content-Range': 'bytes 5-9/10', 'Content-Length': 5 }).end('fffff');
    await expect(read({ attempts: 1 })('x', { first: 5 })).rejects.toThrow('the server sends bytes 5-9/10');
  });

  it('waits twice as long before each further attempt', async () => {
    const waits: unknown[] = [];
    const spy = vi.spyOn(globalThis, 'setTimeout').mockImplementation(((go: () => void, milliseconds: number) => {
      waits.push(milliseconds);
      go();
    }) as never);
    const fetch = (): Promise<never> => Promise.reject(new Error('no line'));
    await expect(read({ fetch, pause: 3, attempts: 4 })('x')).rejects.toThrow('no line');
    spy.mockRestore();
    expect(waits).toEqual([3, 6, 12]);
  });

  it('is stopped by a signal, in a file and between two attempts', async () => {
    handle = (_request, response) => {
      response.writeHead(200, { 'Content-Length': content.length }).write(content.subarray(0, 1000));
    };
    const controller = new AbortController();
    const loading = read({ signal: controller.signal, onProgress: () => controller.abort('enough') })('x');
    await expect(loading).rejects.toBe('enough');
    // From the answer on: before the pause, which begins later and is longer, has gone by. A question that is given up
    // on its way would arrive in the next test.
    asked.length = 0;
    const later = new AbortController();
    handle = (_request, response) => {
      response.writeHead(503).end();
      setTimeout(() => later.abort('later'), 10);
    };
    await expect(read({ pause: 100, signal: later.signal })('x')).rejects.toBe('later');
    expect(asked).toHaveLength(1);
  });

  it('asks once for what a storage keeps', async () => {
    handle = breaking(Infinity);
    const kept = new Map<string, Uint8Array>();
    const storage = {
      get: async (url: string) => kept.get(url),
      set: async (url: string, bytes: Uint8Array) => void kept.set(url, bytes),
    };
    for (let i = 0; i < 2; i++) expect(await read({ storage })('x')).toEqual(content);
    expect(await read({ storage })('x', { first: 3 })).toEqual(content.subarray(0, 3));
    await expect(read({ storage })('x', { most: 3 })).rejects.toThrow('at most 3 are read');
    expect(asked).toHaveLength(1);
    expect([...kept.keys()]).toEqual([`${base}/x`]);
    await read({ storage })('y', { first: 3 });
    expect(kept.size).toBe(1);
  });

  it('refuses what is no URL, and options that are none', () => {
    expect(() => urlReader('model')).toThrow('"model/" is no URL of a folder'.replace('/"', '"'));
    expect(() => urlReader(base, { retries: 3 } as never)).toThrow('retries');
    expect(() => urlReader(base, { fetch: 1 as never })).toThrow('fetch is 1');
    vi.stubGlobal('document', { baseURI: 'https://example.org/page/index.html' });
    expect(() => urlReader('model')).not.toThrow();
    vi.unstubAllGlobals();
  });

  it('loads a model as a disk does', async () => {
    const folder = fileURLToPath(new URL('../../fixtures/letters/model', import.meta.url));
    const files = await serveFolder(folder, 0);
    const url = `http://localhost:${(files.address() as AddressInfo).port}`;
    const [theirs, own] = await Promise.all([
      loadModelFolder(urlReader(url), url),
      loadModelFolder(await folderReader(folder), folder),
    ]);
    files.close();
    expect([...theirs.weights.keys()]).toEqual([...own.weights.keys()]);
    for (const [name, { data }] of own.weights) expect(theirs.weights.get(name)?.data).toEqual(data);
  });
});
