/** The command as one file of JavaScript: it starts ten times faster than a hundred files of TypeScript. */
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

/** Writes it. @returns its path */
export function bundleTo(outfile: string): string {
  buildSync({
    entryPoints: [fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
  });
  return outfile;
}
