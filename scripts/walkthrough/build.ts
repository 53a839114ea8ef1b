/**
 * Makes the static folder of the walkthrough, for any web host: page, code, the letters model, and a case of the
 * oracle. `npm run build:walkthrough`.
 *
 *     npx tsx scripts/walkthrough/build.ts [FOLDER]        (dist/walkthrough)
 */
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { excerpts } from '../../src/walkthrough/code/excerpts.ts';
import { caseName } from '../../src/walkthrough/study.ts';
import { readExcerpts } from './sources.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const source = join(root, 'src/walkthrough');
const model = join(root, 'fixtures/letters/model');

/** @param folder is made anew */
export async function buildWalkthrough(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await build({
    entryPoints: { main: join(source, 'main.ts'), worker: join(source, 'worker.ts'), style: join(source, 'style.css') },
    outdir: folder,
    define: {
      SOURCES: JSON.stringify(await readExcerpts(root, excerpts)),
      MODEL_SHA256: JSON.stringify(await sumsOf(model, ['unet/diffusion_pytorch_model.safetensors'])),
    },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    legalComments: 'none',
    logLevel: 'warning',
  });
  await writeFile(join(folder, 'index.html'), await readFile(join(source, 'index.html')));
  await cp(model, join(folder, 'model'), { recursive: true });
  await cp(join(root, 'fixtures/oracle', caseName), join(folder, 'oracle', caseName), { recursive: true });
}

/** SHA-256 of files of a folder, by their paths. */
async function sumsOf(folder: string, paths: readonly string[]): Promise<Record<string, string>> {
  const sums = paths.map(async (path) => {
    const sum = createHash('sha256').update(await readFile(join(folder, path)));
    return [path, sum.digest('hex')] as const;
  });
  return Object.fromEntries(await Promise.all(sums));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2] ?? join(root, 'dist/walkthrough');
  await buildWalkthrough(folder);
  console.log(`the walkthrough: ${folder}`);
}
