/**
 * Makes the static folder of the walkthrough, for any web host: page, code, the letters model with weights of half the
 * size, the text model, the letters that a reader's model learns, and a case of the oracle.
 *
 *     npm run build:walkthrough
 *     npx tsx scripts/walkthrough/build.ts [FOLDER [ADDRESS]]        (dist/walkthrough)
 */
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile } from 'esbuild';
import { excerpts } from '../../src/walkthrough/code/excerpts.ts';
import { caseName } from '../../src/walkthrough/study.ts';
import { packedEnding } from '../../src/walkthrough/models.ts';
import { lettersFile } from '../../src/walkthrough/training/letters-file.ts';
import { classifierFile } from '../../src/walkthrough/work/judge.ts';
import type { PromisedFiles } from '../../src/walkthrough/work/promised.ts';
import { halfWeights } from './half-weights.ts';
import { learnedLetters } from './letters.ts';
import { pack } from './pack.ts';
import { readExcerpts } from './sources.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const source = join(root, 'src/walkthrough');
const letters = join(root, 'fixtures/letters/model');
const classifier = join(root, 'fixtures/letters', classifierFile);
const words = join(root, 'fixtures/letters-text/model');
/** The weights of the letters model, in its folder. */
export const lettersWeights = 'unet/diffusion_pytorch_model.safetensors';

/**
 * @param folder is made anew
 * @param address where it will be found, with a slash at its end: those who show a link's picture want it as a whole
 */
export async function buildWalkthrough(folder: string, address = ''): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const models = await writeModels(folder);
  await cp(join(root, 'fixtures/oracle', caseName), join(folder, 'oracle', caseName), { recursive: true });
  const { metafile } = await build({
    entryPoints: {
      main: join(source, 'main.ts'),
      worker: join(source, 'worker.ts'),
      trainer: join(source, 'training/worker.ts'),
      style: join(source, 'style.css'),
    },
    outdir: folder,
    define: {
      SOURCES: JSON.stringify(await readExcerpts(root, excerpts)),
      MODELS: JSON.stringify(models),
      CONFIGS: JSON.stringify({
        unet: await readJson(join(letters, 'unet/config.json')),
        scheduler: await readJson(join(letters, 'scheduler/scheduler_config.json')),
      }),
    },
    bundle: true,
    minify: true,
    format: 'esm',
    // What the page and its worker have in common is loaded once; what few readers need, when they need it.
    splitting: true,
    chunkNames: 'part-[hash]',
    target: 'es2022',
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  for (const page of ['index.html', 'ports.html']) {
    const html = await readFile(join(source, page), 'utf8');
    const pictured = html.replace('content="picture.png"', `content="${address}picture.png"`);
    const links = preloads(metafile, models.letters);
    await writeFile(join(folder, page), pictured.replace('</head>', `${links}\n</head>`));
  }
  await cp(join(root, 'fixtures/readme/page.png'), join(folder, 'picture.png'));
}

/**
 * Names what a browser would else find out about one after another: the weights of the model, which take longest, the
 * parts of main.js, and the smaller files of the model.
 */
function preloads({ outputs }: Metafile, letters: PromisedFiles): string {
  const main = Object.values(outputs).find(({ entryPoint }) => entryPoint?.endsWith('walkthrough/main.ts'));
  const parts = (main?.imports ?? []).filter(({ kind }) => kind === 'import-statement');
  const files = Object.entries(letters).sort(([, a], [, b]) => b.bytes - a.bytes);
  const [weights, ...others] = files.map(
    ([path]) => `<link rel="preload" as="fetch" crossorigin href="letters/${path}">`,
  );
  const code = parts.map(({ path }) => `<link rel="modulepreload" href="${basename(path)}">`);
  return [weights, ...code, ...others].join('\n');
}

/** Writes what the page loads of models, each into its folder. @returns what is known of their files */
async function writeModels(folder: string) {
  await writeModel(join(folder, 'model'));
  await packModel(join(folder, 'model'), join(folder, 'letters'));
  await mkdir(join(folder, 'judge'));
  await writeFile(join(folder, 'judge', classifierFile), halfWeights(await readFile(classifier), classifierFile));
  await cp(words, join(folder, 'words'), { recursive: true });
  await mkdir(join(folder, 'trainer'));
  await writeFile(join(folder, 'trainer', lettersFile), pack(learnedLetters()));
  return {
    letters: await promisesOf(join(folder, 'letters')),
    judge: await promisesOf(join(folder, 'judge')),
    words: await promisesOf(join(folder, 'words')),
    trainer: await promisesOf(join(folder, 'trainer')),
  };
}

/** Writes the letters model of the page, its weights rounded to f16, as the commands that the page gives read it. */
export async function writeModel(folder: string): Promise<void> {
  await cp(letters, folder, { recursive: true });
  const weights = await readFile(join(letters, lettersWeights));
  await writeFile(join(folder, lettersWeights), halfWeights(weights, lettersWeights));
}

/** The same as the page loads it: its weights packed. */
async function packModel(model: string, folder: string): Promise<void> {
  const weights = join(model, lettersWeights);
  await cp(model, folder, { recursive: true, filter: (path) => path !== weights });
  await writeFile(join(folder, lettersWeights + packedEnding), pack(await readFile(weights)));
}

async function readJson(file: string): Promise<unknown> {
  return JSON.parse(await readFile(file, 'utf8'));
}

/** What is known of all files of a folder, by their paths. */
async function promisesOf(folder: string): Promise<PromisedFiles> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const promises = files.sort().map(async (file) => {
    const bytes = await readFile(file);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return [relative(folder, file).replaceAll(sep, '/'), { sha256, bytes: bytes.length }] as const;
  });
  return Object.fromEntries(await Promise.all(promises));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder = join(root, 'dist/walkthrough'), address] = process.argv.slice(2);
  await buildWalkthrough(folder, address);
  console.log(`the walkthrough: ${folder}`);
}
