/**
 * Reading a `scheduler_config.json`: every key of the class checked, defaults as in diffusers, null as diffusers takes
 * it (`nulls.ts`). Keys of other classes are left alone here; `createScheduler` names those that diffusers would name.
 */
import { InputError } from '../tensor/errors.ts';
import { flagMayBeNull, readNull } from './nulls.ts';

/** What stands in a `scheduler_config.json`, by its keys. */
export type Config = Readonly<Record<string, unknown>>;

/**
 * Reads the keys of one config. Each reader throws an InputError that names the key, what was found, and what is
 * supported.
 */
export interface Options {
  /** A finite number, or the fallback. */
  number(key: string, fallback: number): number;
  /** A finite number, or nothing. */
  optionalNumber(key: string): number | undefined;
  /** A whole number that is not negative. */
  count(key: string, fallback: number): number;
  /** True or false; as in diffusers also 1, 0 and null. */
  flag(key: string, fallback: boolean): boolean;
  /** One of the choices. @param aliases what stands in the configs of other schedulers, and what it means here */
  choice<T extends string>(key: string, choices: readonly T[], fallback: T, aliases?: Readonly<Record<string, T>>): T;
  /** One of the choices, or nothing. */
  optionalChoice<T extends string>(key: string, choices: readonly T[]): T | undefined;
  /** A list of numbers, or the fallback. */
  numbers(key: string, fallback?: readonly number[]): readonly number[] | undefined;
  /** A key that diffusers has and this library does not support: refused unless it is null. */
  absent(key: string): void;
  /** A finite number under a key that the class does not have, or nothing; it is none of the keys that were read. */
  foreignNumber(key: string): number | undefined;
  /** To be called last: the keys, as they were read. */
  finish(): Config;
}

/** Keys that older versions of a class had under another name, which diffusers still reads. */
const oldNames: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  DDIMInverseScheduler: { set_alpha_to_zero: 'set_alpha_to_one' },
};

/** The name that a key of a class has today, where it had another; undefined where it had none. */
export function currentName(scheduler: string, key: string): string | undefined {
  const names = Object.hasOwn(oldNames, scheduler) ? oldNames[scheduler] : undefined;
  return names && Object.hasOwn(names, key) ? names[key] : undefined;
}

/** The config under the names of today, without the keys that it says are defaults. */
function normalised(config: Config, scheduler: string): Config {
  const listed = config['_use_default_values'];
  const isDefault = (key: string): boolean => Array.isArray(listed) && listed.includes(key);
  const entries = Object.entries(config).filter(([key]) => !isDefault(key));
  const renamed = entries.flatMap(([key, value]) => {
    const name = currentName(scheduler, key);
    return name === undefined || value === null ? [] : [[name, value] as const];
  });
  return Object.fromEntries([...entries, ...renamed]);
}

/** The reader of a config. @param scheduler the name of the class, for messages and for what null means in it */
export function readOptions(given: Config, scheduler: string): Options {
  const config = normalised(given, scheduler);
  const known = new Map<string, unknown>();
  const note = <T>(key: string, value: T): T => {
    known.set(key, value ?? null);
    return value;
  };
  /** As it stands; undefined where it is missing. */
  const find = (key: string): unknown => (Object.hasOwn(config, key) ? config[key] : undefined);
  const refuse = (key: string, expected: string): never => {
    const found = find(key);
    const shown = typeof found === 'number' ? `${found}` : JSON.stringify(found)?.slice(0, 80);
    throw new InputError(`${scheduler}: ${key} is ${shown}; supported is ${expected}`);
  };
  /**
   * A value, or what stands for it where there is none or null.
   * @param accept what the value is read as; undefined where it is refused
   */
  const value = <T>(key: string, fallback: T, accept: (found: unknown) => T | undefined, expected: string): T => {
    const found = find(key);
    if (found === undefined) return note(key, fallback);
    const read = found === null ? readNull(key, config, scheduler, fallback) : accept(found);
    return note(key, (read as T | undefined) ?? refuse(key, expected));
  };
  /** A value that may be null, or nothing. */
  const optional = <T>(key: string, accept: (found: unknown) => T | undefined, expected: string): T | undefined => {
    const found = find(key) ?? undefined;
    return note(key, found === undefined ? undefined : (accept(found) ?? refuse(key, expected)));
  };
  const options: Options = {
    number: (key, fallback) =>
      value(key, fallback, (found) => (found === fallback ? fallback : finite(found)), 'a finite number'),
    optionalNumber: (key) => optional(key, finite, 'a finite number or null'),
    count: (key, fallback) => value(key, fallback, wholeNumber, 'a whole number up to 1000000'),
    flag(key, fallback) {
      const found = find(key);
      if (found === null && flagMayBeNull(key)) return note(key, false);
      return value(key, fallback, trueOrFalse, 'true or false');
    },
    choice(key, choices, fallback, aliases = {}) {
      const accept = (found: unknown) =>
        typeof found === 'string' && Object.hasOwn(aliases, found) ? aliases[found] : oneOf(choices, found);
      return value(key, fallback, accept, choices.join(', '));
    },
    optionalChoice: (key, choices) => optional(key, (found) => oneOf(choices, found), `${choices.join(', ')} or null`),
    numbers: (key, fallback) =>
      fallback
        ? value(key, fallback, listOfNumbers, 'a list of numbers')
        : optional(key, listOfNumbers, 'a list of numbers'),
    absent(key) {
      optional(key, () => undefined, 'null');
    },
    foreignNumber(key) {
      const found = find(key) ?? undefined;
      return found === undefined ? undefined : (finite(found) ?? refuse(key, 'a finite number or null'));
    },
    finish: () => Object.fromEntries(known),
  };
  return options;
}

function finite(found: unknown): number | undefined {
  return typeof found === 'number' && Number.isFinite(found) ? found : undefined;
}

function wholeNumber(found: unknown): number | undefined {
  return typeof found === 'number' && Number.isInteger(found) && found >= 0 && found <= 1e6 ? found : undefined;
}

function trueOrFalse(found: unknown): boolean | undefined {
  if (found === 1 || found === 0) return found === 1;
  return typeof found === 'boolean' ? found : undefined;
}

function oneOf<T extends string>(choices: readonly T[], found: unknown): T | undefined {
  return choices.find((candidate) => candidate === found);
}

function listOfNumbers(found: unknown): readonly number[] | undefined {
  const isList = Array.isArray(found) && found.every((entry) => typeof entry === 'number' && Number.isFinite(entry));
  return isList ? found : undefined;
}
