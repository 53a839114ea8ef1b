import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readOptions, suggestion, type OptionKinds } from '../../src/cli/options.ts';
import { InputError } from '../../src/tensor/errors.ts';

const kinds: OptionKinds = { model: 'text', count: 'text', scale: 'text', preview: 'flag', layers: 'text' };
const read = (...args: string[]) => readOptions(args, kinds);

describe('options', () => {
  it('are read with a space or an equals sign', () => {
    for (const options of [
      read('--model', 'a', '--count', '3', '--preview'),
      read('--model=a', '--count=3', '--preview'),
    ]) {
      expect([
        options.required('model'),
        options.integer('count', 1),
        options.has('preview'),
        options.has('layers'),
      ]).toEqual(['a', 3, true, false]);
    }
  });

  it('may be negative numbers', () => {
    expect([read('--scale', '-1.5').number('scale'), read('--scale=-1e-3').number('scale')]).toEqual([-1.5, -1e-3]);
  });

  it('are read whatever their values are', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (value) => {
        expect(read(`--model=${value}`).text('model')).toBe(value);
      }),
    );
  });

  it('are lists where commas part them', () => {
    expect(read('--layers', 'mid, up.block_0 ,re:a').list('layers')).toEqual(['mid', 'up.block_0', 're:a']);
    expect(read().list('layers')).toBeUndefined();
  });

  it.each([
    [['--modle', 'a'], 'unknown option --modle; did you mean "--model"?'],
    [['--xyzzy'], 'unknown option --xyzzy'],
    [['--__proto__', 'a'], 'unknown option --__proto__'],
    [['--toString'], 'unknown option --toString'],
    [['--no-preview'], 'unknown option --no-preview; did you mean "--preview"?'],
    [['-m', 'a'], 'unknown option -m'],
    [['--model'], '--model needs a value'],
    [['--model='], '--model is empty; it needs a value'],
    [['--model', ''], '--model is empty; it needs a value'],
    [['--model', 'a', '--model', 'b'], '--model is given twice'],
    [['--preview=yes'], '--preview takes no value, but was given "yes"'],
    [['stray'], '"stray" is one argument too many'],
    [['--', '--model'], '"--model" is one argument too many'],
  ])('%j is refused', (args, message) => {
    expect(() => read(...args)).toThrow(new InputError(message));
  });

  it.each(['', ' ', 'x', '1x', 'NaN', 'Infinity', '-Infinity', '1e999', '1,5', '--scale'].map((text) => [text]))(
    '%j is no number',
    (text) => {
      expect(() => read(`--scale=${text}`).number('scale')).toThrow(InputError);
    },
  );

  it('that count are whole numbers in their range', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const run = () => read(`--count=${value}`).integer('count', 1, 10);
        if (Number.isInteger(value) && value >= 1 && value <= 10) expect(run()).toBe(value);
        else expect(run).toThrow('expected a whole number from 1 to 10');
      }),
    );
    expect(() => read('--count=9007199254740992').integer('count', 0)).toThrow(
      '--count is 9007199254740992; expected a whole number from 0 on',
    );
  });

  it('that are required are missed', () => {
    expect(() => read().required('model')).toThrow('--model is missing');
  });

  it('that choose name one of the choices', () => {
    expect(read('--model', 'b').choice('model', ['a', 'b'])).toBe('b');
    expect(() => read('--model', 'simdd').choice('model', ['reference', 'simd'])).toThrow(
      '--model is "simdd"; expected reference, simd; did you mean "simd"?',
    );
  });

  it('name their positionals, of a last one as many as there are', () => {
    expect(readOptions(['a', 'b', 'c'], kinds, ['FILE...']).positionals).toEqual(['a', 'b', 'c']);
    expect(() => readOptions([], kinds, ['FILE...'])).toThrow('FILE... is missing');
  });

  it('name their positionals', () => {
    expect(readOptions(['x', '--model', 'a', 'y'], kinds, ['CASE', 'FILE']).positionals).toEqual(['x', 'y']);
    expect(() => readOptions(['x'], kinds, ['CASE', 'FILE'])).toThrow('FILE is missing');
    expect(() => readOptions(['x', ''], kinds, ['CASE', 'FILE'])).toThrow('FILE is empty; it needs a value');
    expect(() => readOptions([''], kinds, [])).toThrow('"" is one argument too many');
  });
});

describe('a suggestion', () => {
  const names = ['model', 'out', 'guidance-scale', 'pag-scale'];

  it('is a name that is one slip away', () => {
    const slip = fc
      .tuple(fc.constantFrom(...names), fc.nat(), fc.constantFrom('drop', 'double', 'swap'))
      .map(([name, seed, kind]) => {
        const i = seed % (name.length - 1);
        if (kind === 'drop') return [name, name.slice(0, i) + name.slice(i + 1)];
        if (kind === 'double') return [name, name.slice(0, i) + name.slice(i, i + 1).repeat(2) + name.slice(i + 1)];
        return [name, name.slice(0, i) + name[i + 1] + name[i] + name.slice(i + 2)];
      });
    fc.assert(
      fc.property(slip, ([name, slipped]) => {
        expect(suggestion(slipped, names)).toBe(`; did you mean "${name}"?`);
      }),
    );
  });

  it('is not made where nothing is near', () => {
    expect(suggestion('xyzzy', names)).toBe('');
    expect(suggestion('cat', ['dog'])).toBe('');
    expect(suggestion('cats', ['dogs'])).toBe('');
    expect(suggestion('model', [])).toBe('');
  });
});
