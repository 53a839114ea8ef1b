/**
 * CLIP's tokenizer (`transformers.CLIPTokenizer`): a text in small letters is cut into words, numbers and signs, each
 * is spelled in bytes, and neighbouring pieces are merged, the earliest learnt pair first (byte-pair encoding).
 */
import { InputError } from '../tensor/errors.ts';

/** What a tokenizer has learnt, and what it is told of the model that it serves. */
export interface ClipVocabulary {
  /** The number of each token, as `vocab.json` has them. */
  readonly vocab: Readonly<Record<string, number>>;
  /** Pairs in the order in which they were learnt, as `merges.txt` has them: two pieces with a space between. */
  readonly merges: readonly string[];
  /** How long texts are made, in tokens, with those that begin and end them. */
  readonly length: number;
  /** What begins a text, ends it, fills it up, and stands for what is unknown; CLIP's own unless given. */
  readonly special?: Partial<SpecialTokens>;
}

/** Tokens that are no part of a text. */
export interface SpecialTokens {
  readonly bos: string;
  readonly eos: string;
  readonly pad: string;
  readonly unk: string;
}

/** A text as a model takes it. */
export interface Tokens {
  /** As many as the tokenizer's length. */
  readonly ids: readonly number[];
  /** By name, without what fills it up. */
  readonly tokens: readonly string[];
  /** What was cut off because the text is too long, in small letters; empty when nothing was. */
  readonly cut: string;
}

/** Makes tokens of a text. */
export type Tokenizer = (text: string) => Tokens;

const clipSpecial: SpecialTokens = {
  bos: '<|startoftext|>',
  eos: '<|endoftext|>',
  pad: '<|endoftext|>',
  unk: '<|endoftext|>',
};

/** The end of a word, as part of its last piece. */
const wordEnd = '</w>';

/**
 * A tokenizer from what it has learnt.
 * @throws InputError when a special token is not in the vocabulary, a line of merges is no pair, or makes no token
 */
export function clipTokenizer({ vocab, merges, length, special: changed }: ClipVocabulary): Tokenizer {
  if (!Number.isInteger(length) || length < 2)
    throw new InputError(`a text has ${length} tokens; it must have at least 2, which begin and end it`);
  const special = { ...clipSpecial, ...changed };
  const idOf = (token: string): number | undefined => (Object.hasOwn(vocab, token) ? vocab[token] : undefined);
  const known = (token: string): number => {
    const id = idOf(token);
    if (id === undefined) throw new InputError(`the vocabulary has no ${JSON.stringify(token)}`);
    return id;
  };
  const ids = { bos: known(special.bos), eos: known(special.eos), pad: known(special.pad), unk: known(special.unk) };
  const ranks = ranksOf(merges);
  const encode = (piece: string): readonly string[] => merged(spelled(piece), ranks);
  // Where texts are filled up with "!", as in Stable Diffusion 2 and XL, so is a "!" in a prompt.
  const spelledOut = anyOf(Object.values(special));

  return (text) => {
    const pieces = piecesOf(text, spelledOut);
    const all = pieces.flatMap((piece) => (piece.isSpecial ? [piece.text] : encode(piece.text)));
    const kept = all.slice(0, length - 2).map((token) => (idOf(token) === undefined ? special.unk : token));
    const tokens = [special.bos, ...kept, special.eos];
    const filled = Array.from({ length: length - tokens.length }, () => ids.pad);
    return {
      ids: [...tokens.map((token) => idOf(token) ?? ids.unk), ...filled],
      tokens,
      cut: readable(all.slice(length - 2)),
    };
  };
}

/** What Unicode calls white space. JavaScript's \s lacks the next line, and has the byte-order mark. */
const space = '[\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const spaces = new RegExp(`${space}+`, 'gu');
/** Endings of English words, words, single digits, and runs of signs. */
const words = /'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^ \p{L}\p{N}]+/gu;

interface Piece {
  readonly text: string;
  readonly isSpecial: boolean;
}

/** The text in pieces, each to be encoded by itself; special tokens that are spelled out in it are what they say. */
function piecesOf(text: string, special: RegExp): readonly Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const { 0: token, index } of text.matchAll(special)) {
    for (const piece of plainPieces(text.slice(end, index))) pieces.push(piece);
    pieces.push({ text: token, isSpecial: true });
    end = index + token.length;
  }
  return pieces.concat(plainPieces(text.slice(end)));
}

/** Finds any of the texts, the longest where several begin. */
function anyOf(texts: readonly string[]): RegExp {
  const longestFirst = [...new Set(texts)].sort((a, b) => b.length - a.length);
  return new RegExp(longestFirst.map((text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|'), 'gu');
}

function plainPieces(text: string): readonly Piece[] {
  const one = text.normalize('NFC').replace(spaces, ' ');
  // Letter by letter, so that a sigma at the end of a word is a sigma like any other.
  const small = [...one].map((letter) => letter.toLowerCase()).join('');
  return [...small.matchAll(words)].map(([piece]) => ({ text: piece, isSpecial: false }));
}

/** The letter that stands for each byte: printable ones for themselves, the others for those from U+0100 on. */
const letters: readonly string[] = byteLetters();

function byteLetters(): readonly string[] {
  const isPrintable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : next++));
}

/** The bytes of a word in UTF-8 as letters, the last with the end of the word. */
function spelled(piece: string): readonly string[] {
  const bytes = [...new TextEncoder().encode(piece)].map((byte) => letters[byte] ?? '');
  return bytes.map((letter, i) => (i === bytes.length - 1 ? letter + wordEnd : letter));
}

/** What tokens spell, for messages. */
function readable(tokens: readonly string[]): string {
  const text = tokens.join('').replaceAll(wordEnd, ' ').trim();
  const bytes = [...text].map((letter) => (letter === ' ' ? 0x20 : letters.indexOf(letter)));
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

/** When each pair was learnt. */
function ranksOf(merges: readonly string[]): ReadonlyMap<string, number> {
  return new Map(
    merges.map((line, rank) => {
      const parts = line.split(' ');
      if (parts.length !== 2 || parts.includes(''))
        throw new InputError(
          `in merges.txt, or tokenizer.json, merge ${rank} is ${JSON.stringify(line)}; ` +
            'expected two pieces with a space between',
        );
      return [line, rank];
    }),
  );
}

/** The pieces with every pair merged that was learnt: the earliest learnt first, wherever it stands, from the left. */
function merged(pieces: readonly string[], ranks: ReadonlyMap<string, number>): readonly string[] {
  let joined = pieces;
  for (;;) {
    const found = joined.map((piece, i) => ranks.get(`${piece} ${joined[i + 1]}`) ?? Infinity);
    const earliest = found.reduce((least, rank) => Math.min(least, rank), Infinity);
    if (earliest === Infinity) return joined;
    joined = joinedWhere(joined, (i) => found[i] === earliest);
  }
}

/** Each piece that `joins` its neighbour made one with it; one that is joined already joins no other. */
function joinedWhere(pieces: readonly string[], joins: (place: number) => boolean): readonly string[] {
  const out: string[] = [];
  for (let i = 0; i < pieces.length; ) {
    const next = i + (joins(i) ? 2 : 1);
    out.push(pieces.slice(i, next).join(''));
    i = next;
  }
  return out;
}
