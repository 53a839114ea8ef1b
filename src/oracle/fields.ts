/** Reading the keys of a JSON object, each of which must be what it should be, and none of which may be left over. */
import { InputError } from '../tensor/errors.ts';

/** The readers of one object. */
export interface Fields {
  readonly keys: readonly string[];
  has(key: string): boolean;
  /** Whether it is missing, or null. */
  isNull(key: string): boolean;
  text(key: string): string;
  optionalText(key: string): string | undefined;
  number(key: string): number;
  /** A whole number from 0 on. */
  integer(key: string): number;
  optionalInteger(key: string): number | undefined;
  flag(key: string): boolean;
  texts(key: string): readonly string[];
  numbers(key: string): readonly number[];
  optionalNumbers(key: string): readonly number[] | undefined;
  /** Lists of whole numbers from 0 on. */
  rows(key: string): readonly (readonly number[])[];
  /** Anything, in a list. */
  list(key: string): readonly unknown[];
  object(key: string): Fields;
  objects(key: string): readonly Fields[];
  /** The object as it is. */
  record(key: string): Readonly<Record<string, unknown>>;
  /** Throws for a key whose value is none of what is expected. */
  refuse(key: string, expected: string): never;
  /** To be called last: refuses keys that nobody has read. */
  finish(): void;
}

/** Each reader throws an InputError that names file and key. */
export function readFields(json: Readonly<Record<string, unknown>>, source: string): Fields {
  const known = new Set<string>();
  const refuse = (key: string, expected: string): never => {
    const found = Object.hasOwn(json, key) ? `is ${JSON.stringify(json[key])?.slice(0, 60)}` : 'is missing';
    throw new InputError(`${source}: "${key}" ${found}; expected ${expected}`);
  };
  const read = (key: string): unknown => {
    known.add(key);
    return Object.hasOwn(json, key) ? json[key] : undefined;
  };
  const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
  const isRecord = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  const isAbsent = (key: string): boolean => (read(key) ?? null) === null;
  function one<T>(key: string, is: (value: unknown) => value is T, expected: string): T {
    const value = read(key);
    return is(value) ? value : refuse(key, expected);
  }
  function many<T>(key: string, is: (value: unknown) => value is T, expected: string): readonly T[] {
    const value = read(key);
    return Array.isArray(value) && value.every(is) ? value : refuse(key, expected);
  }
  const isText = (value: unknown): value is string => typeof value === 'string';
  const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  const fields: Fields = {
    keys: Object.keys(json),
    has: (key) => Object.hasOwn(json, key),
    isNull: isAbsent,
    text: (key) => one(key, isText, 'a text'),
    optionalText: (key) => (isAbsent(key) ? undefined : fields.text(key)),
    number: (key) => one(key, isNumber, 'a finite number'),
    integer: (key) => one(key, isCount, 'a whole number from 0 on'),
    optionalInteger: (key) => (isAbsent(key) ? undefined : fields.integer(key)),
    flag: (key) => one(key, (value) => typeof value === 'boolean', 'true or false'),
    texts: (key) => many(key, isText, 'a list of texts'),
    numbers: (key) => many(key, isNumber, 'a list of finite numbers'),
    optionalNumbers: (key) => (isAbsent(key) ? undefined : fields.numbers(key)),
    rows: (key) =>
      many(
        key,
        (value): value is number[] => Array.isArray(value) && value.every(isCount),
        'lists of whole numbers from 0 on',
      ),
    list: (key) => many(key, (value): value is unknown => value !== undefined, 'a list'),
    record: (key) => one(key, isRecord, 'an object'),
    object: (key) => readFields(fields.record(key), `${source}: ${key}`),
    objects: (key) =>
      many(key, isRecord, 'a list of objects').map((value, i) => readFields(value, `${source}: ${key}[${i}]`)),
    refuse,
    finish() {
      const left = Object.keys(json).find((key) => !known.has(key));
      if (left !== undefined) throw new InputError(`${source}: unknown key "${left}"`);
    },
  };
  return fields;
}
