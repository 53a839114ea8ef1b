/** `pag cases`: what the golden oracle has. */
import { join } from 'node:path';
import { jsonObject } from '../formats/read-file.ts';
import { readBytes } from '../formats/node-files.ts';
import type { Command } from './command.ts';
import { caseFolder, shippedCases } from './oracle-files.ts';
import { readOptions } from './options.ts';

const help = `pag cases

Lists the cases of the golden oracle: what a port can be checked with, from single operations to whole runs with PAG.
Start with operations, then layers, unets/tiny, runs/pag. "pag export CASE DIR" writes one of them with a guide.`;

/** The command `pag cases`. */
export const casesCommand: Command = { summary: 'lists the cases that a port can be checked with', help, run };

async function run(args: readonly string[]): Promise<number> {
  readOptions(args, {});
  const names = await shippedCases();
  const width = Math.max(...names.map((name) => name.length));
  for (const name of names) {
    const { title } = jsonObject(await readBytes(join(await caseFolder(name), 'case.json')), name);
    console.log(`${name.padEnd(width)}  ${String(title)}`);
  }
  return 0;
}
