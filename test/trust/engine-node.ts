/**
 * Prints the digests of the reference runs in the Node that runs this, a line of JSON for each. Argument: the model's
 * folder.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadModelFolder } from '../../src/index.ts';
import { digests } from './reference-runs.ts';

const folder = process.argv[2];
const model = await loadModelFolder((path) => readFile(join(folder, path)).catch(() => undefined), folder);
for await (const digest of digests(model)) console.log(JSON.stringify(digest));
process.exit(0);
