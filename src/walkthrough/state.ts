/**
 * What the reader has chosen. It is one value, and all of it lives in the URL, so a link shows what its sender sees.
 */
import { faultNames, type FaultName, type KernelChoice } from './protocol.ts';
import { longestWord, side, stepCount } from './study.ts';
import { hushCells } from './work/hush.ts';
import { blank, isInk, scrawl, type Ink } from './work/own.ts';
import { toySteps } from './work/toy.ts';

/** What the reader has chosen. */
export interface State {
  /** The letters that are drawn, A–Z. */
  readonly word: string;
  /** The noise: the seed of `torch.manual_seed`. */
  readonly seed: number;
  /** Which letter of the word the sections look at, from 0. */
  readonly letter: number;
  /** How many steps have been taken, 0 (noise) to `stepCount`; until it is chosen, each section has its own. */
  readonly step: number | undefined;
  /** Whether the run that is scrubbed through is guided. */
  readonly guided: boolean;
  /** The attention layer that section 2 looks into, by its place among all, and the head. */
  readonly layer: number;
  readonly head: number;
  /** The pixel that asks: column and row. */
  readonly pixel: readonly [number, number];
  /** Whose attention map is flipped to the identity. */
  readonly flip: 'none' | 'layer' | 'all';
  /** s of PAG and g of classifier-free guidance in the plane of section 3. */
  readonly plane: readonly [number, number];
  /** s in the world of two numbers, and the step whose arrows are shown. */
  readonly toyScale: number;
  readonly toyStep: number;
  /** s of the first figure, of section 4, and of section 5. */
  readonly heroScale: number;
  readonly scale: number;
  readonly layersScale: number;
  /** Whether section 4 asks for a letter. */
  readonly asked: boolean;
  /** The layers that section 5 perturbs, by their places. */
  readonly layers: readonly number[];
  /** The mistake of the broken port. */
  readonly fault: FaultName;
  readonly kernels: KernelChoice;
  /** The places that no pixel may hear, by the numbers of their cells. */
  readonly hushed: readonly number[];
  /** The letter that the reader has drawn, and how many steps are taken from where it is buried. */
  readonly own: Ink;
  readonly burial: number;
  /** The shape that a model of points learns, the one that the reader has drawn, and s of PAG on it. */
  readonly lesson: 'spiral' | 'moons' | 'letter' | 'own';
  readonly sketch: Ink;
  readonly lessonScale: number;
  /** s of PAG on the model that learns letters. */
  readonly lettersScale: number;
  /** What the text model is asked for, with which g of CFG and s of PAG. */
  readonly prompt: string;
  readonly promptScales: readonly [number, number];
}

/** What a reader sees first. */
export const initialState: State = {
  word: 'PAGE',
  seed: 0,
  letter: 3,
  step: undefined,
  guided: false,
  layer: 2,
  head: 2,
  pixel: [20, 9],
  flip: 'none',
  plane: [3, 1],
  toyScale: 1,
  toyStep: 16,
  heroScale: 1,
  scale: 1,
  layersScale: 1,
  asked: true,
  layers: [2],
  fault: 'attention-scale-missing',
  kernels: 'fast',
  hushed: [],
  own: scrawl,
  burial: 10,
  lesson: 'spiral',
  sketch: blank,
  lessonScale: 1,
  lettersScale: 1,
  prompt: 'a bold italic letter G',
  promptScales: [3, 1],
};

/** How one field is written in the URL, and read: undefined for text that is no value of it. */
interface Field<T> {
  write(value: T): string;
  read(text: string): T | undefined;
}

const numberIn = (least: number, most: number, whole = true): Field<number> => ({
  write: String,
  read(text) {
    // Adding 0 makes 0 of −0, which is written as 0.
    const value = text.trim() === '' ? NaN : Number(text) + 0;
    return value >= least && value <= most && (!whole || Number.isInteger(value)) ? value : undefined;
  },
});
const optional = <T>(field: Field<T>): Field<T | undefined> => ({
  write: (value) => (value === undefined ? '' : field.write(value)),
  read: (text) => field.read(text),
});
const oneOf = <T extends string>(...values: readonly T[]): Field<T> => ({
  write: (value) => value,
  read: (text) => values.find((value) => value === text),
});
const flag: Field<boolean> = {
  write: (value) => (value ? 'yes' : 'no'),
  read(text) {
    if (text === 'yes') return true;
    return text === 'no' ? false : undefined;
  },
};
/** Numbers, each run of those that follow one another by its first and last: `2,8-11`. */
const listOf = (item: Field<number>): Field<readonly number[]> => ({
  write: (values) =>
    runsOf(values)
      .map(([first, last]) => (first === last ? item.write(first) : `${item.write(first)}-${item.write(last)}`))
      .join(','),
  read(text) {
    const values = (text === '' ? [] : text.split(',')).flatMap((part): readonly (number | undefined)[] => {
      const ends = part.split('-').map((end) => item.read(end));
      const [first, last] = [ends[0], ends.at(-1)];
      const isRun = first !== undefined && last !== undefined && first <= last && ends.length <= 2;
      return isRun ? between(first, last) : [undefined];
    });
    return values.some((value) => value === undefined) ? undefined : (values as number[]);
  },
});
const pair = (first: Field<number>, second: Field<number>): Field<readonly [number, number]> => ({
  write: ([a, b]) => `${first.write(a)},${second.write(b)}`,
  read(text) {
    const [a = '', b = '', ...more] = text.split(',');
    const [readA, readB] = [first.read(a), second.read(b)];
    return readA === undefined || readB === undefined || more.length > 0 ? undefined : [readA, readB];
  },
});

