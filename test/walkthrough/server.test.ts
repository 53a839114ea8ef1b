import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serveFolder, walkthroughCommand } from '../../src/cli/walkthrough.ts';

let root: string;
let server: Server;
const port = (): number => (server.address() as AddressInfo).port;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'served-'));
  await mkdir(join(root, 'page/model'), { recursive: true });
  await mkdir(join(root, 'weights/unet'), { recursive: true });
  await writeFile(join(root, 'page/index.html'), 'the page');
  await writeFile(join(root, 'page/model/config.json'), 'not this one');
  await writeFile(join(root, 'weights/unet/config.json'), '{}');
  await writeFile(join(root, 'secret.json'), 'secret');
  server = await serveFolder(join(root, 'page'), 0, { model: join(root, 'weights') });
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(root, { recursive: true });
});

/** As it stands: `fetch` would tidy the path up. */
function get(
  path: string,
  method = 'GET',
): Promise<{ status: number; headers: Readonly<Record<string, unknown>>; text: string }> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port: port(), path, method }, (response) => {
      let text = '';
      response.on('data', (part: Buffer) => (text += part.toString()));
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text }));
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
});
