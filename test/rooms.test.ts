/**
 * The house that the README draws: each room imports only from rooms above it, and the core neither from Node nor from
 * packages.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

/** From top to bottom. */
const rooms = [
  'tensor',
  'kernels',
  'kernels/plain',
  'kernels/simd',
  'nn',
  'models',
  'schedulers',
  'guidance',
  'sampling',
  'formats',
  'oracle',
  'evaluation',
  'cli',
  'walkthrough',
];
/** What may know Node: the faces, and the formats that are files. */
const knowsNode = /^src\/(cli\/|formats\/(node-files|png)\.ts$|node\.ts$)/;

const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .map((name) => join('src', name))
  .filter((name) => name.endsWith('.ts'));

/** `kernels/simd` for src/kernels/simd/tile.ts; undefined for the entries beside the rooms. */
function roomOf(file: string): string | undefined {
  const folders = dirname(file).split('/').slice(1);
  return folders[0] === 'kernels' ? folders.slice(0, 2).join('/') : folders[0];
}

function importsOf(file: string): readonly string[] {
  return [...readFileSync(file, 'utf8').matchAll(/\b(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, name]) => name);
}

describe('the rooms of src', () => {
  it('are those of the list', () => {
    expect(new Set(files.map(roomOf).filter((room) => room !== undefined))).toEqual(new Set(rooms));
  });

  it.each(rooms)('%s imports only from above', (room) => {
    const wrong = files
      .filter((file) => roomOf(file) === room)
      .flatMap((file) =>
        importsOf(file)
          .filter((name) => name.startsWith('.'))
          .flatMap((name) => {
            const target = roomOf(normalize(join(dirname(file), name)));
            return target !== undefined && rooms.indexOf(target) <= rooms.indexOf(room)
              ? []
              : [`${file} imports ${name}`];
          }),
      );
    expect(wrong).toEqual([]);
  });

  it('know no package, and Node only at the edge', () => {
    const packages = files.flatMap((file) =>
      importsOf(file)
        .filter((name) => !name.startsWith('.'))
        .map((name) => ({ file, name })),
    );
    expect(packages.filter(({ file, name }) => !(name.startsWith('node:') && knowsNode.test(file)))).toEqual([]);
  });
});
