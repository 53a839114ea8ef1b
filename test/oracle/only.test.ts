import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/tensor/errors.ts';
import { globsOf } from '../../src/oracle/only.ts';

const names = ['plain', 'square, as many channels in as out', 'square', 'mid.map', 'mid.to_q'];
const globs = (...lists: string[]) => globsOf(lists, names, 'a case');

describe('--only', () => {
  it('takes globs with commas between them, and spaces', () => {
    expect(globs('plain,mid.*')).toEqual(['plain', 'mid.*']);
    expect(globs('plain , mid.map', 'mid.to_?')).toEqual(['plain', 'mid.map', 'mid.to_?']);
  });

  it('takes names that hold commas, alone and among others', () => {
    expect(globs('square, as many channels in as out')).toEqual(['square, as many channels in as out']);
    expect(globs('mid.map,square, as many channels in as out,square')).toEqual([
      'mid.map',
      'square, as many channels in as out',
      'square',
    ]);
  });

  it('refuses each glob that names nothing, and says what there is', () => {
    for (const list of ['plain,maap', 'maap,plain', 'square, as few', ''])
      expect(() => globs(list), list).toThrow(InputError);
    expect(() => globs('plain,maap')).toThrow(
      /\{ only: 'maap' \} names no tap of a case; it has plain, square, as many/,
    );
  });
});
