/** Reading the options of a command: strict, and with a hint where one is misspelt. */
import { parseArgs } from 'node:util';
import { InputError } from '../tensor/errors.ts';

/**
 * The options that a command takes, by name: `text` takes a value, `number` one that is a number, `any text` also an
 * empty one, `texts` is one such that may be given several times, `flag` takes none.
 */
export type OptionKinds = Readonly<Record<string, 'text' | 'number' | 'any text' | 'texts' | 'flag'>>;

/** The options of every command. */
export const commonOptions: OptionKinds = { help: 'flag', json: 'flag', quiet: 'flag', 'log-file': 'text' };

/**
 * The names of the arguments that are no options, in order; one in brackets may be missing, and of a last one that ends
 * in ... there may be many.
 */
type Names = readonly string[];

/** What a command was given. All of these throw an InputError for values that are not as they should be. */
export interface ParsedOptions<Positionals extends Names = Names> {
  /** The arguments that are no options, one for each name. */
  readonly positionals: {
    readonly [At in keyof Positionals]: Positionals[At] extends `[${string}` ? string | undefined : string;
  };
  has(name: string): boolean;
  text(name: string): string | undefined;
  /** All values of one that may be given several times, in order. */
  texts(name: string): readonly string[];
  /** Throws an InputError when it is missing. @param hint what it would be */
  required(name: string, hint?: string): string;
  /** A finite number, at least `least`. */
  number(name: string, least?: number): number | undefined;
  /** A whole number from `least` to `most`. */
  integer(name: string, least: number, most?: number): number | undefined;
  choice<T extends string>(name: string, choices: readonly T[]): T | undefined;
  /** All that was given, by option. */
  given(): Readonly<Record<string, readonly string[]>>;
  /** The parts between commas, without the spaces around them. */
  list(name: string): readonly string[] | undefined;
}

/**
 * What the arguments of a command say.
 * @throws InputError for unknown options, missing and superfluous values
 */
export function readOptions<const Positionals extends Names = []>(
  args: readonly string[],
  kinds: OptionKinds,
  positionals?: Positionals,
): ParsedOptions<Positionals> {
  const known: OptionKinds = { ...kinds, ...commonOptions };
  const values = new Map<string, string[]>();
  const found: string[] = [];
  for (const token of tokensOf(args, known)) {
    if (token.kind === 'positional') found.push(token.value);
    if (token.kind !== 'option') continue;
    checkOption(token, known);
    const earlier = values.get(token.name) ?? [];
    if (earlier.length > 0 && known[token.name] !== 'texts') throw new InputError(`${token.rawName} is given twice`);
    values.set(token.name, [...earlier, token.value ?? '']);
  }
  checkPositionals(found, positionals ?? []);
  // There are as many as there are names, and more only where the last name says so.
  return { positionals: found as ParsedOptions<Positionals>['positionals'], ...valuesOf(values) };
}

/** The arguments, each with what it is taken for. */
function tokensOf(args: readonly string[], known: OptionKinds): NonNullable<ReturnType<typeof parseArgs>['tokens']> {
  return parseArgs({
    args: [...args],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(
      Object.entries(known).map(([name, kind]) => [name, { type: kind === 'flag' ? 'boolean' : 'string' } as const]),
    ),
  }).tokens;
}

/**
 * What the options of every command say, before the command itself has checked them.
 * @param kinds the command's own options
 */
export function readCommon(
  args: readonly string[],
  kinds: OptionKinds,
): { readonly quiet: boolean; readonly logFile: string | undefined } {
  const tokens = tokensOf(args, { ...kinds, ...commonOptions }).filter((token) => token.kind === 'option');
  return {
    quiet: tokens.some(({ name }) => name === 'quiet'),
    logFile: tokens.find(({ name }) => name === 'log-file')?.value || undefined,
  };
}

interface OptionToken {
  readonly name: string;
  /** As it was given, with its dashes. */
  readonly rawName: string;
  readonly value: string | undefined;
}

function checkOption({ name, rawName, value }: OptionToken, known: OptionKinds): void {
  if (!rawName.startsWith('--') || !Object.hasOwn(known, name)) {
    const names = Object.keys(known).map((one) => `--${one}`);
    throw new InputError(`unknown option ${rawName}${suggestion(rawName, names)}`);
  }
  if (known[name] !== 'flag' && value === undefined) throw new InputError(`${rawName} needs a value`);
  if (known[name] === 'flag' && value !== undefined)
    throw new InputError(`${rawName} takes no value, but was given "${value}"`);
  const mayBeEmpty = known[name] === 'any text' || known[name] === 'texts';
  if (value === '' && !mayBeEmpty) throw new InputError(`${rawName} is empty; it needs a value`);
  if (known[name] === 'number') numberIn(name, value ?? '');
}

function numberIn(name: string, text: string): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (!Number.isFinite(value)) throw new InputError(`--${name} is "${text}"; expected a number`);
  return value;
}

function checkPositionals(found: readonly string[], names: Names): void {
  const [missing] = names.slice(found.length);
  if (missing !== undefined && !missing.startsWith('[')) throw new InputError(`${missing} is missing`);
  const [superfluous] = found.slice(names.length);
  const maybeMany = names.at(-1)?.endsWith('...') ?? false;
  if (superfluous !== undefined && !maybeMany) throw new InputError(`"${superfluous}" is one argument too many`);
  const empty = found.indexOf('');
  if (empty >= 0) throw new InputError(`${names[empty] ?? names.at(-1)} is empty; it needs a value`);
}

function valuesOf(all: ReadonlyMap<string, readonly string[]>): Omit<ParsedOptions, 'positionals'> {
  const values = new Map([...all].flatMap(([name, [value]]) => (value === undefined ? [] : [[name, value] as const])));
  const number = (name: string, least = -Infinity): number | undefined => {
    const text = values.get(name);
    if (text === undefined) return undefined;
    const value = numberIn(name, text);
    if (value < least) throw new InputError(`--${name} is ${text}; expected at least ${least}`);
    return value;
  };
  return {
    has: (name) => values.has(name),
    text: (name) => values.get(name),
    texts: (name) => all.get(name) ?? [],
    given: () => Object.fromEntries(all),
    required(name, hint) {
      const value = values.get(name);
      if (value === undefined) throw new InputError(`--${name} is missing${hint === undefined ? '' : `; ${hint}`}`);
      return value;
    },
    number,
    integer(name, least, most = Number.MAX_SAFE_INTEGER) {
      const value = number(name);
      if (value === undefined || (Number.isSafeInteger(value) && value >= least && value <= most)) return value;
      const upTo = most === Number.MAX_SAFE_INTEGER ? 'on' : `to ${most}`;
      throw new InputError(`--${name} is ${values.get(name)}; expected a whole number from ${least} ${upTo}`);
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

/**
 * Refuses options that do nothing.
 * @param where as `with --prompt`
 * @throws InputError that names the first of them that is given
 */
export function refuseIdle(options: Pick<ParsedOptions, 'has'>, names: readonly string[], where: string): void {
  const idle = names.find((name) => options.has(name));
  if (idle !== undefined) throw new InputError(`--${idle} has no effect ${where}; leave it out`);
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
  // From what there is of a so far, to each beginning of b.
  let distances = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 0; i < a.length; i++) {
    const [empty = 0, ...above] = distances;
    let corner = empty;
    let left = empty + 1;
    const row = above.map((distance, j) => {
      left = Math.min(left + 1, distance + 1, corner + (a[i] === b[j] ? 0 : 1));
      corner = distance;
      return left;
    });
    distances = [empty + 1, ...row];
  }
  return distances.at(-1) ?? 0;
}