/** Ink, each long run of paper by its length: `z60z`. */
const inkField: Field<Ink> = {
  write: (ink) => ink.replace(/0{4,}/g, ({ length }) => `z${length}z`),
  read(text) {
    const ink = text.replace(/z(\d{1,3})z/g, (_, length) => '0'.repeat(Number(length)));
    return isInk(ink) ? ink : undefined;
  },
};

/** Self-attention layers of the letters model. */
export const attentionLayerCount = 7;
/** The largest s of PAG that can be chosen. */
export const largestScale = 10;
/** The scales that the plane of section 3 shows. */
export const planeRange: { readonly s: readonly [number, number]; readonly g: readonly [number, number] } = {
  s: [-1, 10],
  g: [0, 3],
};

/** From how few steps to how many are left where the reader's own letter is buried. */
export const burialRange = [4, 18] as const;

/** The largest g and s that the text model is asked with. */
export const mostPromptScales = [10, 4] as const;
/** So many characters of a prompt are taken: more than the text model reads. */
export const longestPrompt = 200;

/** The largest s with which a model draws that the reader has trained. */
export const mostLessonScale = 4;

/** The largest s in the world of two numbers. */
export const mostToyScale = 8;

const fields: { readonly [K in keyof State]: Field<State[K]> } = {
  word: { write: (value) => value, read: (text) => readWord(text) },
  seed: numberIn(0, 4294967295),
  letter: numberIn(0, longestWord - 1),
  step: optional(numberIn(0, stepCount)),
  guided: flag,
  layer: numberIn(0, attentionLayerCount - 1),
  head: numberIn(0, 5),
  pixel: pair(numberIn(0, side - 1), numberIn(0, side - 1)),
  flip: oneOf('none', 'layer', 'all'),
  plane: pair(numberIn(...planeRange.s, false), numberIn(...planeRange.g, false)),
  toyScale: numberIn(0, mostToyScale, false),
  toyStep: numberIn(0, toySteps - 1),
  heroScale: numberIn(0, largestScale, false),
  scale: numberIn(0, largestScale, false),
  layersScale: numberIn(0, largestScale, false),
  asked: flag,
  layers: listOf(numberIn(0, attentionLayerCount - 1)),
  fault: oneOf(...faultNames),
  kernels: oneOf('fast', 'plain'),
  hushed: listOf(numberIn(0, hushCells ** 2 - 1)),
  own: inkField,
  burial: numberIn(...burialRange),
  lesson: oneOf('spiral', 'moons', 'letter', 'own'),
  sketch: inkField,
  lessonScale: numberIn(0, mostLessonScale, false),
  lettersScale: numberIn(0, mostLessonScale, false),
  prompt: { write: encodeURIComponent, read: readPrompt },
  promptScales: pair(numberIn(1, mostPromptScales[0], false), numberIn(0, mostPromptScales[1], false)),
};
const names = Object.keys(fields) as (keyof State)[];

/** The letters A–Z of a text, in capitals, no more than fit; undefined when there are none. */
export function readWord(text: string): string | undefined {
  return (
    text
      .toUpperCase()
      .replace(/[^A-Z]/g, '')
      .slice(0, longestWord) || undefined
  );
}

/** A text as a prompt: on one line, no longer than is taken, without halves of characters. */
export function readPrompt(text: string): string {
  const line = text.replace(/\s+/gu, ' ').replace(/\p{Surrogate}/gu, '');
  return [...line].slice(0, longestPrompt).join('');
}

/** `seed=7&step=3`: what differs from the initial state. */
export function writeState(state: State): string {
  const write = <K extends keyof State>(name: K, from: State): string => fields[name].write(from[name]);
  return names
    .filter((name) => write(name, state) !== write(name, initialState))
    .map((name) => `${name}=${write(name, state)}`)
    .join('&');
}

/** What a URL says. A part that is missing or makes no sense is as in the initial state. */
export function readState(text: string): State {
  const given = new URLSearchParams(text);
  const read = <K extends keyof State>(name: K): State[K] => {
    const value = given.get(name);
    return (value === null ? undefined : fields[name].read(value)) ?? initialState[name];
  };
  const state = Object.fromEntries(names.map((name) => [name, read(name)])) as unknown as State;
  return consistent(state);
}

/** The letter under study. */
export function letterOf({ word, letter }: State): string {
  return word.charAt(letter);
}

/** The first and the last of each run of numbers that follow one another. */
function runsOf(numbers: readonly number[]): readonly (readonly [number, number])[] {
  const firsts = numbers.filter((number, i) => numbers[i - 1] !== number - 1);
  const lasts = numbers.filter((number, i) => numbers[i + 1] !== number + 1);
  return firsts.map((first, i) => [first, lasts[i] ?? first]);
}

/** All whole numbers from the first to the last, which is no less. */
function between(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** Each number once, from the least to the most. */
function ordered(numbers: readonly number[]): readonly number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}

/** The state with a letter under study that is one of the word, and neither layer nor cell named twice. */
export function consistent(state: State): State {
  return {
    ...state,
    letter: Math.min(state.letter, state.word.length - 1),
    layers: ordered(state.layers),
    hushed: ordered(state.hushed),
  };
}
