/**
 * What the library says, in the words of the command line. The library names its parameters, `pagLayers`, and what its
 * caller may write, `{ variant: 'fp16' }`; a command names its options, `--pag-layers` and `--variant fp16`.
 */
import { InputError } from '../tensor/errors.ts';
import type { OptionKinds } from './options.ts';

/** `pag-scale` for `pagScale`. */
export function optionOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `--pag-scale` for `pagScale`. */
export function flagOf(name: string): string {
  return `--${optionOf(name)}`;
}

/** What the command calls otherwise: functions of the library, and what an option stands for. */
const others: readonly (readonly [string, string])[] = [
  ['use referenceBackend(), or fastestBackend()', 'use --kernels reference'],
  ['use referenceBackend()', 'use --kernels reference'],
  ['or a wider dtype', 'or a wider --dtype'],
  ['loadStableDiffusion loads it', 'give --prompt'],
];

/** What a model is told besides its sample: diffusers, and files for it, write these names with _. */
const conditions =
  /\b(encoderHiddenStates|encoderAttentionMask|textEmbeds|timeIds|timestepCond|imageEmbeds|classLabels)\b/g;

/** The precision of a port. */
const format = /\bformats\.(\w+)/g;
/** `{ variant: 'fp16' }` */
const written = /\{ (\w+): '?([^'{}]+?)'? \}/g;
/** What a message is about, where it begins with it. */
const first = /^\w+(?= is )/;
/** A name of two words or more, as it stands in a sentence: not in quotation marks, and neither called nor a key. */
const named = /(?<![\w"'.[-])[a-z]+(?:[A-Z][a-z]*)+(?![\w"'(:\]]|\.\w)/g;

/**
 * A message of the library as a command says it.
 * @param kinds the options of the command: what it does not have keeps its name
 */
export function inCommandWords(message: string, kinds: OptionKinds): string {
  const has = (name: string): boolean => Object.hasOwn(kinds, optionOf(name));
  const asOption = (name: string): string => (has(name) ? flagOf(name) : name);
  return others
    .reduce((text, [ours, theirs]) => text.replaceAll(ours, theirs), message)
    .replace(conditions, (name) => optionOf(name).replaceAll('-', '_'))
    .replace(format, '--dtype $1')
    .replace(written, (whole, name: string, value: string) => (has(name) ? `${flagOf(name)} ${value}` : whole))
    .replace(first, asOption)
    .replace(named, asOption);
}

/**
 * What a command gives.
 * @throws InputError in the words of the command, where the library throws one; other errors as they are
 */
export async function withCommandWords<T>(kinds: OptionKinds, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(inCommandWords(error.message, kinds), { cause: error });
  }
}
