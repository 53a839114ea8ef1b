/** `pag export`: a case as files that any language can read, and how to go about it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, writeWhole } from '../formats/node-files.ts';
import { writeSafetensors } from '../formats/safetensors.ts';
import { InputError } from '../tensor/errors.ts';
import { cast } from '../tensor/rounding.ts';
import { guideOf } from '../oracle/guide.ts';
import type { Command } from './command.ts';
import type { Case } from '../oracle/case.ts';
import { caseFolder, openCase, shippedCases } from './oracle-files.ts';
import { printResult } from './messages.ts';
import { exportOwn, ownModelHelp, ownModelOptions } from './export-model.ts';
import { readOptions, type OptionKinds, type ParsedOptions } from './options.ts';

const kinds: OptionKinds = { dtype: 'text', all: 'flag', ...ownModelOptions };

const help = `pag export CASE DIR [options]
pag export --all DIR [options]
pag export --model DIR [--prompt TEXT] KIT [options]

Writes a case into the folder DIR: case.json, inputs.safetensors, weights.safetensors, expected.safetensors, README.md,
and prints how to check a port with it. "pag cases" lists the cases.

With --model it makes a case of your own model, from the tokens of the prompt or from noise to the picture, and computes
what should come out: what each part of the first step gives in all passes, and the results of a short run with PAG.

  --all              writes every case, each into a folder of its name in DIR
  --dtype bf16|f16   writes inputs and weights rounded to it, too: inputs.bf16.safetensors, weights.bf16.safetensors
${ownModelHelp}`;

/** The command `pag export`. */
export const exportCommand: Command = { help, options: kinds, run };

async function run(args: readonly string[]): Promise<number> {
  const isAll = args.includes('--all');
  const isOwn = args.some((arg) => /^--model(=|$)/.test(arg));
  if (isOwn) return runOwn(args);
  const options = readOptions(args, kinds, isAll ? ['DIR'] : ['CASE', 'DIR']);
  refuse(options, Object.keys(ownModelOptions), 'without --model');
  const dtype = options.choice('dtype', ['bf16', 'f16']);
  const [first, second = ''] = options.positionals;
  if (isAll) {
    const names = await shippedCases();
    for (const name of names) await exportCase(name, join(first, name), dtype);
    const text = `${names.length} cases written to ${first}. pag check ${first} THEIRS checks all files in THEIRS.`;
    printResult(options, { text, json: { schema: 1, folder: first, cases: names } });
    return 0;
  }
  const exported = await exportCase(first, second, dtype);
  printResult(options, {
    text: guideOf(exported, second),
    json: { schema: 1, folder: second, cases: [exported.name], taps: [...exported.expected.keys()] },
  });
  return 0;
}

async function runOwn(args: readonly string[]): Promise<number> {
  const options = readOptions(args, kinds, ['KIT']);
  refuse(options, ['all', 'dtype'], 'with --model');
  const [folder] = options.positionals;
  const one = await exportOwn(options, folder);
  printResult(options, {
    text: guideOf(one, folder),
    json: { schema: 1, folder, cases: [one.name], taps: [...one.expected.keys()] },
  });
  return 0;
}

/** Fails for options that do nothing here. */
function refuse(options: ParsedOptions, names: readonly string[], where: string): void {
  const found = names.find((name) => options.has(name));
  if (found !== undefined) throw new InputError(`--${found} has no effect ${where}; leave it out`);
}

async function exportCase(name: string, folder: string, dtype: 'bf16' | 'f16' | undefined): Promise<Case> {
  const one = await openCase(name);
  const from = await caseFolder(name);
  makeFolder(folder);
  for (const file of ['case.json', 'inputs.safetensors', 'expected.safetensors', 'README.md']) {
    const bytes = await readFile(join(from, file)).catch(() => undefined);
    if (bytes) writeWhole(join(folder, file), bytes);
  }
  if (one.weights.size > 0)
    writeWhole(join(folder, 'weights.safetensors'), writeSafetensors(Object.fromEntries(one.weights)));
  for (const [file, tensors] of Object.entries({ inputs: one.inputs, weights: one.weights })) {
    if (!dtype || tensors.size === 0) continue;
    const rounded = Object.fromEntries([...tensors].map(([key, value]) => [key, cast(value, dtype)]));
    writeWhole(join(folder, `${file}.${dtype}.safetensors`), writeSafetensors(rounded));
  }
  return one;
}
