/**
 * The house that the README draws: each room imports only from rooms above it, no files of a room import one another in
 * a circle, and the core imports neither from Node nor from packages.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

/** From top to bottom. */
const rooms = [
  'tensor',
  'kernels',
  'kernels/definition',
  'kernels/plain',
  'kernels/simd',
  'kernels/gradients',
  'nn',
  'models',
  'models/unet2d',
  'models/unet2d-classifier',
  'models/unet2d-condition',
  'models/clip-text',
  'models/autoencoder-kl',
  'models/autoencoder-tiny',
  'schedulers',
  'guidance',
  'sampling',
  'restoration',
  'off-thread',
  'formats',
  'pipelines',
  'training',
  'oracle',
  'evaluation',
  'cli',
  'walkthrough',
];
/** What may know Node: the faces, and the formats that are files. */
const knowsNode = /^src\/(cli\/|formats\/(node-files|png|png-reader|zip)\.ts$|node\.ts$)/;

const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .map((name) => join('src', name))
  .filter((name) => name.endsWith('.ts'));
const texts = new Map(files.map((file) => [file, readFileSync(file, 'utf8')]));

/** `kernels/simd` for src/kernels/simd/tile.ts; undefined for the entries beside the rooms. */
function roomOf(file: string): string | undefined {
  const folders = dirname(file).split('/').slice(1);
  if (folders.length === 0) return undefined;
  const inner = folders.slice(0, 2).join('/');
  return rooms.includes(inner) ? inner : folders[0];
}

function importsOf(file: string): readonly string[] {
  return [...(texts.get(file) ?? '').matchAll(/\b(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, name]) => name);
}

/** The files of src that a file imports. */
function neighboursOf(file: string): readonly string[] {
  return importsOf(file)
    .filter((name) => name.startsWith('.'))
    .map((name) => normalize(join(dirname(file), name)));
}

/** Circles of imports, each once, as the files along it. */
function circles(): readonly string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file);
    if (at >= 0) found.push([...path.slice(at), file].join(' → '));
    if (at >= 0 || done.has(file)) return;
    for (const next of neighboursOf(file)) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  return found;
}

describe('the rooms of src', () => {
  it('are those of the list', () => {
    expect(new Set(files.map(roomOf).filter((room) => room !== undefined))).toEqual(new Set(rooms));
  });

  it.each(rooms)('%s imports only from above', (room) => {
    const wrong = files
      .filter((file) => roomOf(file) === room)
      .flatMap((file) =>
        neighboursOf(file).flatMap((target) => {
          const other = roomOf(target);
          return other !== undefined && rooms.indexOf(other) <= rooms.indexOf(room)
            ? []
            : [`${file} imports ${target}`];
        }),
      );
    expect(wrong).toEqual([]);
  });

  it('have no circles of imports inside them, those of types included', () => {
    expect(circles()).toEqual([]);
  });

  it('know no package, and Node only at the edge', () => {
    const packages = files.flatMap((file) =>
      importsOf(file)
        .filter((name) => !name.startsWith('.'))
        .map((name) => ({ file, name })),
    );
    expect(packages.filter(({ file, name }) => !(name.startsWith('node:') && knowsNode.test(file)))).toEqual([]);
  });

  it.each(rooms)('%s has tests in the fast lane', (room) => {
    const tests = readdirSync('test', { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.test.ts'),
    );
    const own = tests.filter((name) => name === `${room}.test.ts` || name.startsWith(`${room}/`));
    expect(own.filter((name) => !/\.(?:slow|browser)\.test\.ts$/.test(name))).not.toEqual([]);
  });

  it('stand in the table of README.md, in the same order', () => {
    const table = readFileSync('README.md', 'utf8').split('| room |')[1].split('\n\n')[0];
    const named = [...table.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, names]) => names.split(', '));
    expect(named).toEqual(rooms.map((room) => `\`${room}\``));
  });
});

it('what is written by hand has lines of at most 120 columns', () => {
  const long = ['src', 'test', 'scripts'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      // Whoever has run the bench has packages there.
      .filter((name) => /\.(ts|mjs|py|sh)$/.test(name) && !/node_modules|\.venv/.test(name))
      .flatMap((name) =>
        readFileSync(join(folder, name), 'utf8')
          .split('\n')
          .flatMap((line, i) => (line.length > 120 ? [`${join(folder, name)}:${i + 1}`] : [])),
      ),
  );
  expect(long).toEqual([]);
});

describe('the top level', () => {
  const { stdout } = spawnSync('git', ['ls-files'], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  const tracked = new Set((stdout ?? '').split('\n').flatMap((path) => (path ? [path.split('/')[0]] : [])));

  it.runIf(tracked.size > 0)('holds what a repository has, the five folders, and no leftovers', () => {
    const files = ['CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'README.md', 'package-lock.json', 'package.json'];
    const settings = ['.biome.json', '.ci', '.gitignore', '.npmrc', 'tsconfig.build.json', 'tsconfig.json'];
    const folders = ['findings', 'fixtures', 'scripts', 'src', 'test'];
    expect([...tracked].sort()).toEqual([...files, ...settings, 'vitest.config.ts', ...folders].sort());
  });
});
