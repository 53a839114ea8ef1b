import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/tensor/errors.ts';

describe('an InputError', () => {
  it('has a name, and is an Error', () => {
    const error = new InputError('what, where, and the way out');
    expect([error.name, error.message, String(error)]).toEqual([
      'InputError',
      'what, where, and the way out',
      'InputError: what, where, and the way out',
    ]);
    expect(error).toBeInstanceOf(Error);
  });

  it.each([
    ['a line feed', '\n', '\\u000a'],
    ['a carriage return', '\r', '\\u000d'],
    ['an escape, which commands a terminal', '\u001b[2J', '\\u001b[2J'],
    ['a control character of Latin-1', '\u009b', '\\u009b'],
    ['a line separator', '\u2028', '\\u2028'],
    ['a paragraph separator', '\u2029', '\\u2029'],
    ['text turned round', '\u202ecod.exe', '\\u202ecod.exe'],
    ['an isolate that turns text', '\u2066', '\\u2066'],
  ])('shows %s as an escape', (_what, found, shown) => {
    expect(new InputError(`the file is called "${found}"`).message).toBe(`the file is called "${shown}"`);
  });

  it('leaves all other text as it is: letters of all scripts, signs, spaces', () => {
    const text = 'ε̃ = ε + s (ε − ε̂), 文字, привет, ½ × ⌊n⌋ \u{1f600}';
    expect(new InputError(text).message).toBe(text);
  });

  it('is cut after 1,500 characters', () => {
    expect(new InputError('x'.repeat(1500)).message).toBe('x'.repeat(1500));
    expect(new InputError('x'.repeat(1501)).message).toBe(`${'x'.repeat(1500)}…`);
  });
});
