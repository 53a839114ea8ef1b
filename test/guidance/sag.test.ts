/** What SAG does to the picture before the model sees it again. */
import { describe, expect, it } from 'vitest';
import { sag, type SagOptions } from '../../src/guidance/sag.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import { zeros, type Tensor } from '../../src/tensor/tensor.ts';
import { mid, randomScene, stepOf, type Scene } from './scene.ts';

const [height, width, tokens] = [8, 8, 16];
const scene: Scene = { ...randomScene(2, 2, 'f64'), nothing: manualSeed(4).randn([2, 1, height, width], 'f64') };

/** The picture x̄ that is shown to the model, for a map in which every query attends as `row` says, per sample. */
function shown(rows: readonly (readonly number[])[], options: Partial<SagOptions> = {}): Tensor {
  const heads = 2;
  const map = {
    dtype: 'f64' as const,
    shape: [2, heads, tokens, tokens],
    data: Float64Array.from(rows.flatMap((row) => Array.from({ length: heads * tokens }, () => row).flat())),
  };
  const original = manualSeed(9).randn([2, 1, height, width], 'f64');
  const step = stepOf(scene, { tap: () => map, toOriginal: () => original });
  sag({ sagScale: 1, layer: mid, ...options }).guide(step);
  return step.asked.at(-1)!.at(-1)!.sample!;
}

const on = (...kept: readonly number[]): readonly number[] =>
  Array.from({ length: tokens }, (_, token) => (kept.includes(token) ? 1 / kept.length : 0));
const even = Array.from({ length: tokens }, () => 1 / tokens);
const last = tokens - 1;

/** The pixels in which two pictures differ, by sample. */
function changed(x: Tensor): readonly (readonly number[])[] {
  const size = height * width;
  return [0, 1].map((b) =>
    Array.from({ length: size }, (_, i) => i).filter((i) => x.data[b * size + i] !== scene.given.data[b * size + i]),
  );
}

describe('SAG', () => {
  it('blurs the pixels of the tokens that receive more than their share, and leaves the others their bits', () => {
    const square = (token: number): readonly number[] => {
      const [y, x] = [2 * Math.floor(token / 4), 2 * (token % 4)];
      return [y * width + x, y * width + x + 1, (y + 1) * width + x, (y + 1) * width + x + 1];
    };
    expect(changed(shown([on(6), on(last)]))).toEqual([square(6), square(last)]);
    expect(changed(shown([on(0, 1), even]))).toEqual([[...square(0), ...square(1)].sort((a, b) => a - b), []]);
  });

  it('finds the square of a token in a picture that is no square, in every channel of its own sample', () => {
    const [rows, columns, channels] = [4, 8, 3];
    const picture = (seed: number): Tensor => manualSeed(seed).randn([2, channels, rows, columns], 'f64');
    // Two rows of four tokens, each two pixels wide and high; the first sample looks at one, the second at another.
    const map = {
      dtype: 'f64' as const,
      shape: [2, 1, 8, 8],
      data: Float64Array.from([5, 3].flatMap((token) => Array.from({ length: 64 }, (_, i) => Number(i % 8 === token)))),
    };
    const given = picture(1);
    const step = stepOf({ given, nothing: given, other: given }, { tap: () => map, toOriginal: () => picture(2) });
    sag({ sagScale: 1, layer: mid }).guide(step);
    const { data } = step.asked.at(-1)!.at(-1)!.sample!;
    const places = Array.from(data.keys()).filter((i) => data[i] !== given.data[i]);
    const size = rows * columns;
    const square = (token: number): readonly number[] => {
      const corner = 2 * Math.floor(token / 4) * columns + 2 * (token % 4);
      return [corner, corner + 1, corner + columns, corner + columns + 1];
    };
    expect(places).toEqual(
      [5, 3].flatMap((token, b) =>
        [0, 1, 2].flatMap((channel) => square(token).map((pixel) => (b * channels + channel) * size + pixel)),
      ),
    );
  });

  it('adds α (blur(x̂₀) − x̂₀): nothing where the blur is too narrow to be seen', () => {
    expect(changed(shown([on(0), on(1)], { blurWindow: 1 }))).toEqual([[], []]);
    const original = manualSeed(9).randn([2, 1, height, width], 'f64');
    const wide = shown([on(0), even], { blurSigma: 1e6, blurWindow: 3 });
    // A window of three pixels, continued by reflection: around the corner, 2 · 2 weights fall on four pixels.
    const corner =
      (original.data[0] + 2 * original.data[1] + 2 * original.data[width] + 4 * original.data[width + 1]) / 9;
    expect(wide.data[0]).toBeCloseTo(scene.given.data[0] + 0.6 * (corner - original.data[0]), 9);
  });

  it('sees no further than reflection goes: a window wider than that of the picture is that of the picture', () => {
    const rows = [on(0), on(last)];
    expect(shown(rows, { blurWindow: 31 })).toEqual(shown(rows, { blurWindow: 2 * width - 1 }));
    expect(shown(rows, { blurWindow: 31 })).not.toEqual(shown(rows, { blurWindow: 2 * width - 3 }));
  });

  it('pushes away from what the model says of that picture: ε(c) alone, ε(∅) with classifier-free guidance', () => {
    const { given, nothing, other } = scene;
    const alone = stepOf(scene);
    for (const [i, value] of sag({ sagScale: 2, layer: mid }).guide(alone).data.entries()) {
      expect(value).toBeCloseTo(given.data[i] + 2 * (given.data[i] - other.data[i]), 12);
    }
    expect(alone.asked.flat().map(({ condition }) => condition)).toEqual(['given', 'given']);
    const both = stepOf(scene);
    sag({ sagScale: 2, layer: mid, guidanceScale: 3 })
      .guide(both)
      .data.forEach((value, i) => {
        expect(value).toBeCloseTo(
          nothing.data[i] + 3 * (given.data[i] - nothing.data[i]) + 2 * (nothing.data[i] - other.data[i]),
          12,
        );
      });
    expect(both.asked.flat().map(({ condition }) => condition)).toEqual(['null', 'given', 'null']);
  });

  it('looks at no map when its scale is 0', () => {
    const step = stepOf({ ...scene, given: zeros('f64', [2, 1, height, width]) });
    sag({ sagScale: 0, layer: mid, guidanceScale: 2 }).guide(step);
    expect(step.asked.flat().every(({ taps, sample }) => taps === undefined && sample === undefined)).toBe(true);
  });

  it.each<[Partial<SagOptions>, string]>([
    [{ sagScale: NaN }, 'sagScale is NaN; it must be a finite number'],
    [{ blurSigma: 0 }, 'blurSigma is 0; it must be a number above 0'],
    [{ blurWindow: 4 }, 'blurWindow is 4; it must be an odd whole number'],
    [{ blurWindow: -1 }, 'blurWindow is -1; it must be an odd whole number'],
  ])('refuses %o', (options, message) => {
    expect(() => sag({ sagScale: 1, layer: mid, ...options })).toThrow(InputError);
    expect(() => sag({ sagScale: 1, layer: mid, ...options })).toThrow(message);
  });
});
