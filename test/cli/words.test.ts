/** What the library says names its parameters; what a command says, its options. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { OptionKinds } from '../../src/cli/options.ts';
import { flagOf, inCommandWords, withCommandWords } from '../../src/cli/words.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { withoutComments } from '../comments.ts';

const kinds: OptionKinds = {
  'pag-layers': 'text',
  's-noise': 'number',
  variant: 'text',
  momentum: 'number',
  dtype: 'text',
};
const said = (message: string): string => inCommandWords(message, kinds);

describe('in the words of a command', () => {
  it.each([
    ['pagLayers is "x"; give pagLayers, or sNoise', '--pag-layers is "x"; give --pag-layers, or --s-noise'],
    ['it has no pagLayers; it has sNoise.', 'it has no --pag-layers; it has --s-noise.'],
    ['momentum is NaN; a momentum is a number', '--momentum is NaN; a momentum is a number'],
    ["there is fp16: take it by { variant: 'fp16' }", 'there is fp16: take it by --variant fp16'],
    ['too much: run less, or use referenceBackend()', 'too much: run less, or use --kernels reference'],
    ['use referenceBackend(), or fastestBackend()', 'use --kernels reference'],
    ['this looks like bfloat16; try formats.bf16.', 'this looks like bfloat16; try --dtype bf16.'],
    ['encoderHiddenStates has shape [1], and timeIds [2]', 'encoder_hidden_states has shape [1], and time_ids [2]'],
  ])('%s', (message, expected) => {
    expect(said(message)).toBe(expected);
  });

  it.each([
    'the file has the key "pagLayers"',
    "a guidance by its name, as { name: 'pag', pagLayers: ['mid'] }",
    'negativeHiddenStates',
    'noiseSource gave what pagLayers() gives',
    'config.pagLayers is 3',
    'pagScale is 3, which this command has no option for',
  ])('nothing else changes: %s', (message) => {
    expect(said(message)).toBe(message);
  });

  it('an InputError is one still, with the first as its cause; another error stays as it is', async () => {
    const first = new InputError('pagLayers is 3');
    const failing = (error: Error) => withCommandWords(kinds, () => Promise.reject(error));
    await expect(failing(first)).rejects.toMatchObject({
      message: '--pag-layers is 3',
      name: 'InputError',
      cause: first,
    });
    const other = new TypeError('pagLayers is 3');
    await expect(failing(other)).rejects.toBe(other);
    expect(await withCommandWords(kinds, () => Promise.resolve(2))).toBe(2);
  });

  it('an option is written as its parameter, in parts', () => {
    expect(['pagLayers', 'sNoise', 'steps'].map(flagOf)).toEqual(['--pag-layers', '--s-noise', '--steps']);
  });
});

describe('no text of the library names an option of the command:', () => {
  const src = join(import.meta.dirname, '../../src');
  /** What is written for those who use the command. */
  const ofTheCommand = /^(cli|walkthrough|oracle\/report)\/|^oracle\/(guide|readme)\.ts$/;
  /** Options of Node, two decrements, and a command that is named whole: no riddles. */
  const allowed = /--(permission|experimental|made\.|checks\))|pag [a-z]+ --/;
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !ofTheCommand.test(file),
  );

  it('no line of any file', () => {
    const found = files.flatMap((file) =>
      withoutComments(readFileSync(join(src, file), 'utf8'))
        .split('\n')
        .filter((line) => /['"`\s(;:,]--[a-z]/.test(line) && !allowed.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );
    expect(found).toEqual([]);
    expect(files.length).toBeGreaterThan(300);
  });
});
