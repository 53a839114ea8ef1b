/** Node with --permission: a program that may do little. */
import { execFileSync } from 'node:child_process';
import { buildSync } from 'esbuild';

/** Allows nothing, unless options after it do. */
const permission = Number(process.versions.node.split('.')[0]) < 23 ? '--experimental-permission' : '--permission';

/** A program as one file of JavaScript. @param folder that it imports from */
export function bundled(contents: string, folder: string, platform: 'node' | 'neutral'): string {
  const stdin = { contents, resolveDir: folder };
  return buildSync({ stdin, bundle: true, format: 'esm', platform, write: false }).outputFiles[0].text;
}

/**
 * What a program prints.
 * @param allowed options of Node, as --allow-fs-read=FOLDER
 */
export function printedWithPermission(
  program: string,
  allowed: readonly string[] = [],
  args: readonly string[] = [],
): string {
  return execFileSync(process.execPath, [permission, ...allowed, '--input-type=module', '-', ...args], {
    encoding: 'utf8',
    input: program,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
}
