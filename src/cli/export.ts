/** `pag export`: a case as files that any language can read, and how to go about it. */
import { checkWritable } from '../formats/node-files.ts';
import { guideOf } from '../oracle/guide.ts';
import type { Command } from './command.ts';
import { filesOfCase, filesOfKit, isArchive, kitDtypes, writeFiles } from './kit.ts';
import { shippedCases } from './oracle-files.ts';
import { printResult } from './messages.ts';
import { exportOwn, ownModelHelp, ownModelOptions } from './export-model.ts';
import { readOptions, refuseIdle, type OptionKinds } from './options.ts';

const kinds: OptionKinds = { dtype: 'text', all: 'flag', ...ownModelOptions };

const help = `pag export CASE DIR [options]
pag export --all DIR|FILE.tar.gz [options]
pag export --model DIR [--prompt TEXT] KIT [options]

Writes a case into the folder DIR: case.json, inputs.safetensors, weights.safetensors, expected.safetensors, README.md,
bands.f32.safetensors (the budgets), and prints how to check a port with it. "pag cases" lists the cases.

With --model it makes a case of your own model, from the tokens of the prompt or from noise to the picture, and computes
what should come out: what each part of the first step gives in all passes, and the results of a short run with PAG.

  --all                   writes every case, each into a folder of its name, into DIR or into one archive: a kit. With
                          pag_oracle.py in it, which needs NumPy and no Node, a port is checked in any CI
  --dtype tf32|bf16|f16   writes the budgets of it, too, and inputs and weights rounded to bf16 or f16:
                          inputs.bf16.safetensors, weights.bf16.safetensors
${ownModelHelp}`;

/** The command `pag export`. */
export const exportCommand: Command = { help, options: kinds, run };

async function run(args: readonly string[]): Promise<number> {
  const isAll = args.includes('--all');
  if (args.some((arg) => /^--model(=|$)/.test(arg))) return runOwn(args);
  const options = readOptions(args, kinds, isAll ? ['DIR'] : ['CASE', 'DIR']);
  refuseIdle(options, Object.keys(ownModelOptions), 'without --model');
  const dtype = options.choice('dtype', kitDtypes);
  const [first, second = ''] = options.positionals;
  if (isAll) {
    if (isArchive(first)) checkWritable(first);
    const names = await shippedCases();
    const files = new Map(await filesOfKit());
    for (const name of names) {
      const exported = await filesOfCase(name, dtype);
      for (const [path, bytes] of exported.files) files.set(`${name}/${path}`, bytes);
    }
    await writeFiles(first, files);
    const how = isArchive(first)
      ? 'Unpacked it is a folder pag-kit: python pag-kit/pag_oracle.py pag-kit THEIRS checks all files in THEIRS.'
      : `pag check ${first} THEIRS checks all files in THEIRS.`;
    const text = `${names.length} cases written to ${first}. ${how}`;
    printResult(options, { text, json: { schema: 1, folder: first, cases: names } });
    return 0;
  }
  const { one, files } = await filesOfCase(first, dtype);
  await writeFiles(second, files);
  printResult(options, {
    text: guideOf(one, second),
    json: { schema: 1, folder: second, cases: [one.name], taps: [...one.expected.keys()] },
  });
  return 0;
}

async function runOwn(args: readonly string[]): Promise<number> {
  const options = readOptions(args, kinds, ['KIT']);
  refuseIdle(options, ['all', 'dtype'], 'with --model');
  const [folder] = options.positionals;
  const one = await exportOwn(options, folder);
  printResult(options, {
    text: guideOf(one, folder),
    json: { schema: 1, folder, cases: [one.name], taps: [...one.expected.keys()] },
  });
  return 0;
}
