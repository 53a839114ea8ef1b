/**
 * Prints the digests of the reference runs in the Node that runs this, a line of JSON for each. Arguments: the folders
 * of the letters model, and of that which obeys words.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadModelFolder, type ReadFile } from '../../src/index.ts';
import { digests } from './reference-runs.ts';

const [letters, words] = process.argv.slice(2).map((folder): ReadFile => {
  return (path) => readFile(join(folder, path)).catch(() => undefined);
});
const models = { letters: await loadModelFolder(letters, 'letters'), words };
for await (const digest of digests(models)) console.log(JSON.stringify(digest));
process.exit(0);
