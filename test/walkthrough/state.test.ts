import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  consistent,
  initialState,
  readPrompt,
  readState,
  readWord,
  writeState,
  type State,
} from '../../src/walkthrough/state.ts';
import { faultNames } from '../../src/walkthrough/protocol.ts';
import { stepCount } from '../../src/walkthrough/study.ts';
import { blank, penned } from '../../src/walkthrough/work/own.ts';
import { toySteps } from '../../src/walkthrough/work/toy.ts';

const scale = fc.integer({ min: 0, max: 40 }).map((quarters) => quarters / 4);
const layer = fc.integer({ min: 0, max: 6 });
const pixel = fc.integer({ min: 0, max: 31 });

const states: fc.Arbitrary<State> = fc
  .record({
    word: fc.stringMatching(/^[A-Z]{1,6}$/),
    seed: fc.nat(),
    letter: fc.integer({ min: 0, max: 5 }),
    step: fc.option(fc.integer({ min: 0, max: stepCount }), { nil: undefined }),
    guided: fc.boolean(),
    layer,
    head: fc.integer({ min: 0, max: 5 }),
    pixel: fc.tuple(pixel, pixel),
    flip: fc.constantFrom('none', 'layer', 'all'),
    plane: fc.tuple(scale, fc.constantFrom(0, 0.5, 1, 2.9, 3)),
    toyScale: fc.integer({ min: 0, max: 32 }).map((quarters) => quarters / 4),
    toyStep: fc.integer({ min: 0, max: toySteps - 1 }),
    heroScale: scale,
    scale,
    layersScale: scale,
    asked: fc.boolean(),
    layers: fc.array(layer),
    fault: fc.constantFrom(...faultNames),
    kernels: fc.constantFrom('fast', 'plain'),
    hushed: fc.array(fc.integer({ min: 0, max: 63 })),
    own: fc.constantFrom(initialState.own, blank, penned(blank, [3, 4])),
    burial: fc.integer({ min: 4, max: 18 }),
    lesson: fc.constantFrom('spiral', 'moons', 'letter', 'own'),
    sketch: fc.constantFrom(blank, penned(blank, [3, 4])),
    lessonScale: fc.integer({ min: 0, max: 16 }).map((quarters) => quarters / 4),
    lettersScale: fc.integer({ min: 0, max: 16 }).map((quarters) => quarters / 4),
    prompt: fc.string({ unit: 'grapheme' }).map(readPrompt),
    promptScales: fc.tuple(fc.constantFrom(1, 3, 10), fc.constantFrom(0, 0.75, 4)),
  } satisfies { [K in keyof State]: fc.Arbitrary<State[K]> })
  .map(consistent);

describe('the state in the URL', () => {
  it('comes back as it was written', () => {
    fc.assert(
      fc.property(states, (state) => {
        expect(readState(writeState(state))).toEqual(state);
      }),
    );
  });

  it('is empty for what a reader sees first', () => {
    expect(writeState(initialState)).toBe('');
    expect(readState('')).toEqual(initialState);
  });

  it('takes any text without harm', () => {
    const names = Object.keys(initialState);
    const wild = fc
      .array(fc.tuple(fc.constantFrom(...names, 'other'), fc.string()))
      .map((parts) => parts.map(([name, text]) => `${name}=${encodeURIComponent(text)}`).join('&'));
    fc.assert(
      fc.property(wild, (text) => {
        const state = readState(text);
        // What was read is a state that can be written and read again.
        expect(readState(writeState(state))).toEqual(state);
        expect(state.letter).toBeLessThan(state.word.length);
        expect(state.step ?? 0).toBeLessThanOrEqual(stepCount);
      }),
    );
  });

  it('takes −0 for 0, as it writes it', () => {
    for (const name of ['seed', 'step', 'scale'] as const)
      expect(Object.is(readState(`${name}=-0`)[name], 0)).toBe(true);
    expect(readState('plane=-0,-0').plane).toEqual([0, 0]);
  });

  it('ignores a value that is out of range, and keeps the others', () => {
    expect(readState('step=21&seed=7')).toEqual({ ...initialState, seed: 7 });
    expect(readState('layers=3,9&asked=no')).toEqual({ ...initialState, asked: false });
  });

  it('names no layer twice, and all in order', () => {
    expect(readState('layers=5,1,5,0').layers).toEqual([0, 1, 5]);
    expect(writeState({ ...initialState, layers: readState('layers=2,0').layers })).toBe('layers=0,2');
  });

  it('is short: runs of numbers, and paper without ink, by where they end', () => {
    const hushed = Array.from({ length: 64 }, (_, cell) => cell);
    expect(writeState({ ...initialState, hushed })).toBe('hushed=0-63');
    expect(writeState({ ...initialState, hushed: [2, 5, 6, 9] })).toBe('hushed=2,5-6,9');
    expect(writeState({ ...initialState, own: blank })).toBe(`own=z${blank.length}z`);
    expect(readState(`own=z${blank.length - 2}z1f`).own).toBe(`${blank.slice(2)}1f`);
    for (const broken of ['hushed=0-64', 'hushed=1-2-3', 'layers=4-2', 'hushed=-', 'hushed=4-', 'own=z9z', 'own=z999z'])
      expect(readState(broken), broken).toEqual(initialState);
  });

  it('takes a prompt on one line, whole characters only, and no longer than is taken', () => {
    expect(readPrompt('a\n bold\tG')).toBe('a bold G');
    expect(readPrompt('\ud800G')).toBe('G');
    expect([...readPrompt('𝔊'.repeat(300))]).toHaveLength(200);
    expect(readState(writeState({ ...initialState, prompt: '100 % & #' })).prompt).toBe('100 % & #');
  });

  it('reads letters only', () => {
    expect(readWord('page 1: go!')).toBe('PAGEGO');
    expect(readWord('12')).toBeUndefined();
    expect(readWord('abcdefgh')).toBe('ABCDEF');
  });
});
