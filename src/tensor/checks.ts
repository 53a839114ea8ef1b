/**
 * What callers get wrong although the types forbid it: JavaScript lets it pass. It is asked once, where the library is
 * entered, so that what computes may believe its types. What options may hold is a table beside their interface, with a
 * row for each key: the type checker sees to it that none is forgotten.
 */
import { isDeferred, lengthOf } from './deferred.ts';
import { InputError } from './errors.ts';
import { shown } from './shown.ts';
import { shapeText, sizeOf, type FloatArray, type Tensor } from './tensor.ts';

/**
 * Throws an InputError unless `value` is one that `name` may be.
 * @param name how the caller calls it
 */
export type Check = (name: string, value: unknown) => void;

/** A check for each key of some options, those that may be left out included. */
export type Checks<Options> = { readonly [Key in keyof Options]-?: Check };

/** @param what completes "it must be …" */
export function mustBe(what: string, holds: (value: unknown) => boolean): Check {
  return (name, value) => {
    if (!holds(value)) throw new InputError(`${name} is ${shown(value)}; it must be ${what}`);
  };
}

/** The same, but what is left out is not checked. */
export function optional(check: Check): Check {
  return (name, value) => {
    if (value !== undefined) check(name, value);
  };
}

/** A finite number, within bounds. */
export function finite(least = -Infinity, most = Infinity): Check {
  return mustBe(rangeText(least, most), (value) => Number.isFinite(value) && isWithin(value, least, most));
}

/** A whole number, within bounds. */
export function whole(least: number, most = Number.MAX_SAFE_INTEGER): Check {
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  return mustBe(`a whole number ${range}`, (value) => Number.isSafeInteger(value) && isWithin(value, least, most));
}

/** A number, be it infinite, but not NaN. */
export const number: Check = mustBe('a number', (value) => typeof value === 'number' && !Number.isNaN(value));

/** One of some texts. */
export function oneOf(known: readonly string[]): Check {
  return mustBe(known.map((one) => `"${one}"`).join(' or '), (value) => known.some((one) => one === value));
}

/** True or false. */
export const flag: Check = mustBe('true or false', (value) => typeof value === 'boolean');

/** A text. */
export const text: Check = mustBe('a text', (value) => typeof value === 'string');

/** A list of texts. @param what as that of `mustBe` */
export function textsAs(what: string): Check {
  return mustBe(what, (value) => Array.isArray(value) && value.every((entry) => typeof entry === 'string'));
}

/** A list of numbers, which may be infinite or NaN. */
export const numbers: Check = mustBe(
  'a list of numbers',
  (value) => Array.isArray(value) && value.every((entry) => typeof entry === 'number'),
);

/** @param example of one, as "a function of a shape, as generator.randn" */
export function aFunction(example: string): Check {
  return mustBe(example, (value) => typeof value === 'function');
}

/** @param example of one, as "an object, as { eta: 1 }" */
export function anObject(example: string): Check {
  return mustBe(example, (value) => Object(value) === value);
}

/**
 * An object of which these keys are methods.
 * @param example of one, as "a Backend, as simdBackend()"
 */
export function withMethods<Kind>(example: string, ...methods: readonly (keyof Kind & string)[]): Check {
  return mustBe(example, (value) => {
    const given = Object(value) as Readonly<Record<string, unknown>>;
    return methods.every((method) => typeof given[method] === 'function');
  });
}

/**
 * An object that has these parts, whatever they are.
 * @param example of one, as "a model, as createUNet gives it"
 */
export function withParts<Kind>(example: string, ...parts: readonly (keyof Kind & string)[]): Check {
  return mustBe(example, (value) => isObject(value) && parts.every((part) => part in Object(value)));
}

/**
 * Refuses options with a key that there is not, or a value that cannot be.
 * @param owner of the options, as its caller names it
 * @throws InputError naming the key, and what there is
 */
export function checkOptions<Options extends object>(owner: string, options: Options, checks: Checks<Options>): void {
  const unknown = Object.keys(isObject(options) ? options : {}).find((key) => !Object.hasOwn(checks, key));
  if (unknown !== undefined) {
    throw new InputError(`${owner} has no option ${unknown}; it has { ${Object.keys(checks).join(', ')} }`);
  }
  checkParts(owner, options, checks);
}

/** Refuses an object that lacks a part, or one with a part that cannot be. It may have others. */
export function checkParts<Parts extends object>(owner: string, parts: Parts, checks: Checks<Parts>): void {
  const keys = Object.keys(checks) as (keyof Parts & string)[];
  if (!isObject(parts)) throw new InputError(`${owner} is given ${shown(parts)}; it takes { ${keys.join(', ')} }`);
  for (const key of keys) checks[key](key, parts[key]);
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Refuses what is no tensor, or one whose numbers are not as many as its shape says. The numbers are not looked at. */
export const checkTensor: Check = (name, value) => {
  if (!isTensor(value)) {
    throw new InputError(
      `${name} is ${shown(value)}; it must be a tensor, as tensor('f32', [2], Float32Array.of(1, 2))`,
    );
  }
  const { shape } = value;
  if (lengthOf(value) !== sizeOf(shape)) {
    throw new InputError(`${name} has shape ${shapeText(shape)}, but ${lengthOf(value)} numbers`);
  }
};

/** Whether it has what tensors have. */
export function isTensor(value: unknown): value is Tensor {
  const given = Object(value) as Partial<Tensor>;
  if (!Array.isArray(given.shape)) return false;
  if (isDeferred(given)) return true;
  return given.data instanceof Float32Array || given.data instanceof Float64Array;
}

/**
 * Refuses numbers that are not finite. Looks at each of them once.
 * @throws InputError naming the first, and its place
 */
export function checkFinite(name: string, { data }: Tensor): void {
  const i = firstNotFinite(data);
  if (i >= 0) throw new InputError(`${name} has ${data[i]} at index ${i}; it must hold finite numbers`);
}

/** Where the first number stands that is not finite; −1 where there is none, which is known soonest. */
export function firstNotFinite(data: FloatArray): number {
  return areFinite(data) ? -1 : data.findIndex((value) => !Number.isFinite(value));
}

/**
 * Whether all numbers are finite. A finite number times 0 is 0, any other NaN. A sum of these is known sooner than the
 * answer of each; two sums, which do not wait for one another, sooner still.
 */
export function areFinite(data: FloatArray): boolean {
  let [even, odd] = [0, 0];
  const pairs = data.length - (data.length % 2);
  for (let i = 0; i < pairs; i += 2) {
    even += data[i] * 0;
    odd += data[i + 1] * 0;
  }
  if (pairs < data.length) even += data[pairs] * 0;
  return even + odd === 0;
}

/** `a finite number`, `a number from 0 to 1`, `a number of at least 0`. */
export function rangeText(least: number, most: number): string {
  if (least === -Infinity) return most === Infinity ? 'a finite number' : `a number of at most ${most}`;
  return most === Infinity ? `a number of at least ${least}` : `a number from ${least} to ${most}`;
}

function isWithin(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && value >= least && value <= most;
}
