/** What a key of a config may be: makers of rows for a table of keys. */
import { InputError } from '../tensor/errors.ts';
import { shown } from '../tensor/shown.ts';

/** A key of a config. */
export interface Key<T> {
  /** What it means. */
  readonly what: string;
  /** What stands for it where it is missing; undefined where it must be given. */
  readonly fallback: T | undefined;
  /** What it may be, as "a whole number from 1 to 10". */
  readonly expected: string;
  /** Whether a value is one. */
  holds(value: unknown): value is T;
  /** The value, or the default. @param name for messages. @throws InputError for another */
  read(value: unknown, name: string): T;
}

function keyOf<T>(
  expected: string,
  holds: (value: unknown) => value is T,
  fallback: T | undefined,
  what: string,
): Key<T> {
  return {
    what,
    fallback,
    expected,
    holds,
    read(value, name) {
      const found = value === undefined ? fallback : value;
      if (holds(found)) return found;
      if (value === undefined) throw new InputError(`${name} is missing; expected ${expected}`);
      throw new InputError(`${name} is ${shown(value)}; expected ${expected}`);
    },
  };
}

/** Bounds of a number: from `least` or above `above`, to `most` or below `below`. */
export interface Bounds {
  readonly least?: number;
  readonly above?: number;
  readonly most?: number;
  readonly below?: number;
}

/** A finite number within bounds. */
export function number(fallback: number, bounds: Bounds, what = ''): Key<number> {
  const { least = -Infinity, above = -Infinity, most = Infinity, below = Infinity } = bounds;
  const isWithin = (value: number): boolean => value >= least && value > above && value <= most && value < below;
  return keyOf(
    `a number ${boundsText(bounds)}`,
    (value): value is number => typeof value === 'number' && Number.isFinite(value) && isWithin(value),
    fallback,
    what,
  );
}

function boundsText({ least, above, most, below }: Bounds): string {
  const lower = least === undefined ? `above ${above}` : `from ${least}`;
  if (most !== undefined) return `${lower} to ${most}`;
  return below === undefined ? lower : `${lower} and below ${below}`;
}

/** A whole number from `least` to `most`. */
export function whole(least: number, most: number, fallback?: number, what = ''): Key<number> {
  const holds = (value: unknown): value is number =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most;
  return keyOf(`a whole number from ${least} to ${most}`, holds, fallback, what);
}

/** True or false. */
export function flag(fallback: boolean, what: string): Key<boolean> {
  return keyOf('true or false', (value): value is boolean => typeof value === 'boolean', fallback, what);
}

/** A text that is not empty. */
export function name(fallback: string, what: string): Key<string> {
  const holds = (value: unknown): value is string => typeof value === 'string' && value !== '';
  return keyOf('a name', holds, fallback, what);
}

/** One of some words. */
export function oneOf<T extends string>(fallback: T, choices: readonly T[], what: string): Key<T> {
  const holds = (value: unknown): value is T => choices.some((choice) => choice === value);
  return keyOf(choices.map((choice) => JSON.stringify(choice)).join(' or '), holds, fallback, what);
}

/** A list that is not empty. @param length of it, where that is fixed */
export function listOf<T>(length: number | undefined, entry: Key<T>): Key<readonly T[]> {
  const isLong = ({ length: found }: readonly unknown[]): boolean =>
    length === undefined ? found > 0 : found === length;
  const holds = (value: unknown): value is readonly T[] =>
    Array.isArray(value) && isLong(value) && value.every((one) => entry.holds(one));
  return keyOf(`a list of ${length ?? 'one or more'}, each ${entry.expected}`, holds, undefined, entry.what);
}

/** The same, or null. */
export function maybe<T>(key: Key<T>, fallback: T | null, what = key.what): Key<T | null> {
  const holds = (value: unknown): value is T | null => value === null || key.holds(value);
  return keyOf(`${key.expected}, or null`, holds, fallback, what);
}

/** The same, but it must be given. */
export function required<T>(key: Key<T>, what: string): Key<T> {
  return keyOf(key.expected, key.holds, undefined, what);
}
