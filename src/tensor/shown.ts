/** What messages show, in a few words. */

/** A value as messages show it: a text in quotes, a tensor by its shape, an object by its keys. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `"${value}"`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return `[${cut(value.map((entry) => (Array.isArray(entry) ? '[…]' : shown(entry))))}]`;
  if ('dtype' in value && 'shape' in value) return `a tensor of shape ${shown(value.shape)}`;
  const { name = 'Object' } = (value.constructor ?? {}) as { readonly name?: string };
  const keys = Object.keys(value);
  if (name !== 'Object') return `a ${name}`;
  return keys.length === 0 ? '{}' : `{ ${cut(keys)} }`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(parts: readonly string[]): string {
  const [before, last = ''] = [parts.slice(0, -1), parts.at(-1)];
  return before.length === 0 ? last : `${before.join(', ')} and ${last}`;
}

/** `1 tap`, `2 taps`: so many of what has an s. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** The first of some words. */
function cut(words: readonly string[]): string {
  return words.length > most ? `${words.slice(0, most).join(', ')}, …` : words.join(', ');
}

const most = 8;
