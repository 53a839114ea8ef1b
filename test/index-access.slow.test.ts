/**
 * Reading past the end of a list gives undefined, and TypeScript can say so (`noUncheckedIndexedAccess`). Where files
 * read lists of things, it does: a test, since TypeScript knows the option for a whole program only. It stays off where
 * files compute with numbers: there each of some thousand reads of `data[i]` would need an assertion that says nothing.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

/** Loops over typed arrays and shapes. */
const numbers = [
  'src/tensor/',
  'src/kernels/',
  'src/oracle/',
  'src/evaluation/(diversity|frechet|inception-score|linear-algebra|precision-recall)',
  'src/guidance/(apg|cfg-zero-star|mambo-g|rescale|sag|separable|tcfg)',
  'src/nn/(gaussian|attention-perturbations/(query-blur|soft-identity))',
  'src/training/(adamw|ema)',
  'src/walkthrough/drawing/values',
  // They would assert what they are about to prove; only those that scripts import are looked at.
  'test/',
];

it('what is read of a list may be missing, in all files but those that compute with numbers', async () => {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const folder = mkdtempSync(join(tmpdir(), 'pag-types-'));
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: join(root, 'tsconfig.json'),
      compilerOptions: { noUncheckedIndexedAccess: true, typeRoots: [join(root, 'node_modules/@types')] },
      include: [join(root, 'src'), join(root, 'scripts')],
      exclude: [join(root, 'scripts/bench')],
    }),
  );
  const said = await new Promise<string>((resolve) => {
    const options = ['--project', folder, '--noEmit', '--pretty', 'false'];
    execFile(process.execPath, [compiler, ...options], { cwd: root, maxBuffer: 1 << 26 }, (_, out) => resolve(out));
  });
  rmSync(folder, { recursive: true });
  const errors = said.split('\n').filter((line) => /^\S+\(\d+,\d+\): error/.test(line));
  // The compiler ran, and knew the option.
  expect(errors.length).toBeGreaterThan(1000);
  const exempt = new RegExp(`^(?:${numbers.join('|')})`);
  expect(errors.filter((line) => !exempt.test(line))).toEqual([]);
}, 120_000);
