/**
 * JSON that was not made here: read strictly, so that two readers cannot understand it differently. An object that
 * names a key twice is refused; `JSON.parse` alone would keep the last and say nothing.
 */
import { InputError } from '../tensor/errors.ts';
import { recognise } from './recognise.ts';

/** Deeper nesting is refused before it can exhaust the stack. */
const deepest = 64;

/**
 * No config is as large as this, and no header: it is enough for the names of 100,000 tensors. Parsed, text takes many
 * times its size.
 */
export const longestJson = 2 ** 24;

/**
 * The value of a JSON text.
 * @param source the file's name, for messages
 * @param infinities whether Infinity and -Infinity are numbers: Python's json writes them, and so diffusers into its
 *   configs
 * @throws InputError when the bytes are too many, no UTF-8, no JSON, nested too deeply, or name a key twice
 */
export function parseJson(bytes: Uint8Array, source: string, infinities = false): unknown {
  if (bytes.length > longestJson)
    throw new InputError(`${source} has ${bytes.length} bytes; at most ${longestJson} are read`);
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf)
    throw new InputError(`${source} begins with a byte order mark, which JSON has not; save it as UTF-8 without a BOM`);
  const what = beginsAsJson(bytes) ? undefined : recognise(bytes);
  if (what !== undefined) throw new InputError(`${source} ${what}`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new InputError(`${source} is not UTF-8 text`);
  }
  checkStructure(text, source);
  try {
    return JSON.parse(infinities ? withInfinities(text) : text);
  } catch (error) {
    // Engines quote the text, with its ends of lines.
    const reason = (error as Error).message.replace(/\s+/g, ' ').slice(0, 120);
    throw new InputError(`${source} is not JSON: ${reason}`);
  }
}

/** A value as JSON, to be read by people, too. Numbers that JSON does not have are texts: "NaN", "Infinity". */
export function jsonText(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, inner: unknown) => (typeof inner === 'number' && !Number.isFinite(inner) ? String(inner) : inner),
    1,
  );
}

/** Whether the first character that is no space is one of JSON's brackets or a quotation mark. */
function beginsAsJson(bytes: Uint8Array): boolean {
  const first = bytes.find((byte) => byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09);
  return first === 0x7b || first === 0x5b || first === 0x22;
}

/** The text with 1e999, which JSON.parse reads as ∞, for each Infinity that stands in no string. */
function withInfinities(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|\bInfinity\b/gs, (found) => (found === 'Infinity' ? '1e999' : found));
}

/** Walks over strings and brackets; anything else is left to JSON.parse. */
function checkStructure(text: string, source: string): void {
  const open: (Set<string> | undefined)[] = [];
  let expectsKey = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '"') {
      const end = endOfString(text, i);
      const keys = open.at(-1);
      if (expectsKey && keys) {
        const key = unescaped(text.slice(i, end + 1));
        if (keys.has(key)) throw new InputError(`${source} names the key ${key.slice(0, 80)} twice`);
        keys.add(key);
      }
      expectsKey = false;
      i = end;
    } else if (character === '{' || character === '[') {
      open.push(character === '{' ? new Set() : undefined);
      expectsKey = character === '{';
      if (open.length > deepest) throw new InputError(`${source} is nested more than ${deepest} levels deep`);
    } else if (character === '}' || character === ']') {
      open.pop();
    } else if (character === ',') {
      expectsKey = open.at(-1) !== undefined;
    }
  }
}

/** Two spellings of one key are one key. What is no valid string is left for JSON.parse to refuse. */
function unescaped(quoted: string): string {
  try {
    return JSON.stringify(JSON.parse(quoted));
  } catch {
    return quoted;
  }
}

function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '"') return i;
  }
  return text.length;
}
