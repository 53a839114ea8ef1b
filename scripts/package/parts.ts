/**
 * The package in parts, for who wants the core alone: `pag-reference` without maps, sources and fixtures, and what it
 * looks for beside it when it is asked for (src/cli/shipped.ts): the letters, the cases of the oracle, the page.
 *
 *     npm run build && npm run build:walkthrough && npx tsx scripts/package/parts.ts [FOLDER]     (out/package)
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

type PackageJson = Readonly<Record<string, unknown>> & { readonly exports: Readonly<Record<string, unknown>> };

/** What each part holds, as paths in the repository. */
const parts: Readonly<Record<string, { readonly description: string; readonly paths: readonly string[] }>> = {
  'pag-reference-letters': {
    description: 'The model of letters that pag-reference draws with, and what its evaluation needs',
    paths: ['fixtures/letters'],
  },
  'pag-reference-letters-text': {
    description: 'The pipeline of pag-reference that draws letters as words ask for them',
    paths: ['fixtures/letters-text/model'],
  },
  'pag-reference-oracle': {
    description: 'The cases of the golden oracle of pag-reference, for ports to other languages and devices',
    paths: ['fixtures/oracle'],
  },
  'pag-reference-page': {
    description: 'The walkthrough of pag-reference: a page that computes PAG while you read',
    paths: ['dist/walkthrough'],
  },
};

/**
 * Packs the core and parts.
 * @param folder where the tarballs go; it is there
 * @param names of the parts
 * @param dist the compiled sources
 * @returns their paths, by package
 */
export function packParts(
  folder: string,
  names: readonly string[] = Object.keys(parts),
  dist: string = join(root, 'dist'),
): Readonly<Record<string, string>> {
  const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as PackageJson;
  const core = packed('pag-reference', folder, (draft) => {
    const { scripts: _scripts, devDependencies: _tools, files: _files, exports, ...rest } = own;
    const { './letters/*': _letters, './letters-text/*': _words, ...entries } = exports;
    cpSync(dist, join(draft, 'dist'), { recursive: true, filter: (path) => isCore(path.slice(dist.length)) });
    withoutMaps(join(draft, 'dist'));
    cpSync(join(root, 'CHANGELOG.md'), join(draft, 'CHANGELOG.md'));
    return { ...rest, exports: entries, files: ['dist', 'CHANGELOG.md'] };
  });
  const others = names.map((name) => {
    const { description, paths = [] } = parts[name] ?? {};
    const tarball = packed(name, folder, (draft) => {
      for (const path of paths) {
        mkdirSync(dirname(join(draft, path)), { recursive: true });
        cpSync(join(root, path), join(draft, path), { recursive: true, filter: (one) => !isElsewhere(one) });
      }
      return { name, version: own['version'], description, license: own['license'], files: paths };
    });
    return [name, tarball] as const;
  });
  return { 'pag-reference': core, ...Object.fromEntries(others) };
}

/** Code and types, and nothing that shows where they come from. */
function isCore(path: string): boolean {
  return !/^\/(walkthrough|docs)|\.map$/.test(path);
}

/** The page's copies of what has a package of its own, and what only the commands of a checkout read. */
function isElsewhere(path: string): boolean {
  return /dist\/walkthrough\/(words|oracle|model)/.test(path);
}

function withoutMaps(folder: string): void {
  const files = execFileSync('find', [folder, '-name', '*.js', '-o', '-name', '*.d.ts'], { encoding: 'utf8' });
  for (const file of files.trim().split('\n'))
    writeFileSync(file, readFileSync(file, 'utf8').replace(/\n\/\/# sourceMappingURL=.*\n?$/, '\n'));
}

/** @param fill puts the files into the draft of a package, and gives its package.json */
function packed(name: string, folder: string, fill: (draft: string) => object): string {
  const draft = mkdtempSync(join(tmpdir(), `${name}-`));
  const manifest = fill(draft);
  writeFileSync(join(draft, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  for (const file of ['README.md', 'LICENSE']) cpSync(join(root, file), join(draft, file));
  const tarball = execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], {
    cwd: draft,
    encoding: 'utf8',
  });
  rmSync(draft, { recursive: true });
  return join(folder, tarball.trim());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder = join(root, 'out/package')] = process.argv.slice(2);
  mkdirSync(folder, { recursive: true });
  for (const [name, tarball] of Object.entries(packParts(folder))) {
    const kilobytes = (readFileSync(tarball).length / 1000).toFixed(0);
    console.log(`${name}: ${kilobytes} KB, ${tarball}`);
  }
}
