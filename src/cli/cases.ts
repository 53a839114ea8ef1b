/** `pag cases`: what the golden oracle has. */
import { join } from 'node:path';
import { jsonObject } from '../formats/read-file.ts';
import { readBytes } from '../formats/node-files.ts';
import type { Command } from './command.ts';
import { caseFolder, shippedCases } from './oracle-files.ts';
import { printResult } from './messages.ts';
import { readOptions } from './options.ts';

const help = `pag cases

Lists the cases of the golden oracle: what a port can be checked with, from single operations to whole runs with PAG.
Start with operations, then layers, unets/tiny, runs/pag; from words: transformers, text-encoders, text-to-image/sd.
"pag export CASE DIR" writes one of them with a guide.`;

/** The command `pag cases`. */
export const casesCommand: Command = { help, options: {}, run };

async function run(args: readonly string[]): Promise<number> {
  const options = readOptions(args, {});
  const names = await shippedCases();
  const cases = [];
  for (const name of names) cases.push(summaryOf(name, await readBytes(join(await caseFolder(name), 'case.json'))));
  const width = Math.max(...names.map((name) => name.length));
  const lines = cases.map(({ name, title }) => `${name.padEnd(width)}  ${title}`);
  printResult(options, { text: lines.join('\n'), json: { schema: 1, cases } });
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
