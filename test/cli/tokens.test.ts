import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readNumbers } from '../../src/formats/safetensors.ts';
import { fixture, metadataOf, openGoldens } from '../goldens.ts';
import { runCommand } from '../../src/cli/commands.ts';
import { capturePrinted, refusal } from './console.ts';

const model = fixture('letters-text/model');
const golden = openGoldens('letters-text/golden.safetensors');
const prompts = metadataOf<readonly { readonly prompt: string }[]>(golden, 'prompts').map(({ prompt }) => prompt);
const empty = mkdtempSync(join(tmpdir(), 'pag-tokens-'));
afterAll(() => rmSync(empty, { recursive: true }));

const printed = capturePrinted();
async function outputOf(...args: string[]): Promise<string> {
  expect(await runCommand(args)).toBe(0);
  return printed.join('\n');
}

describe('pag tokens', () => {
  it.each(prompts.map((prompt, i) => ({ prompt, i })))('has the numbers of transformers for "$prompt"', async (one) => {
    const { input_ids, tokens } = JSON.parse(
      await outputOf('tokens', '--model', model, '--prompt', one.prompt, '--json'),
    ) as { input_ids: number[][]; tokens: string[] };
    expect(input_ids).toEqual([readNumbers(golden, `ids/${one.i}`).numbers]);
    expect([tokens.at(0), tokens.at(-1)]).toEqual(['<|startoftext|>', '<|endoftext|>']);
  });

  it.each(['sd-1', 'sd-xl'])('has those of every tokenizer of %s', async (name) => {
    const pipeline = fixture(`goldens/text/pipelines/${name}`);
    const file = openGoldens(`text/pipelines/${name}/golden.safetensors`);
    type Expected = { readonly prompt: string; readonly ids: readonly (readonly number[])[] };
    for (const { prompt, ids } of metadataOf<readonly Expected[]>(file, 'tokens')) {
      printed.length = 0;
      const text = await outputOf('tokens', '--model', pipeline, '--prompt', prompt, '--json');
      const found = JSON.parse(text) as Readonly<Record<string, unknown>>;
      const [first, second] = ids;
      expect(found['input_ids'], prompt).toEqual([first]);
      expect(found['input_ids_2'], prompt).toEqual(second && [second]);
      expect(Object.keys(found)).toHaveLength(2 * ids.length);
    }
  });

  it('lists them for people', async () => {
    expect(await outputOf('tokens', '--model', model, '--prompt', '')).toMatch(
      /^tokenizer\n +\d+ {2}<\|startoftext\|>\n +\d+ {2}<\|endoftext\|>\n +and 30 that fill it up$/,
    );
  });

  it('refuses a folder without a tokenizer, and a prompt that is not there', async () => {
    expect(await refusal('tokens', '--model', empty, '--prompt', 'A')).toContain(
      'there is no folder tokenizer with a tokenizer_config.json; give a pipeline with text',
    );
    expect(await refusal('tokens', '--model', model)).toBe('--prompt is missing');
  });
});
