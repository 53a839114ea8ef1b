import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { thorough } from '../thorough.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

/** The example of the README: its only block of JavaScript. */
const [example, ...others] = [...readme.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, code]) => code);

it('the README has one example, which fits on a screen', () => {
  expect(others).toEqual([]);
  expect(example.split('\n').length).toBeLessThan(25);
});

// It builds, packs and installs, which takes half a minute.
describe.skipIf(!thorough)('the package, installed into an empty project', () => {
  const project = mkdtempSync(join(tmpdir(), 'pag-package-'));
  const run = (command: string, ...args: string[]): string =>
    execFileSync(command, args, { cwd: project, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  beforeAll(() => {
    const packed = JSON.parse(
      execFileSync('npm', ['pack', '--json', '--pack-destination', project], {
        cwd: root,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).replace(/^[^[]*/, ''),
    ) as { filename: string }[];
    writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
    run('npm', 'install', '--offline', '--no-audit', '--no-fund', `./${packed[0].filename}`);
  }, 300_000);
  afterAll(() => rmSync(project, { recursive: true, force: true }));

  it('brings nothing else with it', () => {
    expect(run('npm', 'ls', '--all', '--parseable').trim().split('\n')).toHaveLength(2);
  });

  it('runs the example of the README', () => {
    writeFileSync(join(project, 'example.mjs'), example);
    run(process.execPath, 'example.mjs');
    expect([...readFileSync(join(project, 'letters.png')).subarray(1, 4)]).toEqual(
      [...'PNG'].map((character) => character.charCodeAt(0)),
    );
  });

  it('has types with which the example is strict TypeScript, with and without those of Node', () => {
    writeFileSync(join(project, 'example.ts'), example);
    writeFileSync(
      join(project, 'core.ts'),
      "import { tensor, pag, type Tensor, type Guidance } from 'pag-reference';\n" +
        "export const x: Tensor = tensor('f32', [1], new Float32Array(1));\n" +
        'export const g: Guidance = pag({ pagScale: 1, layers: [] });\n',
    );
    const strict = [
      '--noEmit',
      '--strict',
      '--exactOptionalPropertyTypes',
      '--target',
      'es2022',
      '--module',
      'nodenext',
      '--types',
      '',
    ];
    const tsc = join(root, 'node_modules/.bin/tsc');
    run(tsc, ...strict, '--lib', 'es2022,dom', 'core.ts');
    run(
      tsc,
      ...strict.slice(0, -1),
      'node',
      '--typeRoots',
      join(root, 'node_modules/@types'),
      '--skipLibCheck',
      'example.ts',
    );
    writeFileSync(
      join(project, 'wrong.ts'),
      "import { tensor } from 'pag-reference';\ntensor('f31', [1], new Float32Array(1));\n",
    );
    expect(() => run(tsc, ...strict, '--lib', 'es2022,dom', 'wrong.ts')).toThrow();
  });

  it('brings the sources that its maps point to, so that an editor shows them', () => {
    const compiled = join(project, 'node_modules/pag-reference/dist');
    const files = readdirSync(compiled, { recursive: true, encoding: 'utf8' })
      .filter((name) => !name.startsWith('walkthrough'))
      .map((name) => join(compiled, name));
    const maps = files.filter((name) => name.endsWith('.map'));
    expect(maps.filter((name) => name.endsWith('.d.ts.map'))).toHaveLength(
      files.filter((name) => name.endsWith('.d.ts')).length,
    );
    expect(maps.filter((name) => name.endsWith('.js.map'))).toHaveLength(
      files.filter((name) => name.endsWith('.js')).length,
    );
    const lost = maps.flatMap((map) => {
      const { sources } = JSON.parse(readFileSync(map, 'utf8')) as { readonly sources: readonly string[] };
      expect(sources, map).not.toEqual([]);
      return sources.filter((source) => !existsSync(join(dirname(map), source)));
    });
    expect(lost).toEqual([]);
  });

  it('leaves out of a bundle what is not used', async () => {
    writeFileSync(join(project, 'little.js'), "import { sizeOf } from 'pag-reference'; console.log(sizeOf([2, 3]));");
    const { outputFiles } = await build({
      entryPoints: [join(project, 'little.js')],
      bundle: true,
      platform: 'browser',
      format: 'esm',
      write: false,
    });
    expect(outputFiles[0].text.length).toBeLessThan(1000);
  });

  it('has the command pag', () => {
    expect(run('npx', '--no-install', 'pag', '--help')).toMatch(/^pag: Perturbed-Attention Guidance/);
    expect(run('npx', '--no-install', 'pag', 'cases')).toContain('attention');
    const model = 'node_modules/pag-reference/fixtures/letters/model';
    run(
      'npx',
      '--no-install',
      'pag',
      'sample',
      '--model',
      model,
      '--labels',
      '0',
      '--steps',
      '2',
      '--guidance',
      'pag',
      '--out',
      'a.png',
    );
    expect(existsSync(join(project, 'a.png'))).toBe(true);
  });

  it('bundles for the browser without anything of Node', async () => {
    writeFileSync(join(project, 'browser.js'), "export * from 'pag-reference';");
    const { metafile } = await build({
      entryPoints: [join(project, 'browser.js')],
      bundle: true,
      platform: 'browser',
      format: 'esm',
      outfile: join(project, 'bundle.js'),
      metafile: true,
    });
    expect(Object.values(metafile.inputs).flatMap(({ imports }) => imports.filter(({ external }) => external))).toEqual(
      [],
    );
    const loaded = run(
      process.execPath,
      '--input-type=module',
      '-e',
      "import * as all from './bundle.js'; console.log(typeof all.runModel);",
    );
    expect(loaded.trim()).toBe('function');
  });
});
