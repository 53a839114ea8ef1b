import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { request, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mostConnections, serveFolder } from '../../src/cli/serve.ts';
import { walkthroughCommand } from '../../src/cli/walkthrough.ts';

let root: string;
let server: Server;
const styles = 'p { color: red }\n'.repeat(200);
const weights = Buffer.from(Uint8Array.from({ length: 1000 }, (_, i) => i % 251));
const port = (): number => (server.address() as AddressInfo).port;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'served-'));
  await mkdir(join(root, 'page/model'), { recursive: true });
  await mkdir(join(root, 'weights/unet'), { recursive: true });
  await writeFile(join(root, 'page/index.html'), 'the page');
  await writeFile(join(root, 'page/model/config.json'), 'not this one');
  await writeFile(join(root, 'weights/unet/config.json'), '{}');
  await writeFile(join(root, 'secret.json'), 'secret');
  await writeFile(join(root, 'page/style.css'), styles);
  await writeFile(join(root, 'weights/unet/x.safetensors'), weights);
  await writeFile(join(root, 'page/large.safetensors'), new Uint8Array(2 ** 24));
  server = await serveFolder(join(root, 'page'), 0, { model: join(root, 'weights') });
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(root, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly bytes: Buffer;
  readonly text: string;
}

/** As it stands: `fetch` would tidy the path up. */
function get(path: string, method = 'GET', headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port: port(), path, method, headers, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => {
        const bytes = Buffer.concat(parts);
        const given = response.headers as Answer['headers'];
        resolve({ status: response.statusCode!, headers: given, bytes, text: bytes.toString() });
      });
    })
      .on('error', reject)
      .end();
  });
}

