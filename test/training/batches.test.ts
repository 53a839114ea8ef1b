/** Batches: what they promise of order, timesteps, noise and labels, whatever the seed and the step. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseUNetConfig } from '../../src/models/unet2d/config.ts';
import { tensor } from '../../src/tensor/tensor.ts';
import { batchAt, batchOptionsOf, picturesAt, type BatchOptions } from '../../src/training/batches.ts';
import { parseTrainingConfig } from '../../src/training/config.ts';
import { checkPictures, samplesOf, type Pictures } from '../../src/training/pictures.ts';

const plain: BatchOptions = { size: 8, labelDropout: 0, nullLabel: undefined, offsetNoise: 0, stratified: true };
/** Picture i is of the colour i; its label is i mod 3. */
const pictures: Pictures = {
  shape: [20, 1, 4, 4],
  data: Uint8Array.from({ length: 320 }, (_, i) => Math.floor(i / 16)),
  labels: Array.from({ length: 20 }, (_, i) => i % 3),
};
const seeds = fc.nat({ max: 2 ** 31 });

describe('a batch', () => {
  it('follows from seed and step alone, and differs with either', () => {
    fc.assert(
      fc.property(seeds, fc.nat(1000), (seed, step) => {
        const batch = batchAt(pictures, plain, 1000, seed, step);
        expect(batchAt(pictures, plain, 1000, seed, step)).toEqual(batch);
        for (const other of [
          batchAt(pictures, plain, 1000, seed, step + 1),
          batchAt(pictures, plain, 1000, seed + 1, step),
        ])
          expect(other.noise.data).not.toEqual(batch.noise.data);
      }),
      { numRuns: 20 },
    );
  });

  it('shows each picture once in each round, in another order each time', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 2, max: 30 }), fc.integer({ min: 1, max: 30 }), (seed, count, size) => {
        const steps = Math.ceil((3 * count) / size);
        const shown = Array.from({ length: steps }, (_, step) => picturesAt(count, size, seed, step)).flat();
        const rounds = [0, 1, 2].map((round) => shown.slice(round * count, (round + 1) * count));
        const all = Array.from({ length: count }, (_, i) => i);
        for (const round of rounds) expect([...round].sort((a, b) => a - b)).toEqual(all);
        if (count > 12) expect(rounds[0]).not.toEqual(rounds[1]);
      }),
    );
  });

  it('has a timestep of each part of the training, where they are stratified', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 64 }), (seed, size) => {
        const { timesteps } = batchAt(pictures, { ...plain, size }, 1000, seed, 3);
        timesteps.forEach((t, b) => {
          expect(t).toBeGreaterThanOrEqual(Math.floor((b * 1000) / size));
          expect(t).toBeLessThan(((b + 1) * 1000) / size);
        });
        const free = batchAt(pictures, { ...plain, size, stratified: false }, 1000, seed, 3).timesteps;
        for (const t of free) expect(Number.isInteger(t) && t >= 0 && t < 1000).toBe(true);
      }),
    );
  });

  it('has pictures with their own labels, and noise that is normal', () => {
    const batch = batchAt(pictures, { ...plain, size: 200 }, 1000, 5, 0);
    const colours = Array.from({ length: 200 }, (_, b) => Math.round((batch.sample.data[16 * b] + 1) * 127.5));
    expect(batch.labels).toEqual(colours.map((colour) => colour % 3));
    const data = [...batch.noise.data];
    const mean = data.reduce((sum, x) => sum + x, 0) / data.length;
    const square = data.reduce((sum, x) => sum + x * x, 0) / data.length;
    expect([Math.abs(mean), Math.abs(square - 1)].every((error) => error < 0.07)).toBe(true);
  });

  it('drops labels as often as it is told, and nothing else changes', () => {
    const drops = { ...plain, size: 2000, labelDropout: 0.25, nullLabel: 3 };
    const [whole, dropped] = [{ ...drops, labelDropout: 0 }, drops].map((options) =>
      batchAt(pictures, options, 1000, 1, 0),
    );
    const share = (dropped.labels ?? []).filter((label) => label === 3).length / 2000;
    expect(share).toBeGreaterThan(0.22);
    expect(share).toBeLessThan(0.28);
    dropped.labels?.forEach((label, b) => expect([3, whole.labels?.[b]]).toContain(label));
    expect({ ...dropped, labels: [] }).toEqual({ ...whole, labels: [] });
  });

  it('shifts the noise of a channel as a whole, where it is told to', () => {
    const [none, some] = [0, 0.1].map(
      (offsetNoise) => batchAt(pictures, { ...plain, offsetNoise }, 1000, 1, 0).noise.data,
    );
    const shifts = Array.from(some, (value, i) => value - none[i]);
    for (let b = 0; b < 8; b++) {
      const own = shifts.slice(16 * b, 16 * b + 16);
      expect(Math.max(...own) - Math.min(...own)).toBeLessThan(1e-6);
    }
    expect(new Set(shifts.map((shift) => shift.toFixed(4))).size).toBeGreaterThan(5);
  });
});

