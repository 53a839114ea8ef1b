/**
 * Reading the keys of a model's `config.json`: each must be what it should be, missing ones take diffusers' defaults,
 * what is unknown is named. Keys that begin with `_` are notes.
 */
import { adapterHint } from './adapters.ts';
import { InputError } from '../tensor/errors.ts';
import { shown } from '../tensor/shown.ts';

/** What is to be said of a UNet that is told what to draw, to one who has asked for one that is not. */
function wordsHint(className: unknown): string {
  return className === 'UNet2DConditionModel' ? '; this one draws what words say: loadStableDiffusion loads it' : '';
}

/** A parsed file whose top is an object, by its keys. */
export type Json = Readonly<Record<string, unknown>>;

/** Extents above this are no model's; they keep a hostile file from asking for giant buffers. */
export const largestExtent = 65536;

/** Readers of one config. Each throws an InputError that names the key, what was found, and what is supported. */
export interface ConfigKeys {
  /** The keys that the class does not have: as in diffusers, they do nothing. */
  readonly unknown: readonly string[];
  /** The value as it stands, or its default. */
  read(key: string): unknown;
  /** Refuses the config. */
  fail(message: string): never;
  /**
   * Refuses the value of a key.
   * @param expected completes "supported is …"
   */
  refuse(key: string, expected: string): never;
  /** A whole number from `least` to 65,536. */
  integer(key: string, least: number): number;
  /** A whole number from 1 on, or null. */
  optionalInteger(key: string): number | undefined;
  /** A finite number. */
  finite(key: string): number;
  /** True or false; as in diffusers also 1, 0 and null. */
  flag(key: string): boolean;
  /** One of some words. @param ofNull what null means, where it is not refused */
  choice<T extends string>(key: string, choices: readonly T[], ofNull?: T): T;
  /** A list of 1 to 16 entries. */
  list(key: string): readonly [unknown, ...unknown[]];
  /** A list of whole numbers from 1 on. */
  integers(key: string): readonly [number, ...number[]];
}

/**
 * The readers of a config.
 * @param family the class in diffusers, which `_class_name` must be where it is said
 * @param defaults of all keys that the class has
 * @param source the file's name, for messages
 * @throws InputError for another class
 */
export function configKeys(json: Json, family: string, defaults: Json, source: string): ConfigKeys {
  const fail = (message: string): never => {
    throw new InputError(`${source}: ${message}`);
  };
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    fail('a config must be an object of keys and values');
  const className = json._class_name;
  if (className !== undefined && className !== family) {
    const hint = `${adapterHint(className)}${wordsHint(className)}`;
    fail(`the model is a ${JSON.stringify(className)}; supported is "${family}"${hint}`);
  }
  const read = (key: string): unknown => (Object.hasOwn(json, key) ? json[key] : defaults[key]);
  const refuse = (key: string, expected: string): never =>
    fail(`${key} is ${JSON.stringify(read(key))}; supported is ${expected}`);
  const unknown = Object.keys(json).filter((key) => isForeign(key) && !Object.hasOwn(defaults, key));
  const keys: ConfigKeys = {
    unknown,
    read,
    fail,
    refuse,
    integer(key, least) {
      const value = read(key);
      return isInteger(value, least) ? value : refuse(key, `a whole number from ${least} to ${largestExtent}`);
    },
    optionalInteger: (key) => (read(key) === null ? undefined : keys.integer(key, 1)),
    finite(key) {
      const value = read(key);
      return typeof value === 'number' && Number.isFinite(value) ? value : refuse(key, 'a finite number');
    },
    flag(key) {
      const value = read(key);
      if (value === null || value === 0 || value === 1) return value === 1;
      return typeof value === 'boolean' ? value : refuse(key, 'true or false');
    },
    choice(key, choices, ofNull) {
      if (read(key) === null && ofNull !== undefined) return ofNull;
      return choices.find((candidate) => candidate === read(key)) ?? refuse(key, choices.join(', '));
    },
    list(key) {
      const [first, ...others] = Array.isArray(read(key)) ? (read(key) as readonly unknown[]) : [];
      const fits = first !== undefined && others.length < 16;
      return fits ? [first, ...others] : refuse(key, 'a list of 1 to 16 entries');
    },
    integers(key) {
      const [first, ...others] = keys.list(key);
      const extent = (value: unknown): number =>
        isInteger(value, 1) ? value : refuse(key, `whole numbers from 1 to ${largestExtent}`);
      return [extent(first), ...others.map(extent)];
    },
  };
  return keys;
}

/** A config that has been read, and what is to be said of it, one line each. */
export interface ReadConfig<Config> {
  readonly config: Config;
  readonly warnings: readonly string[];
}

/** One line that names the keys that the class does not have, or none. @param library that ignores them, too */
export function unknownKeys(
  { unknown }: ConfigKeys,
  family: string,
  source: string,
  library = 'diffusers',
): readonly string[] {
  const names = unknown.map((key) => JSON.stringify(key)).join(', ');
  return names === '' ? [] : [`${source}: ${family} has no ${names}, as in ${library} ignored`];
}

/**
 * Fails unless a parser has read the config: the JSON of a file has other keys.
 * @param example one that it has read
 * @param parser its name, for messages
 * @throws InputError naming the first key that is missing, or holds what it never holds
 */
export function checkParsed<Config extends object>(config: Config, example: Config, parser: string): void {
  const given = Object(config) as Readonly<Record<string, unknown>>;
  for (const [key, value] of Object.entries(example) as [string, unknown][]) {
    const known = [given[key], value].includes(undefined) || kindOf(given[key]) === kindOf(value);
    if (Object.hasOwn(given, key) && known) continue;
    throw new InputError(
      `the config is ${shown(config)}, whose ${key} is ${shown(given[key])}; ` +
        `it must be what ${parser} makes of a config.json`,
    );
  }
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'list' : typeof value;
}

/** Notes begin with `_`; of how weights are stored nothing is to be said. */
function isForeign(key: string): boolean {
  return !key.startsWith('_') && key !== 'quantization_config';
}

/** Whether a value is a whole number from `least` to the largest extent. */
export function isInteger(value: unknown, least: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= largestExtent;
}
