import { describe, expect, it } from 'vitest';
import { InputError } from '../../src/tensor/errors.ts';
import { cast } from '../../src/tensor/rounding.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { reshape, type Tensor } from '../../src/tensor/tensor.ts';
import { align, permuted } from '../../src/oracle/align.ts';
import { fileOf } from './ports.ts';

const truth = new Map<string, Tensor>([
  ['picture', manualSeed(1).randn([2, 3, 4, 5], 'f64')],
  ['tokens', manualSeed(2).randn([2, 20, 6], 'f64')],
  ['mid.map', manualSeed(3).randn([2, 3, 4, 4], 'f64')],
]);
const picture = cast(truth.get('picture')!, 'f32');
const tokens = cast(truth.get('tokens')!, 'f32');

function read(tensors: Readonly<Record<string, Tensor>>, format: 'f32' | 'bf16' = 'f32') {
  return align(fileOf(tensors), truth, format);
}

describe('tensors of a port are found', () => {
  const layouts: Readonly<Record<string, readonly [string, Tensor]>> = {
    'channels last': ['picture', permuted(picture, [0, 2, 3, 1])],
    'tokens of a picture': ['picture', reshape(permuted(picture, [0, 2, 3, 1]), [2, 20, 3])],
    'flattened channels first': ['picture', reshape(picture, [2, 3, 20])],
    'one long row': ['picture', reshape(picture, [120])],
    'channels before tokens': ['tokens', permuted(tokens, [0, 2, 1])],
    'a picture of tokens': ['tokens', reshape(permuted(tokens, [0, 2, 1]), [2, 6, 4, 5])],
    'heads apart': ['tokens', permuted(reshape(tokens, [2, 20, 3, 2]), [0, 2, 1, 3])],
    'heads in the batch': ['mid.map', reshape(cast(truth.get('mid.map')!, 'f32'), [6, 4, 4])],
  };
  it.each(Object.keys(layouts))('in another layout: %s', (what) => {
    const [name, theirs] = layouts[what];
    const { found, notes, problems } = read({ [name]: theirs });
    expect([...problems]).toEqual([]);
    expect([...found.get(name)!.data]).toEqual([...cast(truth.get(name)!, 'f32').data]);
    expect(notes.get(name), 'it says so').toMatch(/read from/);
  });

  it('channels last where the shape does not tell, if the rest of the file is', () => {
    const cube = manualSeed(4).randn([2, 4, 4, 4], 'f64');
    const truths = new Map([...truth, ['cube', cube], ['square', manualSeed(5).randn([1, 4, 4, 4], 'f64')]]);
    const last = (x: Tensor): Tensor => permuted(cast(x, 'f32'), [0, 2, 3, 1]);
    const square = cast(truths.get('square')!, 'f32');
    const { found, notes } = align(fileOf({ 'tap.cube': last(cube), square, picture: last(picture) }), truths, 'f32');
    expect([...found.get('cube')!.data]).toEqual([...cast(cube, 'f32').data]);
    expect(notes.get('cube')).toBe('read from "tap.cube", channels last (NHWC)');
    expect([...found.get('square')!.data], 'what is right as it is stays').toEqual([...square.data]);
    expect(notes.has('square')).toBe(false);
    const alone = align(fileOf({ cube: last(cube), picture }), truths, 'f32');
    expect([...alone.found.get('cube')!.data], 'without such a sign it is taken at its word').toEqual([
      ...last(cube).data,
    ]);
  });

  it('as they are, without a note, where shape and name agree', () => {
    const { found, notes } = read({ picture });
    expect(found.get('picture')!.data).toEqual(picture.data);
    expect(notes.size).toBe(0);
  });

  it('under names that other tools write', () => {
    expect([...read({ 'tap.picture': picture, 'unet/tokens': tokens }).found.keys()]).toEqual(['picture', 'tokens']);
  });

  it('or not: other names are listed, wrong shapes and narrower dtypes are problems, a tap twice is an error', () => {
    const { unknown, problems } = read({
      nonsense: picture,
      picture: reshape(tokens, [240]),
      tokens: cast(tokens, 'bf16'),
    });
    expect(unknown).toEqual(['nonsense']);
    expect(problems.get('picture')).toMatch(/has shape \[240\], expected \[2, 3, 4, 5\]/);
    expect(problems.get('tokens')).toMatch(/take formats\.bf16/);
    expect(read({ tokens: cast(tokens, 'bf16') }, 'bf16').problems.size).toBe(0);
    expect(() => read({ picture, 'tap.picture': picture })).toThrow(InputError);
  });
});
