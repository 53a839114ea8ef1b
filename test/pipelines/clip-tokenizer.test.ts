/** CLIP's tokenizer against transformers', and what it says of a text that is too long. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { clipTokenizer } from '../../src/pipelines/clip-tokenizer.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { fixture } from '../goldens.ts';

const folder = 'letters-text/model/tokenizer';
const textOf = (path: string): string => readFileSync(fixture(path), 'utf8');
const vocab = JSON.parse(textOf(`${folder}/vocab.json`)) as Readonly<Record<string, number>>;
const merges = textOf(`${folder}/merges.txt`)
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#version'));
const tokenize = clipTokenizer({ vocab, merges, length: 32 });

interface Golden {
  readonly text: string;
  readonly ids: readonly number[];
}
const goldens = JSON.parse(textOf('goldens/text/tokens/tokens.json')) as readonly Golden[];

describe("CLIP's tokenizer", () => {
  it('gives the tokens of transformers', () => {
    expect(goldens.length).toBeGreaterThan(150);
    const wrong = goldens.filter(({ text, ids }) => String(tokenize(text).ids) !== String(ids));
    expect(wrong.map(({ text }) => text)).toEqual([]);
  });

  it('names its tokens, and says what it has cut off', () => {
    const short = clipTokenizer({ vocab, merges, length: 4 });
    const { tokens, ids, cut } = short('A b Ç d');
    expect(tokens).toEqual(['<|startoftext|>', 'a</w>', 'b</w>', '<|endoftext|>']);
    expect(ids).toHaveLength(4);
    expect(cut).toBe('ç d');
    expect(short('a').cut).toBe('');
    expect(short('a').tokens).toEqual(['<|startoftext|>', 'a</w>', '<|endoftext|>']);
  });

  it.each([
    ['12,000 letters without a space', 'ab'.repeat(6000)],
    ['letters of which hardly two are merged', 'qxzj'.repeat(30_000)],
    ['8,000 end tokens, spelled out', '<|endoftext|>'.repeat(8000)],
    ['40,000 signs before an end token', `${'a!'.repeat(40_000)}<|endoftext|>`],
  ])('cuts %s', (_what, text) => {
    const { ids, cut } = tokenize(text);
    expect(ids).toHaveLength(32);
    expect(tokenize(text.slice(0, 2000)).ids).toEqual(ids);
    expect(cut.length).toBeGreaterThan(text.length / 2);
  });

  it('takes other tokens to fill up', () => {
    const { ids } = clipTokenizer({ vocab, merges, length: 5, special: { pad: '!' } })('a');
    expect(ids.slice(-2)).toEqual([vocab['!'], vocab['!']]);
  });

  it.each([
    ['!', '!!'],
    ['!!', '!'],
  ])('finds of special tokens that begin alike the longest: %s and %s', (pad, unk) => {
    const known = { ...vocab, '!!': 7, '!': 5 };
    const special = { bos: '<|startoftext|>', eos: '<|endoftext|>', pad, unk };
    const { tokens } = clipTokenizer({ vocab: known, merges, length: 8, special })('a!!!');
    expect(tokens).toEqual(['<|startoftext|>', 'a</w>', '!!', '!', '<|endoftext|>']);
  });

  it('reads what it fills texts up with as that token in a text, too, as transformers does', () => {
    const filling = clipTokenizer({ vocab, merges, length: 77, special: { pad: '!' } });
    const marks = JSON.parse(textOf('goldens/text/tokens/filled-with-marks.json')) as readonly Golden[];
    expect(marks.length).toBeGreaterThan(60);
    for (const { text, ids } of marks) expect(filling(text).ids.slice(0, ids.length), text).toEqual(ids);
  });

  it.each([
    ['a length that holds no text', { vocab, merges, length: 1 }, /a text has 1 tokens/],
    ['a vocabulary without an end', { vocab: {}, merges, length: 5 }, /has no "<\|startoftext\|>"/],
    ['merges that are no pairs', { vocab, merges: ['a b c'], length: 5 }, /merge 0 is "a b c"/],
    ['merges of nothing', { vocab, merges: ['a '], length: 5 }, /merge 0 is "a "/],
  ])('refuses %s', (_what, given, message) => {
    expect(() => clipTokenizer(given)).toThrow(InputError);
    expect(() => clipTokenizer(given)).toThrow(message);
  });
});
