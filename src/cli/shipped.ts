/** The files that ship with the package, from src/cli and from dist/cli alike, and from a bundle that has neither. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/**
 * A file or folder of this package's fixtures: beside this file, or, where this file has been bundled away from them,
 * in the package as a program in the working folder would import it. Where it is nowhere, its path beside this file,
 * which who reads it will name.
 */
function fixture(path: string): string {
  const beside = besideThisFile(path);
  if (beside !== undefined && existsSync(beside)) return beside;
  const packageFolder = installed();
  const found = packageFolder && join(packageFolder, 'fixtures', path);
  return found && existsSync(found) ? found : (beside ?? join('node_modules/pag-reference/fixtures', path));
}

/** Undefined where a bundler has left no address of the file, as of CommonJS. */
function besideThisFile(path: string): string | undefined {
  // In two steps, or bundlers would take the folder for a file of theirs, and look for it.
  const { url } = import.meta as { readonly url?: string };
  return url?.startsWith('file:') ? fileURLToPath(new URL(`../../fixtures/${path}`, url)) : undefined;
}

function installed(): string | undefined {
  try {
    const from = createRequire(pathToFileURL(join(process.cwd(), 'any.js')));
    return dirname(from.resolve('pag-reference/package.json'));
  } catch {
    return undefined;
  }
}

/**
 * The folder of the model that ships with the package: letters of 32 × 32 pixels, classes 0 (A) to 25 (Z), 26 for none.
 */
export const lettersModel: string = fixture('letters/model');
/** The folder of the pipeline that draws letters as words ask for them. */
export const wordsModel: string = fixture('letters-text/model');
/** Reads letters; for evaluations of the letters model. */
export const shippedClassifier = fixture('letters/classifier.safetensors');
/** A sheet of real letters that neither model nor classifier has seen. */
export const shippedLetters = fixture('letters/held-out.png');
/** The folder of the oracle's cases. */
export const shippedOracle = fixture('oracle');
