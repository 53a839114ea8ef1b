/** The parameters of a guidance as options: how text becomes a value, and how help shows them. */
import { checked, expectation, type Parameter, type ParameterValue } from '../guidance/parameters.ts';
import { InputError } from '../tensor/errors.ts';
import { flagOf } from './words.ts';

/**
 * A parameter's value from text: numbers and selectors are separated by commas.
 * @throws InputError when the text is none
 */
export function readParameter(parameter: Parameter, text: string): ParameterValue {
  if (parameter.kind === 'choice') return checked(parameter, text);
  const parts = text.split(',').map((part) => part.trim());
  const refuse = (): never => {
    throw new InputError(`${flagOf(parameter.name)} is "${text}"; it must be ${expectedText(parameter)}`);
  };
  if (parameter.kind === 'layers') return parts.includes('') ? refuse() : checked(parameter, parts);
  const numbers = parts.map((part) => (part === '' ? NaN : Number(part)));
  const [first, ...others] = numbers;
  if (first === undefined || numbers.some(Number.isNaN)) return refuse();
  const isOne = others.length === 0 && parameter.kind !== 'numbers';
  return checked(parameter, isOne ? first : numbers);
}

/** What an option must be, for messages and help. */
export function expectedText(parameter: Parameter): string {
  const isList = parameter.kind === 'numbers' || parameter.kind === 'layers';
  return isList ? `${expectation(parameter)}, with commas between them` : expectation(parameter);
}

/** A parameter's default as one would give it on the command line. */
export function defaultText({ default: value }: Parameter): string {
  return Array.isArray(value) ? value.join(',') : String(value);
}
