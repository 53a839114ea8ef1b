/** Reading the options of a command: strict, and with a hint where one is misspelt. */
import { parseArgs } from 'node:util';
import { InputError } from '../tensor/errors.ts';

/** `text` takes a value, `flag` does not. */
export type OptionKinds = Readonly<Record<string, 'text' | 'flag'>>;

export interface ParsedOptions {
  readonly positionals: readonly string[];
  has(name: string): boolean;
  text(name: string): string | undefined;
  /** Throws an InputError when it is missing. */
  required(name: string): string;
  number(name: string, least?: number): number | undefined;
  /** A whole number from `least` to `most`. */
  integer(name: string, least: number, most?: number): number | undefined;
  choice<T extends string>(name: string, choices: readonly T[]): T | undefined;
  /** The parts between commas. */
  list(name: string): readonly string[] | undefined;
}

/**
 * @param positionals the names of the arguments that are no options, in order; of a last one that ends in ... there may
 *   be many
 * @throws InputError for unknown options, missing and superfluous values
 */
export function readOptions(
  args: readonly string[],
  kinds: OptionKinds,
  positionals: readonly string[] = [],
): ParsedOptions {
  const known = { ...kinds, help: 'flag' } as OptionKinds;
  const { tokens } = parseArgs({
    args: [...args],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(
      Object.entries(known).map(([name, kind]) => [
        name,
        { type: kind === 'flag' ? ('boolean' as const) : ('string' as const) },
      ]),
    ),
  });
  const values = new Map<string, string>();
  const found: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') found.push(token.value);
    if (token.kind !== 'option') continue;
    if (!token.rawName.startsWith('--') || !Object.hasOwn(known, token.name)) {
      throw new InputError(
        `unknown option ${token.rawName}${suggestion(
          token.rawName,
          Object.keys(known).map((name) => `--${name}`),
        )}`,
      );
    }
    if (known[token.name] === 'text' && token.value === undefined)
      throw new InputError(`${token.rawName} needs a value`);
    if (known[token.name] === 'flag' && token.value !== undefined)
      throw new InputError(`${token.rawName} takes no value, but was given "${token.value}"`);
    if (token.value === '') throw new InputError(`${token.rawName} is empty; it needs a value`);
    if (values.has(token.name)) throw new InputError(`${token.rawName} is given twice`);
    values.set(token.name, token.value ?? '');
  }
  const many = positionals.at(-1)?.endsWith('...') ?? false;
  if (found.length > positionals.length && !many)
    throw new InputError(`"${found[positionals.length]}" is one argument too many`);
  if (found.length < positionals.length) throw new InputError(`${positionals[found.length]} is missing`);

  const number = (name: string, least = -Infinity): number | undefined => {
    const text = values.get(name);
    if (text === undefined) return undefined;
    const value = text.trim() === '' ? NaN : Number(text);
    if (!Number.isFinite(value)) throw new InputError(`--${name} is "${text}"; expected a number`);
    if (value < least) throw new InputError(`--${name} is ${text}; expected at least ${least}`);
    return value;
  };
  return {
    positionals: found,
    has: (name) => values.has(name),
    text: (name) => values.get(name),
    required(name) {
      const value = values.get(name);
      if (value === undefined) throw new InputError(`--${name} is missing`);
      return value;
    },
    number,
    integer(name, least, most = Number.MAX_SAFE_INTEGER) {
      const value = number(name);
      if (value !== undefined && !(Number.isSafeInteger(value) && value >= least && value <= most)) {
        throw new InputError(
          `--${name} is ${values.get(name)}; expected a whole number from ${least} ${most === Number.MAX_SAFE_INTEGER ? 'on' : `to ${most}`}`,
        );
      }
      return value;
    },
    choice(name, choices) {
      const value = values.get(name);
      if (value === undefined) return undefined;
      const chosen = choices.find((candidate) => candidate === value);
      if (chosen === undefined)
        throw new InputError(`--${name} is "${value}"; expected ${choices.join(', ')}${suggestion(value, choices)}`);
      return chosen;
    },
    list: (name) =>
      values
        .get(name)
        ?.split(',')
        .map((part) => part.trim()),
  };
}

/** `; did you mean "…"?` when a known name is near, else nothing. */
export function suggestion(found: string, known: readonly string[]): string {
  const [nearest] = known
    .map((name) => ({ name, distance: editDistance(found, name) }))
    .sort((a, b) => a.distance - b.distance);
  return nearest && nearest.distance <= Math.max(2, found.length / 3) ? `; did you mean "${nearest.name}"?` : '';
}

/** How many letters must be changed, added or removed (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length];
}
