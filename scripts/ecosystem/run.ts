/**
 * The core and the letters as others meet them: packed, installed into an empty project, run by other engines, bundled
 * by other tools, checked by other compilers. What came of it is written to README.md beside this file.
 *
 *     npx tsx scripts/ecosystem/run.ts [PATTERN]     (rows whose name it matches; needs npm's registry, on Linux x64)
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { packParts } from '../package/parts.ts';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');

/** One thing that is tried: it returns what is to be said, and throws when it does not work. */
interface Row {
  readonly name: string;
  readonly run: (project: Project) => string;
}

/** A folder with the package in it, and the tools. */
interface Project {
  readonly folder: string;
  readonly tarball: string;
  /** Runs a program in it, and gives what it printed. */
  sh(command: string, ...args: readonly string[]): string;
  /** The path of a tool's program, or of one of the programs that are tried. */
  at(path: string): string;
}

const letters = join(root, 'fixtures/letters/model');
const tool = (name: string): string => join('node_modules', name);
const node = process.execPath;
const tsc = join(root, 'node_modules/.bin/tsc');
const tsx = pathToFileURL(join(root, 'node_modules/tsx/dist/esm/index.mjs')).href;

/** What an engine draws with `programs/letters.mjs`, or a bundle of it: the digests must be those of every other. */
function draws(text: string, offThread: RegExp = /in a worker/): string {
  const [, here = '', kernels = '', there = '', told = ''] = /DIGEST (\w+) (.*); (\w+) (.*)/.exec(text) ?? [];
  if (here !== expected) throw new Error(`other bits: ${text.slice(0, 200)}`);
  return drawsOnce(`DIGEST ${there} ${kernels}, ${told}`, offThread);
}
/** What draws once: `programs/browser.mjs`, `programs/workerd.mjs`. */
function drawsOnce(text: string, offThread: RegExp): string {
  const [, digest, kernels, told = ''] = /DIGEST (\w+) ([\w-]+), (.*)/.exec(text) ?? [];
  if (digest !== expected) throw new Error(`other bits: ${text.slice(0, 200)}`);
  if (!offThread.test(told)) throw new Error(`off the thread: ${told}`);
  return `the same bits; ${kernels}, ${told.replace(/ \(.*/, '')}`;
}
/** Of two letters, three steps of Euler with PAG. */
const expected = '40f614caaab8f63f';
/** Where a bundle has left the worker behind. */
const sameThread = /in the same thread/;

