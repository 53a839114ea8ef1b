/** The files that ship with the package, wherever they lie: see `shipped`. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Packages of their own, where the core is installed alone (scripts/package/parts.ts), by what they hold. */
const packages: Readonly<Record<string, string>> = {
  // Before it, for the names begin alike.
  'fixtures/letters-text': 'pag-reference-letters-text',
  'fixtures/letters': 'pag-reference-letters',
  'fixtures/oracle': 'pag-reference-oracle',
  'dist/walkthrough': 'pag-reference-page',
};

/**
 * A file or folder that ships: beside this file, from src/cli and from dist/cli alike; or in the packages that this
 * file, or a program in the working folder, would import. Where it is nowhere, its path in the package that has it.
 * @param path in the repository
 */
function shipped(path: string): string {
  const part = Object.keys(packages).find((folder) => path.startsWith(folder)) ?? '';
  const name = packages[part] ?? 'pag-reference';
  const beside = besideThisFile(path);
  if (beside !== undefined && existsSync(beside)) return beside;
  const places = [...placesIn('pag-reference', path), ...placesIn(name, path)];
  return places.find((place) => existsSync(place)) ?? join('node_modules', name, path);
}

/** The address of this file; undefined where a bundler has left none, as of CommonJS. */
function address(): string | undefined {
  const { url } = import.meta as { readonly url?: string };
  return url?.startsWith('file:') ? url : undefined;
}

function besideThisFile(path: string): string | undefined {
  // Bundlers would take `new URL(…, import.meta.url)` for a file of theirs, and look for it.
  const base = address();
  return base === undefined ? undefined : fileURLToPath(new URL(`../../${path}`, base));
}

/** Where a path would be in a package that is installed. */
function placesIn(name: string, path: string): readonly string[] {
  const bases = [address(), pathToFileURL(join(process.cwd(), 'any.js')).href];
  return bases.flatMap((base) => {
    try {
      return base === undefined ? [] : [join(dirname(createRequire(base).resolve(`${name}/package.json`)), path)];
    } catch {
      return [];
    }
  });
}

/**
 * The folder of the model that ships with the package: letters of 32 × 32 pixels, classes 0 (A) to 25 (Z), 26 for none.
 */
export const lettersModel: string = shipped('fixtures/letters/model');
/** The folder of the pipeline that draws letters as words ask for them. */
export const wordsModel: string = shipped('fixtures/letters-text/model');
/** The folder of the classifier of noised letters that guides that model. */
export const noiseClassifier: string = shipped('fixtures/letters/noise-classifier');
/** Reads letters; for evaluations of the letters model. */
export const shippedClassifier = shipped('fixtures/letters/classifier.safetensors');
/** A sheet of real letters that neither model nor classifier has seen. */
export const shippedLetters = shipped('fixtures/letters/held-out.png');
/** The folder of the oracle's cases. */
export const shippedOracle = shipped('fixtures/oracle');
/** The folder of the walkthrough, as it is built. */
export const shippedPage = shipped('dist/walkthrough');
