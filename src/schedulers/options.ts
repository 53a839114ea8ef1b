/** Reading a `scheduler_config.json`: every key checked, defaults as in diffusers, what is unknown refused by name. */
import { InputError } from '../tensor/errors.ts';

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
  /** True or false. */
  flag(key: string, fallback: boolean): boolean;
  /** One of the choices. @param aliases what stands in the configs of other schedulers, and what it means here */
  choice<T extends string>(key: string, choices: readonly T[], fallback: T, aliases?: Readonly<Record<string, T>>): T;
  /** One of the choices, or nothing. */
  optionalChoice<T extends string>(key: string, choices: readonly T[]): T | undefined;
  /** A list of numbers, or the fallback. */
  numbers(key: string, fallback?: readonly number[]): readonly number[] | undefined;
  /** A key that diffusers has and this library does not support: refused unless it is null. */
  absent(key: string): void;
  /**
   * To be called last: refuses keys that nobody has read. Keys that begin with `_` are notes. Returns the keys, as they
   * were read.
   */
  finish(): Config;
}

/** The reader of a config. @param scheduler the name of the class, for messages */
export function readOptions(config: Config, scheduler: string): Options {
  const known = new Map<string, unknown>();
  const read = (key: string, fallback?: unknown): unknown => {
    const value = (Object.hasOwn(config, key) ? config[key] : undefined) ?? fallback;
    known.set(key, value ?? null);
    return value;
  };
  const refuse = (key: string, expected: string): never => {
    const found = config[key];
    const shown = typeof found === 'number' ? `${found}` : JSON.stringify(found)?.slice(0, 80);
    throw new InputError(`${scheduler}: ${key} is ${shown}; supported is ${expected}`);
  };
  const options: Options = {
    number(key, fallback) {
      const value = read(key, fallback);
      return typeof value === 'number' && (Number.isFinite(value) || value === fallback)
        ? value
        : refuse(key, 'a finite number');
    },
    optionalNumber(key) {
      const value = read(key);
      if (value === undefined) return undefined;
      return typeof value === 'number' && Number.isFinite(value) ? value : refuse(key, 'a finite number or null');
    },
    count(key, fallback) {
      const value = read(key, fallback);
      return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 1e6
        ? value
        : refuse(key, 'a whole number up to 1000000');
    },
    flag(key, fallback) {
      const value = read(key, fallback);
      return typeof value === 'boolean' ? value : refuse(key, 'true or false');
    },
    choice(key, choices, fallback, aliases = {}) {
      const value = read(key, fallback);
      const alias = typeof value === 'string' && Object.hasOwn(aliases, value) ? aliases[value] : undefined;
      return alias ?? choices.find((candidate) => candidate === value) ?? refuse(key, choices.join(', '));
    },
    optionalChoice(key, choices) {
      const value = read(key);
      if (value === undefined) return undefined;
      return choices.find((candidate) => candidate === value) ?? refuse(key, `${choices.join(', ')} or null`);
    },
    numbers(key, fallback) {
      const value = read(key, fallback);
      if (value === undefined) return undefined;
      const isList =
        Array.isArray(value) && value.every((entry) => typeof entry === 'number' && Number.isFinite(entry));
      return isList ? (value as number[]) : refuse(key, 'a list of numbers');
    },
    absent(key) {
      if (read(key) !== undefined) refuse(key, 'null');
    },
    finish() {
      for (const key of Object.keys(config)) {
        if (!key.startsWith('_') && !known.has(key)) {
          throw new InputError(`${scheduler}: unknown key "${key}"; it has ${[...known.keys()].join(', ')}`);
        }
      }
      return Object.fromEntries(known);
    },
  };
  return options;
}
