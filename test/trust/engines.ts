/**
 * `npm run bits`: the reference runs in this Node, in Node 22 and 24 (packages of npm; 24 also with wider vectors), in
 * Chromium and in Firefox, each compared with the one snapshot, fixtures/bits.json.
 *
 * --update writes the snapshot anew, from the plain loops in this Node.  --all: an engine that is not there is a
 * failure.
 */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { buildSync } from 'esbuild';
import { runNames, type Digest } from './reference-runs.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const snapshotFile = fileURLToPath(new URL('../../fixtures/bits.json', import.meta.url));
const folders: ReadonlyMap<string, string> = new Map(
  ['letters', 'letters-text'].map((name) => [
    name,
    fileURLToPath(new URL(`../../fixtures/${name}/model`, import.meta.url)),
  ]),
);
const scratch = mkdtempSync(join(tmpdir(), 'pag-bits-'));
const limit = 240_000;
// Whoever stops this, stops the browser, too, which has a group of its own.
process.on('exit', () => rmSync(scratch, { recursive: true, force: true, maxRetries: 5 }));
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

interface Engine {
  readonly name: string;
  /** Undefined when the engine is not there, with the reason why. */
  readonly run: (() => Promise<readonly Digest[]>) | undefined;
  readonly missing?: string;
}

const bundle = (entry: string, platform: 'node' | 'browser'): string => {
  const outfile = join(scratch, entry.replace('.ts', '.mjs'));
  buildSync({ entryPoints: [join(here, entry)], outfile, bundle: true, format: 'esm', target: 'es2022', platform });
  return outfile;
};

async function inNode(executable: string, switches: readonly string[] = []): Promise<readonly Digest[]> {
  const { stdout } = await promisify(execFile)(executable, [...switches, nodeBundle, ...folders.values()], {
    timeout: limit,
  });
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Digest);
}