const rows: readonly Row[] = [
  ...[
    ['Node 20', node],
    ['Node 22', 'node_modules/node22/bin/node'],
    ['Node 24', 'node_modules/node24/bin/node'],
    ['Deno 2', 'node_modules/@deno/linux-x64-glibc/deno', 'run', '-A'],
    ['Bun 1', 'node_modules/@oven/bun-linux-x64/bin/bun'],
  ].map(([name = '', program = '', ...args]) => ({
    name,
    run: ({ sh, at }: Project) => draws(sh(program.startsWith('/') ? program : at(program), ...args, 'letters.mjs')),
  })),
  {
    name: 'esbuild, for Node, ESM',
    run: ({ sh, at }) => {
      const args = ['--bundle', '--platform=node', '--format=esm', '--target=node20', '--log-level=error'];
      sh(node, at('node_modules/esbuild/bin/esbuild'), 'letters.mjs', ...args, '--outfile=esm/out.mjs');
      return draws(sh(node, 'esm/out.mjs'), sameThread);
    },
  },
  {
    name: 'webpack 5, for Node',
    run: ({ sh, at, folder }) => {
      writeFileSync(
        join(folder, 'webpack.config.mjs'),
        `export default { mode: 'production', target: 'node20', entry: './letters.mjs',
        experiments: { outputModule: true },
        output: { path: '${folder}/webpack', filename: 'out.mjs', module: true, library: { type: 'module' } } };`,
      );
      sh(node, at('node_modules/webpack-cli/bin/cli.js'), 'build');
      return draws(sh(node, 'webpack/out.mjs'), /./);
    },
  },
  {
    name: 'rollup 4, for Node',
    run: ({ sh, at }) => {
      const args = ['-p', '@rollup/plugin-node-resolve', '-f', 'es', '-d', 'rollup', '--silent'];
      sh(node, at('node_modules/rollup/dist/bin/rollup'), 'letters.mjs', ...args);
      return draws(sh(node, 'rollup/letters.js'), sameThread);
    },
  },
  {
    name: 'bun build --compile',
    run: ({ sh, at }) => {
      sh(
        at('node_modules/@oven/bun-linux-x64/bin/bun'),
        'build',
        '--compile',
        'letters.mjs',
        '--outfile',
        'letters-alone',
      );
      return draws(sh(at('letters-alone')), /./);
    },
  },
  { name: 'esbuild, for a page', run: (project) => bundleForPage(project, 'esbuild', sameThread) },
  {
    name: "esbuild, for a page with script-src 'self'",
    run: (project) =>
      bundleForPage(project, 'esbuild', /does not compile WebAssembly/, { policy: "script-src 'self'" }),
  },
  { name: 'vite 8, for a page', run: (project) => bundleForPage(project, 'vite', /in a worker/) },
  {
    name: 'vite 8, for a page, workers as modules',
    run: (project) => bundleForPage(project, 'vite, workers as modules', /in a worker/),
  },
  { name: 'webpack 5, for a page', run: (project) => bundleForPage(project, 'webpack', /in a worker/) },
  {
    name: 'esbuild, the least that draws',
    run: (project) => bundleForPage(project, 'esbuild', sameThread, { lean: true }),
  },
  {
    name: 'vite 8, the least that draws',
    run: (project) => bundleForPage(project, 'vite', sameThread, { lean: true }),
  },
  {
    name: 'webpack 5, the least that draws',
    run: (project) => bundleForPage(project, 'webpack', sameThread, { lean: true }),
  },
  { name: 'Next.js 16, a static page', run: nextPage },
  { name: 'workerd', run: inWorkerd },
  ...['typescript50', 'typescript59', 'typescript'].map((name) => ({
    name: `TypeScript ${versionOf(name)}, without DOM and Node`,
    run: ({ sh, at }: Project) => {
      const path = name === 'typescript' ? tsc : at(tool(`${name}/bin/tsc`));
      return sh(...((name === 'typescript' ? [path] : [node, path]) as [string]), '-p', 'tsconfig.json') || 'no error';
    },
  })),
  {
    name: 'publint',
    run: ({ sh, at, tarball }) => {
      sh(node, at('node_modules/publint/src/cli.js'), tarball, '--strict');
      return 'no problem';
    },
  },
  {
    name: 'are the types wrong?',
    run: ({ sh, at, tarball }) => {
      sh(node, at('node_modules/@arethetypeswrong/cli/dist/index.js'), tarball, '--profile', 'esm-only');
      return 'no problem, of modules';
    },
  },
];

/** The bundlers of a page; Vite's workers are one file each, or, in the last, modules. */
type Bundler = 'esbuild' | 'vite' | 'webpack' | 'vite, workers as modules';

/** Which page is bundled, and how it is served. */
interface PageOptions {
  /** `programs/lean.mjs` in one file, in place of `programs/browser.mjs`. */
  readonly lean?: boolean;
  /** Its Content-Security-Policy. */
  readonly policy?: string;
}

/** Bundles a page and opens it in Chromium. */
function bundleForPage(
  project: Project,
  by: Bundler,
  offThread: RegExp,
  { lean = false, policy }: PageOptions = {},
): string {
  const out = join(project.folder, 'page');
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out);
  bundle(project, by, out, lean ? 'lean' : 'browser');
  if (!by.startsWith('vite')) {
    const forbidding = policy === undefined ? '' : `<meta http-equiv="Content-Security-Policy" content="${policy}">`;
    const script = `<script type="module" src="/main.js"></script>`;
    writeFileSync(join(out, 'index.html'), `<!doctype html>${forbidding}${script}`);
  }
  return openPage(project, out, offThread);
}

