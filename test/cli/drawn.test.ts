/** What is said of pictures that have been drawn. */
import { expect, it } from 'vitest';
import { printDrawn } from '../../src/cli/drawn.ts';
import { readOptions } from '../../src/cli/options.ts';
import { capturePrinted } from './console.ts';
import { referenceBackend } from '../../src/kernels/plain/index.ts';

const printed = capturePrinted();

it.each([
  [1, /^1 sample of \[1, 8, 8\], PAG, f32 on reference, in \d+\.\d s: a\.png\n?$/],
  [2, /^2 samples of \[1, 8, 8\], PAG/],
])('counts %s of them', (count, text) => {
  const shape = [count, 1, 8, 8];
  const run = { what: 'sample', shape, title: 'PAG', dtype: 'f32', started: 0, files: { out: 'a.png' } } as const;
  printDrawn(readOptions([], {}), { ...run, backend: referenceBackend() });
  expect(printed[0]).toMatch(text);
});

it.each([
  [['a.png', 'b.png'], ': a.png and b.png'],
  [['1', '2', '3', '4', '5', '6'], ': 1, 2, 3, 4, 5 and 6'],
  [['1', '2', '3', '4', '5', '6', '7'], ': 1, 2, 3, 4, 5 … (7 files)'],
])('names what was written: %o', (out, end) => {
  const run = { what: 'sample', shape: [2, 1, 8, 8], title: 'PAG', dtype: 'f32', started: 0, files: { out } } as const;
  printDrawn(readOptions([], {}), { ...run, backend: referenceBackend() });
  expect(printed[0]?.endsWith(end)).toBe(true);
  printDrawn(readOptions(['--json'], {}), { ...run, backend: referenceBackend() });
  expect(JSON.parse(printed[1] ?? '').files).toEqual({ out });
});
