/** Folders with a tokenizer: in two files or in one, and what of them counts. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { folderReader } from '../../src/formats/node-files.ts';
import type { ReadFile } from '../../src/formats/read-file.ts';
import { loadTokenizer } from '../../src/pipelines/tokenizer-folder.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { fixture } from '../goldens.ts';

const folder = 'letters-text/model/tokenizer';
const textOf = (name: string): string => readFileSync(fixture(`${folder}/${name}`), 'utf8');
const [vocab, merges, config] = [textOf('vocab.json'), textOf('merges.txt'), textOf('tokenizer_config.json')];
const ids = JSON.parse(vocab) as Readonly<Record<string, number>>;

/** A reader of these files. */
function holding(files: Readonly<Record<string, unknown>>): ReadFile {
  return async (path) => {
    const found = Object.hasOwn(files, path) ? files[path] : undefined;
    return found === undefined
      ? undefined
      : new TextEncoder().encode(typeof found === 'string' ? found : JSON.stringify(found));
  };
}

describe('a folder with a tokenizer', () => {
  it('is read as it is', async () => {
    const tokenize = await loadTokenizer(await folderReader(fixture(folder)), '', folder);
    const { ids: found, tokens } = tokenize('A bold A');
    expect(found).toHaveLength(32);
    expect(tokens[1]).toBe('a</w>');
    expect(found.at(-1)).toBe(ids['<|endoftext|>']);
  });

  it('may be one file, its merges as texts or as pairs', async () => {
    const lines = merges.split('\n').slice(1).filter(Boolean);
    const expected = (await loadTokenizer(await folderReader(fixture(folder)), '', folder))('Light italic');
    for (const written of [lines, lines.map((line) => line.split(' '))]) {
      const model = { type: 'BPE', end_of_word_suffix: '</w>', vocab: ids, merges: written };
      const files = { 'tokenizer.json': { model }, 'tokenizer_config.json': config };
      expect((await loadTokenizer(holding(files), '', 'here'))('Light italic')).toEqual(expected);
    }
  });

  it('is filled up with the token of the map, and is as long as CLIP where it does not say', async () => {
    const files = {
      'vocab.json': vocab,
      'merges.txt': merges,
      'tokenizer_config.json': { pad_token: '<|endoftext|>', model_max_length: 1e30 },
      'special_tokens_map.json': { pad_token: { content: '!' } },
    };
    const { ids: found } = (await loadTokenizer(holding(files), '', 'here'))('a');
    expect(found).toHaveLength(77);
    expect(found.at(-1)).toBe(ids['!']);
  });

  it.each([
    ['nothing', {}, /here: there is no vocab\.json with merges\.txt, nor a tokenizer\.json/],
    ['half of it', { 'vocab.json': vocab }, /there is no vocab\.json with merges\.txt/],
    ['another kind', { 'tokenizer_config.json': { tokenizer_class: 'T5Tokenizer' } }, /is a "T5Tokenizer"/],
    ['another model', { 'tokenizer.json': { model: { type: 'Unigram' } } }, /holds no tokenizer of CLIP's kind/],
    ['no numbers', { 'vocab.json': { a: 'b' }, 'merges.txt': merges }, /vocab\.json: "a" is "b"/],
  ])('is refused with %s', async (_what, files, message) => {
    const loading = loadTokenizer(holding(files), '', 'here');
    await expect(loading).rejects.toThrow(InputError);
    await expect(loading).rejects.toThrow(message);
  });
});
