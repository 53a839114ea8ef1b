/** The core alone, as it is packed without letters, oracle and page: small, and it says what it lacks. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packParts } from '../../scripts/package/parts.ts';
import { thorough } from '../thorough.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

// It builds, packs and installs, as package.test.ts does.
describe.runIf(thorough)('the package in parts', () => {
  const project = mkdtempSync(join(tmpdir(), 'pag-parts-'));
  let tarballs: Readonly<Record<string, string>>;
  const install = (name: string): void => {
    const args = ['install', '--offline', '--no-audit', '--no-fund', tarballs[name] ?? name];
    execFileSync('npm', args, { cwd: project, stdio: 'ignore' });
  };
  const pag = (...args: string[]): { status: number; stdout: string; stderr: string } => {
    try {
      const program = join('node_modules', 'pag-reference/dist/cli/main.js');
      const options = { cwd: project, encoding: 'utf8', stdio: 'pipe' } as const;
      return { status: 0, stdout: execFileSync(process.execPath, [program, ...args], options), stderr: '' };
    } catch (problem) {
      return problem as { status: number; stdout: string; stderr: string };
    }
  };
  beforeAll(() => {
    const dist = join(project, 'compiled');
    execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json', '--outDir', dist], { cwd: root });
    writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
    tarballs = packParts(project, ['pag-reference-letters', 'pag-reference-oracle'], dist);
    install('pag-reference');
  }, 120_000);
  afterAll(() => rmSync(project, { recursive: true, force: true }));

  it('has a core of at most 1 MB, without maps', () => {
    expect(statSync(tarballs['pag-reference'] ?? '').size).toBeLessThan(1e6);
    expect(existsSync(join(project, 'node_modules/pag-reference/dist/index.js.map'))).toBe(false);
    expect(pag('--version').status).toBe(0);
    expect(pag('schedulers', 'ddim').stdout).toContain('DDIMScheduler');
  });

  it('names the package of what is missing, and takes it when it is there', () => {
    const draw = ['sample', '--labels', '0', '--steps', '1', '--out', 'a.png'];
    expect(pag(...draw)).toMatchObject({
      status: 2,
      stderr:
        'pag: cannot read node_modules/pag-reference-letters/fixtures/letters/model: ' +
        'there is no such file or folder; it is in a package of its own: npm install pag-reference-letters\n',
    });
    expect(pag('cases').stderr).toContain('npm install pag-reference-oracle');
    expect(pag('walkthrough', '--port', '0').stderr).toContain('it is in the package pag-reference-page');
    install('pag-reference-letters');
    expect(pag(...draw)).toMatchObject({ status: 0 });
    install('pag-reference-oracle');
    expect(pag('cases').stdout).toContain('unets/tiny');
  });
});
