/** The embedding of a guidance scale, by its formula; whole runs with it are held to diffusers (cli/pipelines). */
import { describe, expect, it } from 'vitest';
import { guidanceEmbedding } from '../../src/nn/guidance-embedding.ts';

describe('the embedding of a guidance scale', () => {
  it('is sines, then cosines, of 1000 (g − 1) at falling frequencies; an odd size ends in a zero', () => {
    const { data, shape } = guidanceEmbedding(1.002, 7, 'f64');
    expect(shape).toEqual([1, 7]);
    const angles = [2, 2 / 100, 2 / 10000];
    const wanted = [...angles.map(Math.sin), ...angles.map(Math.cos), 0];
    for (const [i, value] of wanted.entries()) expect(data[i]).toBeCloseTo(value, 4);
  });

  it('of a scale of 1 is that of nothing', () => {
    expect([...guidanceEmbedding(1, 4, 'f32').data]).toEqual([0, 0, 1, 1]);
  });

  it('is the same in all precisions, but for the last rounding', () => {
    const wide = guidanceEmbedding(7.5, 8, 'f64').data;
    expect([...guidanceEmbedding(7.5, 8, 'f32').data]).toEqual([...wide]);
    expect([...guidanceEmbedding(7.5, 8, 'f16').data]).not.toEqual([...wide]);
  });

  it.each([1, 3, 4.5])('refuses %s numbers, which have no frequencies', (size) => {
    expect(() => guidanceEmbedding(2, size, 'f32')).toThrow('cannot be embedded in');
  });
});