describe('pictures', () => {
  it('are bytes from −1 to 1, or numbers as they are', () => {
    const bytes = samplesOf({ shape: [1, 1, 1, 3], data: Uint8Array.of(0, 51, 255) }, [0]);
    expect(bytes).toEqual(tensor('f32', [1, 1, 1, 3], Float32Array.of(-1, Math.fround(0.4) - 1, 1)));
    const floats = samplesOf({ shape: [2, 1, 1, 1], data: Float32Array.of(3, -0.5) }, [1, 0]);
    expect([...floats.data]).toEqual([-0.5, 3]);
  });

  const config = parseUNetConfig({ ...small(), num_class_embeds: 4 });
  it.each<[string, Partial<Pictures>, RegExp]>([
    ['none', { shape: [0, 1, 4, 4], data: new Uint8Array(0) }, /there are no pictures/],
    ['of other channels', { shape: [10, 2, 4, 4] }, /have 2 channels, but the model's in_channels is 1/],
    ['of an odd size', { shape: [64, 1, 1, 5] }, /1 × 5; height and width must be multiples of 2/],
    ['not finite', { data: new Float32Array(320).fill(NaN, 33, 34) }, /picture 2 holds NaN/],
    ['without labels', { labels: undefined as never }, /the pictures have no labels/],
    ['with too few labels', { labels: [0] }, /1 labels for 20 pictures/],
    [
      'with a label beyond the table',
      { labels: [...(pictures.labels ?? []).slice(1), 4] },
      /picture 19 has the label 4/,
    ],
    ['with half a label', { labels: [0.5, ...(pictures.labels ?? []).slice(1)] }, /picture 0 has the label 0.5/],
    ['with the label of no class', { labels: [3, ...(pictures.labels ?? []).slice(1)] }, /stands for no class/],
  ])('%s are refused', (_what, changed, message) => {
    expect(() => checkPictures({ ...pictures, ...changed }, config, 3, 'data')).toThrow(message);
  });

  it('of another size than the model has are refused, those that fit are not', () => {
    const sized = parseUNetConfig({ ...small(), sample_size: 8, num_class_embeds: 4 });
    expect(() => checkPictures(pictures, sized, 3, 'data')).toThrow("4 × 4, but the model's sample_size is 8 × 8");
    expect(() => checkPictures(pictures, config, 3, 'data')).not.toThrow();
  });
});

describe('the label of no class', () => {
  const options = (model: object, batch: object) =>
    batchOptionsOf(
      parseTrainingConfig({ model: {}, steps: 1, batch } as never),
      parseUNetConfig({ ...small(), ...model }),
    );

  it('is the last of the model, unless another is given or none is dropped', () => {
    const classes = { num_class_embeds: 4 };
    expect(options(classes, { label_dropout: 0.1 }).nullLabel).toBe(3);
    expect(options(classes, { label_dropout: 0.1, null_label: 1 }).nullLabel).toBe(1);
    expect(options(classes, {}).nullLabel).toBeUndefined();
  });

  it('is refused where the model has none', () => {
    expect(() => options({}, { label_dropout: 0.1 })).toThrow('the model has no class to drop');
    expect(() => options({ num_class_embeds: 4 }, { null_label: 4 })).toThrow('batch.null_label is 4; the model has');
  });
});

/** A UNet whose pictures must be even. */
function small(): Record<string, unknown> {
  return {
    in_channels: 1,
    attention_head_dim: null,
    out_channels: 1,
    block_out_channels: [4, 4],
    norm_num_groups: 2,
    down_block_types: ['DownBlock2D', 'DownBlock2D'],
    up_block_types: ['UpBlock2D', 'UpBlock2D'],
  };
}
