/**
 * TensorFlow.js and ONNX Runtime in headless Chromium, on its software devices (SwiftShader): `tfjs-webgl`,
 * `tfjs-webgpu`, `onnxruntime-web-webgpu`. $CHROMIUM is another browser than /usr/bin/chromium.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { require, versionOf } from './packages.mjs';

const flags = {
  webgl: ['--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'],
  webgpu: [
    '--enable-unsafe-webgpu',
    '--use-webgpu-adapter=swiftshader',
    '--enable-features=Vulkan',
    '--enable-unsafe-swiftshader',
    '--ignore-gpu-blocklist',
  ],
};

export async function open(name) {
  const [, library, device] = /^(.+)-(webg..?)$/.exec(name);
  const page = await openPage(flags[device]);
  const opened = library === 'tfjs' ? await openTensorFlow(page, device) : await openRuntime(page, device);
  return { ...opened, versions: { ...opened.versions, Chromium: page.context().browser().version() } };
}

/** A page that can import the packages (`/node_modules/…`) and the modules beside this one. */
async function openPage(args) {
  const { port } = (await serve()).address();
  const browser = await require('playwright-core').chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-background-networking', ...args],
  });
  const page = await browser.newPage();
  page.on('console', (message) => console.error(message.text()));
  await page.goto(`http://localhost:${port}/`);
  return page;
}

const types = { '.mjs': 'text/javascript', '.js': 'text/javascript', '.wasm': 'application/wasm' };

function serve() {
  const server = createServer(({ url }, answer) => {
    const { pathname } = new URL(url, 'http://localhost');
    const path = join(pathname.startsWith('/node_modules/') ? process.cwd() : import.meta.dirname, pathname);
    const found = pathname !== '/' && existsSync(path);
    answer.writeHead(found || pathname === '/' ? 200 : 404, { 'content-type': types[extname(path)] ?? 'text/html' });
    answer.end(found ? readFileSync(path) : '');
  });
  return new Promise((resolve) => server.listen(0, 'localhost', () => resolve(server)));
}

async function openTensorFlow(page, device) {
  const packages = ['@tensorflow/tfjs', ...(device === 'webgpu' ? ['@tensorflow/tfjs-backend-webgpu'] : [])];
  for (const one of packages)
    await page.addScriptTag({ url: `/node_modules/${one}/dist/${one.split('/')[1].replace('tfjs', 'tf')}.min.js` });
  const names = await page.evaluate(async (backend) => {
    await tf.setBackend(backend);
    await tf.ready();
    if (tf.getBackend() !== backend) throw new Error(`the backend is ${tf.getBackend()}`);
    const { operationsOf } = await import('/tfjs-operations.mjs');
    globalThis.operations = operationsOf(tf);
    return Object.keys(operations);
  }, device);
  const inPage = (name, given) => page.evaluate(([name, given]) => operations[name](...given), [name, given]);
  return {
    versions: Object.fromEntries(packages.map((one) => [one, versionOf(one)])),
    operations: Object.fromEntries(names.map((name) => [name, (...given) => inPage(name, given)])),
  };
}

async function openRuntime(page, device) {
  await page.evaluate(async (device) => {
    globalThis.ort = await import(`/node_modules/onnxruntime-web/dist/ort.${device}.min.mjs`);
    globalThis.modelOf = (await import('/onnxruntime-model.mjs')).modelOf;
  }, device);
  return {
    versions: { 'onnxruntime-web': versionOf('onnxruntime-web') },
    model: (...given) => page.evaluate(([device, given]) => modelOf(ort, device, ...given), [device, given]),
  };
}
