/** Reading a `scheduler_config.json`: every key checked, defaults as in diffusers, what is unknown refused by name. */
import { InputError } from '../tensor/errors.ts';

export type Config = Readonly<Record<string, unknown>>;

/** Reads the keys of one config. Each reader throws an InputError that names the key, what was found, and what is supported. */
export interface Options {
  number(key: string, fallback: number): number;
  /** A whole number that is not negative. */
  count(key: string, fallback: number): number;
  flag(key: string, fallback: boolean): boolean;
  choice<T extends string>(key: string, choices: readonly T[], fallback: T): T;
  /** A list of numbers, or nothing. */
  numbers(key: string): readonly number[] | undefined;
  /** To be called last: refuses keys that nobody has read. Keys that begin with `_` are notes. */
  finish(): void;
}

export function readOptions(config: Config, scheduler: string): Options {
  const known = new Set<string>();
  const read = (key: string): unknown => {
    known.add(key);
    return Object.hasOwn(config, key) ? config[key] : undefined;
  };
  const refuse = (key: string, expected: string): never => {
    throw new InputError(`${scheduler}: ${key} is ${JSON.stringify(config[key])?.slice(0, 80)}; supported is ${expected}`);
  };
  const options: Options = {
    number(key, fallback) {
      const value = read(key) ?? fallback;
      return typeof value === 'number' && Number.isFinite(value) ? value : refuse(key, 'a finite number');
    },
    count(key, fallback) {
      const value = read(key) ?? fallback;
      return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 1e6 ? value : refuse(key, 'a whole number up to 1000000');
    },
    flag(key, fallback) {
      const value = read(key) ?? fallback;
      return typeof value === 'boolean' ? value : refuse(key, 'true or false');
    },
    choice(key, choices, fallback) {
      const value = read(key) ?? fallback;
      return choices.find((candidate) => candidate === value) ?? refuse(key, choices.join(', '));
    },
    numbers(key) {
      const value = read(key);
      if (value === undefined || value === null) return undefined;
      const isList = Array.isArray(value) && value.length > 0 && value.every((entry) => typeof entry === 'number' && Number.isFinite(entry));
      return isList ? (value as number[]) : refuse(key, 'a list of numbers');
    },
    finish() {
      for (const key of Object.keys(config)) {
        if (!key.startsWith('_') && !known.has(key)) {
          throw new InputError(`${scheduler}: unknown key "${key}"; it has ${[...known].join(', ')}`);
        }
      }
    },
  };
  return options;
}
