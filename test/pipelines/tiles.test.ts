/** Laws of tiles; the goldens of pipelines hold whole pictures in tiles to diffusers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAutoencoderKLConfig } from '../../src/models/autoencoder-kl/config.ts';
import { decodingTiles, encodingTiles, inTiles } from '../../src/pipelines/tiles.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { extentOf, tensor, type Tensor } from '../../src/tensor/tensor.ts';

const config = (sampleSize: number | null) =>
  parseAutoencoderKLConfig({
    block_out_channels: [4, 4],
    norm_num_groups: 2,
    down_block_types: ['DownEncoderBlock2D', 'DownEncoderBlock2D'],
    up_block_types: ['UpDecoderBlock2D', 'UpDecoderBlock2D'],
    sample_size: sampleSize,
  });

/** Each pixel as four, as a decoder that knows no neighbours. */
function doubled(x: Tensor): Tensor {
  const [batch, channels, height, width] = [0, 1, 2, 3].map((i) => extentOf(x, i));
  const out = Float32Array.from({ length: 4 * x.data.length }, (_, i) => {
    const [plane, row, column] = [Math.floor(i / (4 * height * width)), Math.floor(i / (2 * width)), i % (2 * width)];
    const y = Math.floor((row % (2 * height)) / 2);
    return x.data[(plane * height + y) * width + Math.floor(column / 2)];
  });
  return tensor('f32', [batch, channels, 2 * height, 2 * width], out);
}

describe('tiles', () => {
  it('are as large as the pictures of the training, and overlap by a quarter', () => {
    expect(encodingTiles(config(16))).toEqual({ side: 16, step: 12, blended: 2, kept: 6 });
    expect(decodingTiles(config(16))).toEqual({ side: 8, step: 6, blended: 4, kept: 12 });
  });

  it('change nothing that knows no neighbours', () => {
    const sizes = fc.tuple(
      fc.integer({ min: 1, max: 2 }),
      fc.integer({ min: 1, max: 21 }),
      fc.integer({ min: 1, max: 21 }),
    );
    fc.assert(
      fc.property(sizes, ([channels, height, width]) => {
        const x = manualSeed(1).randn([2, channels, height, width]);
        const { shape, data } = inTiles(x, decodingTiles(config(16)), doubled);
        const whole = doubled(x);
        expect(shape).toEqual(whole.shape);
        for (const [i, value] of data.entries()) expect(Math.abs(value - whole.data[i])).toBeLessThan(1e-6);
      }),
      { numRuns: 40 },
    );
  });

  it('go over into one another evenly, from that above and that at the left', () => {
    let tile = 0;
    const numbered = (x: Tensor): Tensor => {
      const value = tile++;
      return { ...doubled(x), data: doubled(x).data.map(() => value) };
    };
    const x = manualSeed(1).randn([1, 1, 8, 14]);
    const { data, shape } = inTiles(x, decodingTiles(config(16)), numbered);
    // Tiles begin at rows 0 and 6, and at columns 0, 6 and 12, which become 0 and 12, and 0, 12 and 24.
    expect(tile).toBe(6);
    expect(shape).toEqual([1, 1, 16, 28]);
    expect([...data.subarray(0, 28)]).toEqual([
      ...Array.from({ length: 12 }, () => 0),
      ...[0, 0.25, 0.5, 0.75],
      ...Array.from({ length: 8 }, () => 1),
      ...[1, 1.25, 1.5, 1.75],
    ]);
    expect([12, 13, 14, 15].map((row) => data[row * 28])).toEqual([0, 0.75, 1.5, 2.25]);
  });

  it.each([
    [null, 'null'],
    [4, '4 × 4'],
  ])('are refused where pictures of the training were %s', (size, text) => {
    expect(() => decodingTiles(config(size))).toThrow(
      `the autoencoder's sample_size is ${text}: too small for tiles; leave out tiling`,
    );
  });
});
