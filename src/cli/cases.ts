/** `pag cases`: what the golden oracle has. */
import { join } from 'node:path';
import { jsonObject } from '../formats/read-file.ts';
import { readBytes } from '../formats/node-files.ts';
import type { Command } from './command.ts';
import { caseFolder, shippedCases } from './oracle-files.ts';
import { readOptions } from './options.ts';

const help = `pag cases [--json]

Lists the cases of the golden oracle: what a port can be checked with, from single operations to whole runs with PAG.
Start with operations, then layers, unets/tiny, runs/pag. "pag export CASE DIR" writes one of them with a guide.

  --json   name, title, kind and taps of each, as JSON`;

/** The command `pag cases`. */
export const casesCommand: Command = { summary: 'lists the cases that a port can be checked with', help, run };

async function run(args: readonly string[]): Promise<number> {
  const options = readOptions(args, { json: 'flag' });
  const names = await shippedCases();
  const cases = [];
  for (const name of names) cases.push(summaryOf(name, await readBytes(join(await caseFolder(name), 'case.json'))));
  if (options.has('json')) {
    console.log(JSON.stringify({ schema: 1, cases }, null, 1));
    return 0;
  }
  const width = Math.max(...names.map((name) => name.length));
  for (const { name, title } of cases) console.log(`${name.padEnd(width)}  ${title}`);
  return 0;
}

/** What there is to know of a case before it is read. */
function summaryOf(
  name: string,
  bytes: Uint8Array,
): { name: string; title: string; kind: string; taps: readonly string[] } {
  const { title, subject, sha256 } = jsonObject(bytes, name);
  const { expected } = sha256 as { readonly expected: Readonly<Record<string, string>> };
  const taps = Object.keys(expected).flatMap((key) => (key.startsWith('f64/') ? [key.slice(4)] : []));
  return { name, title: String(title), kind: String((subject as { readonly kind: unknown }).kind), taps };
}