/** A Node of npm's package `node`, which ships the executable. */
function nodePackage(version: string, ...switches: readonly string[]): Engine {
  const folder = join(scratch, `node-${version}`);
  const name = ['Node', version, ...switches].join(' ');
  try {
    execFileSync('npm', ['install', '--silent', '--no-audit', '--no-fund', '--prefix', folder, `node@${version}`], {
      stdio: 'pipe',
      timeout: limit,
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    return { name, run: undefined, missing: `npm could not install node@${version} (${reason})` };
  }
  const executable = join(folder, 'node_modules/node/bin/node');
  return {
    name: `${name} (${execFileSync(executable, ['--version'], { encoding: 'utf8' }).trim()})`,
    run: () => inNode(executable, switches),
  };
}

/** A browser of this machine, headless, on a page that computes and sends what it found. */
function browser(name: string, commands: readonly string[], args: (profile: string) => readonly string[]): Engine {
  const command = commands.find((candidate) => {
    try {
      execFileSync('which', [candidate], { stdio: 'pipe' });
      return true;
    } catch {
      return false;
    }
  });
  if (!command) return { name, run: undefined, missing: `there is no ${commands.join(' or ')} on this machine` };
  const version = execFileSync(command, ['--version'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
  return { name: version, run: () => inBrowser(command, args(mkdtempSync(join(scratch, 'profile-')))) };
}

async function inBrowser(command: string, args: readonly string[]): Promise<readonly Digest[]> {
  const found: Digest[] = [];
  let end: (problem: string | null) => void = () => {};
  const ended = new Promise<string | null>((resolve) => {
    end = resolve;
  });
  const page =
    '<!doctype html><title>bits</title><script>new Worker("/worker.js", { type: "module" }).onerror = ' +
    '(e) => fetch("/end", { method: "POST", body: JSON.stringify(String(e.message)) });</script>';

  const server = createServer(async (request, response) => {
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    const path = request.url ?? '/';
    if (request.method === 'POST') {
      const body: Buffer[] = [];
      for await (const part of request) body.push(part as Buffer);
      const value = JSON.parse(Buffer.concat(body).toString()) as unknown;
      response.end();
      if (path === '/digest') found.push(value as Digest);
      else end(value as string | null);
    } else if (path === '/') {
      response.setHeader('Content-Type', 'text/html').end(page);
    } else if (path === '/worker.js') {
      response.setHeader('Content-Type', 'text/javascript').end(await readFile(webBundle));
    } else {
      const [, name = '', file = ''] = /^\/model\/([^/]+)\/(.+)$/.exec(path) ?? [];
      const folder = path.includes('..') ? undefined : folders.get(name);
      const bytes = folder && (await readFile(join(folder, file)).catch(() => undefined));
      response.statusCode = bytes ? 200 : 404;
      response.end(bytes);
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const child = spawn(command, [...args, `http://127.0.0.1:${(server.address() as AddressInfo).port}/`], {
    stdio: 'ignore',
    detached: true,
    env: { ...process.env, HOME: scratch },
  });
  child.on('error', (error) => end(error.message));
  child.on('exit', (code) => end(`it ended by itself, with status ${code}`));
  const stop = (): void => stopGroup(child.pid);
  // Before the folder is removed, in which the browser writes.
  process.prependListener('exit', stop);
  const timer = setTimeout(() => end(`nothing heard for ${limit / 1000} s`), limit);
  const problem = await ended;
  clearTimeout(timer);
  stop();
  process.off('exit', stop);
  server.closeAllConnections();
  server.close();
  if (problem !== null) throw new Error(problem);
  return found;
}

/** Ends a browser and all that it has started. */
function stopGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It was gone already.
  }
}

/** Firefox asks no questions and calls nobody. */
function firefoxProfile(profile: string): string {
  writeFileSync(
    join(profile, 'user.js'),
    [
      ['browser.shell.checkDefaultBrowser', false],
      ['browser.aboutwelcome.enabled', false],
      ['datareporting.policy.dataSubmissionEnabled', false],
      ['toolkit.telemetry.reportingpolicy.firstRun', false],
      ['app.update.enabled', false],
      ['network.captive-portal-service.enabled', false],
    ]
      .map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`)
      .join('\n'),
  );
  return profile;
}

const nodeBundle = bundle('engine-node.ts', 'node');
const webBundle = bundle('engine-web.ts', 'browser');
const thisNode: Engine = { name: `Node ${process.version}`, run: () => inNode(process.execPath) };
if (process.argv.includes('--update')) {
  const found = await thisNode.run!();
  const loops = found.filter(({ way }) => way === 'loops').map(({ run, sha256 }) => [run, sha256]);
  writeFileSync(snapshotFile, `${JSON.stringify(Object.fromEntries(loops), null, 2)}\n`);
}
const snapshot = JSON.parse(readFileSync(snapshotFile, 'utf8')) as Record<string, string>;
console.log('The bits of the reference runs, compared with fixtures/bits.json');

let failures = 0;
const engines = [
  () => thisNode,
  () => nodePackage('22'),
  () => nodePackage('24'),
  // V8 joins the vectors of wide tiles to vectors of 256 bits.
  () => nodePackage('24', '--experimental-wasm-revectorize'),
  () =>
    browser('Chromium', ['chromium', 'chromium-browser', 'google-chrome'], (profile) => [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      `--user-data-dir=${profile}`,
    ]),
  () =>
    browser('Firefox', ['firefox-esr', 'firefox'], (profile) => [
      '--headless',
      '--no-remote',
      '--profile',
      firefoxProfile(profile),
    ]),
];
for (const find of engines) {
  const { name, run, missing } = find();
  if (!run) {
    console.log(`  ${name}: NOT COMPARED: ${missing}`);
    if (process.argv.includes('--all')) failures++;
    continue;
  }
  const started = performance.now();
  try {
    const found = await run();
    const wrong = found.filter(({ run: of, sha256 }) => snapshot[of] !== sha256);
    const absent = runNames.filter((of) => !found.some((digest) => digest.run === of));
    failures += wrong.length + absent.length;
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    console.log(`  ${name}: ${found.length - wrong.length} of ${found.length} the same, ${seconds} s`);
    for (const { run: of, way, sha256 } of wrong)
      console.log(`    DIFFERENT: ${of}, ${way}: ${sha256}, not ${snapshot[of]}`);
    for (const of of absent) console.log(`    MISSING: ${of}`);
  } catch (error) {
    failures++;
    console.log(`  ${name}: FAILED: ${error instanceof Error ? error.message : String(error)}`);
  }
}
process.exit(failures > 0 ? 1 : 0);
