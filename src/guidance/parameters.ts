/** The parameters of a guidance as data, so that a command line can offer, explain and read them. */
import { InputError } from '../tensor/errors.ts';
import type { PerSample } from '../tensor/arithmetic.ts';
import { rangeText } from '../tensor/checks.ts';
import { checkScale } from './scales.ts';

/** What a parameter may be given: numbers, or names. */
export type ParameterValue = PerSample | string | readonly string[];

/** What there is to know of a parameter. */
export interface Parameter {
  /** As `pagScale`. */
  readonly name: string;
  /**
   * - `scale`: a number, or one for each sample.  `number`: a number.  `integer`: a whole number.  `numbers`: some
   *   numbers.
   * - `layers`: selectors of attention layers.  `choice`: one of `choices`.
   */
  readonly kind: 'scale' | 'number' | 'integer' | 'numbers' | 'layers' | 'choice';
  /** One line, as help shows it. */
  readonly summary: string;
  /** What it is when it is not given; it need not lie within the bounds. */
  readonly default: ParameterValue;
  /** Of `layers`: those that ask a text, in the place of self-attention. */
  readonly site?: 'cross';
  /** The smallest number allowed. */
  readonly least?: number;
  /** The largest number allowed. */
  readonly most?: number;
  /** The names of which a `choice` is one. */
  readonly choices?: readonly string[];
}

/** Values by the names of their parameters; one that is missing has its default. */
export type ParameterValues = Readonly<Record<string, ParameterValue | undefined>>;

/**
 * The value, if it is one that the parameter may have.
 * @throws InputError otherwise
 */
export function checked(parameter: Parameter, value: ParameterValue): ParameterValue {
  const { kind, name, least, most, choices = [] } = parameter;
  const refuse = (): never => {
    throw new InputError(`${name} is "${String(value)}"; it must be ${expectation(parameter)}`);
  };
  const list: readonly (number | string)[] = Array.isArray(value) ? value : [value];
  if (list.length === 0) return refuse();
  if (Array.isArray(value) && !['scale', 'numbers', 'layers'].includes(kind)) return refuse();
  if (kind === 'choice') return choices.includes(value as string) ? value : refuse();
  if (kind === 'layers')
    return list.every((part) => typeof part === 'string' && part !== '') ? (list as readonly string[]) : refuse();
  if (!list.every((part) => typeof part === 'number')) return refuse();
  if (kind === 'integer' && !list.every(Number.isInteger)) return refuse();
  if (value !== parameter.default) checkScale(name, list, least, most);
  return kind === 'numbers' ? list : value;
}

/** What a parameter must be, for messages and help: `a number from 0 to 1`. */
export function expectation({ kind, site, least, most, choices = [] }: Parameter): string {
  const range = rangeText(least ?? -Infinity, most ?? Infinity);
  switch (kind) {
    case 'scale':
      return `${range}, or one for each sample`;
    case 'number':
      return range;
    case 'integer':
      return range.replace('finite number', 'whole number').replace('a number', 'a whole number');
    case 'numbers':
      return `numbers, each ${range}`;
    case 'layers':
      return `selectors of ${site ?? 'self'}-attention layers`;
    case 'choice':
      return `one of ${choices.join(', ')}`;
  }
}