/** In one file, or, of `browser`, with what is loaded when it is needed in others. */
function bundle({ sh, at, folder }: Project, by: Bundler, out: string, program: 'browser' | 'lean'): void {
  if (by === 'esbuild') {
    // It would put all that the library imports dynamically, needed or not, in a chunk of the page.
    const splitting = program === 'lean' ? [] : ['--splitting'];
    const args = ['--bundle', '--minify', '--format=esm', '--log-level=error', `--outdir=${out}`];
    sh(node, at('node_modules/esbuild/bin/esbuild'), `main=${program}.mjs`, ...args, ...splitting);
  } else if (by.startsWith('vite')) {
    const worker = by === 'vite' ? {} : { format: 'es' };
    writeFileSync(join(folder, 'vite.config.mjs'), `export default ${JSON.stringify({ worker })};`);
    writeFileSync(join(folder, 'index.html'), `<script type="module" src="./${program}.mjs"></script>`);
    const args = ['--outDir', out, '--target', 'esnext', '--logLevel', 'error'];
    sh(node, at('node_modules/vite/bin/vite.js'), 'build', ...args);
  } else {
    const config = join(folder, 'page.config.mjs');
    const output = { path: out, filename: '[name].js' };
    writeFileSync(
      config,
      `export default ${JSON.stringify({ mode: 'production', entry: `./${program}.mjs`, output })};`,
    );
    sh(node, at('node_modules/webpack-cli/bin/cli.js'), 'build', '--config', config);
  }
}

/** What a page of this folder draws in Chromium, and which scripts it has fetched for that, compressed by Brotli. */
function openPage({ sh }: Project, out: string, offThread: RegExp): string {
  cpSync(letters, join(out, 'letters/model'), { recursive: true });
  const [title = '', ...asked] = sh(node, '--import', tsx, join(here, 'open-page.ts'), out).split('\n');
  // A worker that was left behind is asked for in vain.
  const scripts = asked.filter((url) => existsSync(join(out, url)));
  const sizes = scripts.map((url) => brotliCompressSync(readFileSync(join(out, url))).length);
  const kilobytes = (size: number): string => `${(size / 1000).toFixed(1)} KB`;
  const shown = scripts
    .map((url, i) => [basename(url), sizes[i] ?? 0] as const)
    .filter(([, size]) => size > 5000)
    .map(([name, size]) => `${name} ${kilobytes(size)}`);
  const sum = kilobytes(sizes.reduce((all, size) => all + size, 0));
  const files = scripts.length === 1 ? 'one script' : `${scripts.length} scripts, of them ${shown.join(', ')}`;
  return `${drawsOnce(title, offThread)}; fetched ${sum} (Brotli) in ${files}`;
}

/** A project of Next.js with one page that draws when it is open, exported as files. */
function nextPage(project: Project): string {
  const { sh, at, folder } = project;
  const app = join(folder, 'next/app');
  mkdirSync(app, { recursive: true });
  writeFileSync(join(folder, 'next/next.config.mjs'), "export default { output: 'export' };");
  writeFileSync(join(folder, 'next/package.json'), '{ "type": "module" }');
  writeFileSync(join(app, 'layout.js'), 'export default ({ children }) => <html><body>{children}</body></html>;');
  writeFileSync(
    join(app, 'page.js'),
    `'use client';
    import { useEffect } from 'react';
    export default function Page() {
      useEffect(() => void import('../../browser.mjs'), []);
      return <p>drawing</p>;
    }`,
  );
  sh(node, at('node_modules/next/dist/bin/next'), 'build', join(folder, 'next'));
  return openPage(project, join(folder, 'next/out'), /./);
}

