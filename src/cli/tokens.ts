/** `pag tokens`: what a text model is given of a prompt. */
import { located } from '../formats/hub-cache.ts';
import { folderReader } from '../formats/node-files.ts';
import type { Tokens } from '../pipelines/clip-tokenizer.ts';
import { loadTokenizer } from '../pipelines/tokenizer-folder.ts';
import { InputError } from '../tensor/errors.ts';
import type { Command } from './command.ts';
import { printResult, warn } from './messages.ts';
import { readOptions, type OptionKinds } from './options.ts';

const kinds: OptionKinds = { model: 'text', prompt: 'any text' };

const help = `pag tokens --model DIR --prompt TEXT

Shows the tokens that the tokenizers of a pipeline make of a prompt: the number of each, and its name.

  --model DIR                     a pipeline with text, as diffusers' save_pretrained writes it
  --prompt TEXT                   may be empty
  --json                          {"input_ids": [[…]], "tokens": […]}; of a second tokenizer input_ids_2, tokens_2`;

/** The folders that a pipeline has tokenizers in, and what their results are called behind `input_ids`. */
const folders = { tokenizer: '', tokenizer_2: '_2' } as const;

/** What a folder with tokenizers may have, if it is no whole pipeline. */
const places = Object.keys(folders).map((folder) => `${folder}/tokenizer_config.json`);

/** The command `pag tokens`. */
export const tokensCommand: Command = { help, options: kinds, run };

async function run(args: readonly string[]): Promise<number> {
  const options = readOptions(args, kinds);
  const [model, prompt] = [options.required('model'), options.required('prompt')];
  const { readFile, source } = await located(await folderReader(model), model, 'model_index.json', ...places);
  const found: [suffix: string, tokens: Tokens][] = [];
  for (const [folder, suffix] of Object.entries(folders)) {
    const isThere = (await readFile(`${folder}/tokenizer_config.json`)) ?? (await readFile(`${folder}/vocab.json`));
    if (isThere) found.push([suffix, (await loadTokenizer(readFile, `${folder}/`, source))(prompt)]);
  }
  if (found.length === 0)
    throw new InputError(
      `${model}: there is no folder tokenizer with a tokenizer_config.json; give a pipeline with text`,
    );
  warn(
    found.flatMap(([suffix, { cut }]) =>
      cut === '' ? [] : [`tokenizer${suffix}: the prompt is too long; cut off is "${cut}"`],
    ),
  );
  printResult(options, { text: found.map(listOf).join('\n\n'), json: jsonOf(found) });
  return 0;
}

function jsonOf(found: readonly (readonly [string, Tokens])[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    found.flatMap(([suffix, { ids, tokens }]) => [
      [`input_ids${suffix}`, [ids]],
      [`tokens${suffix}`, tokens],
    ]),
  );
}

/** A line for each token that stands for something. */
function listOf([suffix, { ids, tokens }]: readonly [string, Tokens]): string {
  const lines = tokens.map((token, i) => `${String(ids[i]).padStart(6)}  ${token}`);
  const rest = ids.length - tokens.length;
  return [`tokenizer${suffix}`, ...lines, ...(rest > 0 ? [`        and ${rest} that fill it up`] : [])].join('\n');
}
