/**
 * Writes the API pages to dist/docs: `npm run docs`. TypeDoc, and a TypeScript that it can read, lie in this folder;
 * they are installed when they are needed first. What is undocumented, or mentioned and not exported, is an error; to
 * see the pages all the same, `npm run docs -- --treatWarningsAsErrors false`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const readme = readFileSync(join(here, '../../README.md'), 'utf8');

/** The text under a heading of the README, up to the next one. */
function section(heading: string): string {
  const [, text] = new RegExp(`^(## ${heading}\\n[\\s\\S]*?)(?=^## |(?![\\s\\S]))`, 'm').exec(readme) ?? [];
  if (text === undefined) throw new Error(`README.md has no section "${heading}"`);
  return text;
}

/** The first page: what of the README is about the library. Links into the repository lead nowhere from there. */
function startPage(): string {
  const text = ['What PAG is', 'As a library', 'The house'].map(section).join('\n');
  return text.replace(/\[([^\]]*)\]\((?!https?:)[^)]*\)/g, '$1');
}

/** Runs a program in this folder, and ends with its status where that is not 0. */
function run(program: string, ...args: readonly string[]): void {
  const { status, error } = spawnSync(program, args, { cwd: here, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

if (!existsSync(join(here, 'node_modules'))) run('npm', 'ci', '--no-audit', '--no-fund');
const scratch = mkdtempSync(join(tmpdir(), 'pag-docs-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
const start = join(scratch, 'start.md');
writeFileSync(start, startPage());
run(process.execPath, 'node_modules/typedoc/bin/typedoc', '--readme', start, ...process.argv.slice(2));