/** A worker of workerd, asked once. */
function inWorkerd({ sh, at, folder }: Project): string {
  const args = ['--bundle', '--format=esm', '--log-level=error', `--outfile=${join(folder, 'workerd/worker.js')}`];
  sh(node, at('node_modules/esbuild/bin/esbuild'), 'workerd.mjs', ...args);
  const files = ['model_index.json', 'scheduler/scheduler_config.json', 'unet/config.json'];
  const bindings = [...files, 'unet/diffusion_pytorch_model.safetensors'].map((name) => {
    cpSync(join(letters, name), join(folder, 'workerd/model', name), { recursive: true });
    return `(name = "${name}", data = embed "model/${name}")`;
  });
  writeFileSync(
    join(folder, 'workerd/config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
    const config :Workerd.Config = (
      services = [(name = "main", worker = (
        modules = [(name = "worker.js", esModule = embed "worker.js")],
        bindings = [${bindings.join(', ')}],
        compatibilityDate = "2026-01-01"))],
      sockets = [(name = "http", address = "unix:workerd/socket", http = (), service = "main")]);`,
  );
  return drawsOnce(sh(node, 'ask-workerd.mjs', at('node_modules/@cloudflare/workerd-linux-64/bin/workerd')), /./);
}

function versionOf(name: string): string {
  if (name === 'typescript') {
    const { version } = JSON.parse(readFileSync(join(root, 'node_modules/typescript/package.json'), 'utf8')) as {
      readonly version: string;
    };
    return version;
  }
  const { dependencies } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  return dependencies[name]?.split('@').at(-1) ?? '';
}

/** A project with the tools of package.json, the package as it is packed, and the programs. */
function openProject(): Project {
  const folder = mkdtempSync(join(tmpdir(), 'pag-ecosystem-'));
  const run = (cwd: string, command: string, args: readonly string[]): string =>
    execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 2 ** 26 });
  cpSync(join(here, 'programs'), folder, { recursive: true });
  cpSync(join(folder, 'types.txt'), join(folder, 'types.ts'));
  cpSync(join(here, 'package.json'), join(folder, 'package.json'));
  const compilerOptions = {
    noEmit: true,
    strict: true,
    target: 'es2022',
    module: 'nodenext',
    lib: ['es2022'],
    types: [],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['types.ts'] }));
  run(root, tsc, ['-p', 'tsconfig.build.json', '--outDir', join(folder, 'compiled')]);
  const tarballs = packParts(folder, ['pag-reference-letters'], join(folder, 'compiled'));
  const tarball = tarballs['pag-reference'] ?? '';
  run(folder, 'npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...Object.values(tarballs)]);
  return {
    folder,
    tarball,
    sh: (command, ...args) => run(folder, command, args).trim(),
    at: (path) => join(folder, path),
  };
}

function outcome(row: Row, project: Project): string {
  try {
    return `✓ ${row.run(project)}`;
  } catch (problem) {
    const { stderr = '', stdout = '', message } = problem as { stderr?: string; stdout?: string; message: string };
    const line = [...stderr.split('\n'), ...stdout.split('\n'), message].find((one) =>
      /error|problem|bits|off/i.test(one),
    );
    return `✗ ${(line ?? message).slice(0, 200)}`;
  }
}

const mark = '<!-- from here on: run.ts -->';

/** The table of README.md with these rows in the place of those of the same name; the others stay as they are. */
function writeTable(outcomes: ReadonlyMap<string, string>, summary: string): void {
  const readme = join(here, 'README.md');
  const [text = '', before = ''] = readFileSync(readme, 'utf8').split(mark);
  const known = new Map(
    [...before.matchAll(/^\| ([^|]+) \| (.*) \|$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
  const lines = rows.flatMap(({ name }) => {
    const found = outcomes.get(name) ?? known.get(name);
    return found === undefined ? [] : [`| ${name} | ${found} |`];
  });
  writeFileSync(readme, `${text}${mark}\n\n| what | came of it |\n| --- | --- |\n${lines.join('\n')}\n\n${summary}\n`);
}

const [pattern = ''] = process.argv.slice(2);
const project = openProject();
const outcomes = new Map<string, string>();
for (const row of rows.filter(({ name }) => new RegExp(pattern).test(name))) {
  const said = outcome(row, project).replaceAll('|', '\\|').replaceAll(project.folder, '.').replaceAll('\n', ' ');
  console.log(`| ${row.name} | ${said} |`);
  outcomes.set(row.name, said);
}
writeTable(outcomes, `The core alone: ${(statSync(project.tarball).size / 1e6).toFixed(2)} MB, packed.`);
rmSync(project.folder, { recursive: true, force: true });