describe('the server of the walkthrough', () => {
  it('serves the page isolated, so that its threads may share memory', async () => {
    const { status, headers, text } = await get('/');
    expect([status, text]).toEqual([200, 'the page']);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    });
  });

  it('finds a subfolder that lies elsewhere', async () => {
    expect((await get('/model/unet/config.json')).text).toBe('{}');
    expect((await get('/model/config.json')).status).toBe(404);
  });

  it.each([
    '/../secret.json',
    '/%2e%2e/secret.json',
    '/..%2fsecret.json',
    '/model/../../secret.json',
    '/model/%2e%2e/%2e%2e/secret.json',
    '/%00.json',
    '/%',
    '/model',
    '/nothing.html',
  ])('gives nothing for %s', async (path) => {
    const { status, text } = await get(path);
    expect(status).toBe(404);
    expect(text).not.toContain('secret');
  });

  it('answers HEAD without a body, and refuses to be written to', async () => {
    expect(await get('/', 'HEAD')).toMatchObject({ status: 200, text: '' });
    expect((await get('/', 'POST')).status).toBe(405);
  });

  it('says which port is taken, and what is no port', async () => {
    await expect(serveFolder(root, port())).rejects.toThrow(
      `port ${port()} cannot be used (EADDRINUSE); give another one with --port`,
    );
    await expect(walkthroughCommand.run(['--port', '70000'])).rejects.toThrow(
      '--port is 70000; expected a whole number from 0 to 65535',
    );
  });

  it('answers only to this machine by its own name', async () => {
    for (const host of [`localhost:${port()}`, 'LOCALHOST', '127.0.0.1:1', '[::1]:80'])
      expect((await get('/', 'GET', { Host: host })).status).toBe(200);
    for (const host of ['evil.example', `evil.example:${port()}`, 'localhost.evil.example', '127.0.0.1.nip.io'])
      expect(await get('/', 'GET', { Host: host })).toMatchObject({
        status: 421,
        text: 'this server answers to localhost only',
      });
  });

  it('says "not changed" until the file changes', async () => {
    const { headers } = await get('/style.css');
    const tag = headers['etag']!;
    for (const known of [tag, `W/${tag}`, `"other", ${tag}`, '*'])
      expect(await get('/style.css', 'GET', { 'If-None-Match': known })).toMatchObject({ status: 304, text: '' });
    expect((await get('/style.css', 'GET', { 'If-None-Match': '"other"' })).status).toBe(200);
    await writeFile(join(root, 'page/style.css'), `${styles} `);
    const changed = await get('/style.css', 'GET', { 'If-None-Match': tag });
    expect([changed.status, changed.text]).toEqual([200, `${styles} `]);
    await writeFile(join(root, 'page/style.css'), styles);
  });

  it.each(['gzip', 'br, GZIP', 'deflate, gzip;q=0.5', '*'])('compresses text for who takes %s', async (coding) => {
    const { headers, bytes } = await get('/style.css', 'GET', { 'Accept-Encoding': coding });
    expect(headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
    expect(headers['etag']).not.toBe((await get('/style.css')).headers['etag']);
    expect(bytes.length).toBeLessThan(styles.length / 10);
    expect(gunzipSync(bytes).toString()).toBe(styles);
  });

  it.each(['', 'br', 'gzip;q=0', 'identity, gzip; q=0.0'])('does not compress for who takes "%s"', async (coding) => {
    const { headers, text } = await get('/style.css', 'GET', { 'Accept-Encoding': coding });
    expect([headers['content-encoding'], headers['content-length'], text]).toEqual([
      undefined,
      String(styles.length),
      styles,
    ]);
  });

  it('gives parts of a file', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(weights.length + 20), fc.nat(weights.length + 20), async (first, length) => {
        const asked = first % 3 === 0 ? `${first}-` : `${first}-${first + length}`;
        const answer = await get('/model/unet/x.safetensors', 'GET', { Range: `bytes=${asked}` });
        if (first >= weights.length) {
          expect([answer.status, answer.headers['content-range']]).toEqual([416, `bytes */${weights.length}`]);
          return;
        }
        const wanted = weights.subarray(first, asked.endsWith('-') ? undefined : first + length + 1);
        expect(answer.status).toBe(206);
        expect(answer.bytes.equals(wanted)).toBe(true);
        expect(answer.headers).toMatchObject({
          'content-length': String(wanted.length),
          'content-range': `bytes ${first}-${first + wanted.length - 1}/${weights.length}`,
        });
      }),
      { numRuns: 40 },
    );
    const last = await get('/model/unet/x.safetensors', 'GET', { Range: 'bytes=-5' });
    expect(last.bytes.equals(weights.subarray(-5))).toBe(true);
    const whole = await get('/model/unet/x.safetensors', 'GET', { Range: 'bytes=-999999' });
    expect([whole.status, whole.bytes.length]).toEqual([206, weights.length]);
    for (const odd of ['bytes=-', 'bytes=5-2', 'bytes=0-1,4-5', 'lines=1-2', 'bytes=a-b'])
      expect((await get('/model/unet/x.safetensors', 'GET', { Range: odd })).status).toBe(200);
    expect((await get('/model/unet/x.safetensors', 'GET', { Range: 'bytes=-0' })).status).toBe(416);
  });

  it('gives a part only of the version that is meant', async () => {
    const { headers } = await get('/model/unet/x.safetensors');
    const of = (version: string): Promise<Answer> =>
      get('/model/unet/x.safetensors', 'GET', { Range: 'bytes=3-4', 'If-Range': version });
    expect((await of(headers['etag']!)).status).toBe(206);
    expect(await of('"older"')).toMatchObject({ status: 200, bytes: weights });
  });

  /** Opens a download and leaves it when it has begun. */
  const leave = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const one = request({ host: '127.0.0.1', port: port(), path: '/large.safetensors', agent: false }, (response) => {
        response.once('data', () => {
          one.destroy();
          resolve();
        });
      }).on('error', reject);
      one.end();
    });

  it.skipIf(!existsSync('/proc/self/fd'))('closes the files of downloads that are left', async () => {
    const linkOf = (fd: string): string => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return ''; // that of the listing itself
      }
    };
    const open = (): number => readdirSync('/proc/self/fd').filter((fd) => linkOf(fd).startsWith(root)).length;
    for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 20 }, leave));
    await expect.poll(open, { timeout: 5000 }).toBe(0);
    expect((await get('/')).status).toBe(200);
  });

  it('turns away more connections than it can have, and has room again when they end', async () => {
    const sockets = Array.from({ length: mostConnections }, () => connect(port(), '127.0.0.1'));
    const open = sockets.map(
      (socket) => new Promise((resolve) => socket.on('error', () => {}).once('connect', resolve)),
    );
    await Promise.all(open);
    await expect(get('/')).rejects.toThrow();
    for (const socket of sockets) socket.destroy();
    await expect.poll(async () => (await get('/').catch(() => ({ status: 0 }))).status).toBe(200);
  });
});
