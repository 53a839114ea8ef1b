/** Windows on a picture, and the guidance away from what is seen through them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { swg } from '../../src/guidance/swg.ts';
import { cut, meanOfWindows, windowsOf } from '../../src/guidance/windows.ts';
import { mapElements } from '../../src/tensor/arithmetic.ts';
import { InputError } from '../../src/tensor/errors.ts';
import { manualSeed } from '../../src/tensor/random.ts';
import type { Tensor } from '../../src/tensor/tensor.ts';
import { randomScene, stepOf } from './scene.ts';

describe('windows', () => {
  it('lie within the picture, the first and the last at its borders; what they show gives the picture back', () => {
    const size = fc.integer({ min: 2, max: 9 });
    fc.assert(
      fc.property(size, size, fc.integer({ min: 2, max: 4 }), fc.nat(99), (height, width, steps, seed) => {
        const part = [Math.ceil(height / steps), Math.ceil(width / steps)] as const;
        const x = manualSeed(seed).randn([2, 3, height, width]);
        const windows = windowsOf([height, width], part, steps);
        expect(windows).toHaveLength(steps * steps);
        expect(windows[0]).toMatchObject({ top: 0, left: 0 });
        expect(windows.at(-1)).toMatchObject({ top: height - part[0], left: width - part[1] });
        const { mean, seen } = meanOfWindows(
          x,
          windows,
          windows.map((window) => cut(x, window)),
        );
        mean.data.forEach((value, i) => {
          const times = seen[i % seen.length];
          expect(value).toBe(times === 0 ? 0 : x.data[i]);
        });
      }),
      { numRuns: 40 },
    );
  });
});

describe('sliding-window guidance', () => {
  /** A model that makes of every pixel what it makes of it alone. */
  const local = (x: Tensor): Tensor => mapElements(x, (value) => Math.sin(3 * value) - value);
  const scene = randomScene(1);
  const sample = manualSeed(9).randn([2, 1, 8, 8]);
  const predict = stepOf(scene, {
    sample,
    predict: (passes) => passes.map((pass) => local(pass.sample ?? sample)),
  });

  it('does nothing to a model that sees no further than a window', () => {
    for (const masked of [true, false]) {
      expect(swg({ swgScale: 3, masked }).guide(predict)).toEqual(local(sample));
    }
  });

  it('masked leaves every pixel that only one window sees as it is, and no other', () => {
    const guided = swg({ swgScale: 3 }).guide(stepOf(scene));
    const open = swg({ swgScale: 3, masked: false }).guide(stepOf(scene));
    guided.data.forEach((value, i) => {
      const [y, x] = [Math.floor(i / 8) % 8, i % 8];
      const twice = (place: number): boolean => place === 3 || place === 4;
      const isSeenMore = twice(y) || twice(x);
      expect(value === scene.given.data[i]).toBe(!isSeenMore);
      expect(open.data[i]).not.toBe(scene.given.data[i]);
    });
  });

  it.each([
    [{ windowShare: 0.01 }, 'the windows are 0 × 0, 2 in a row; a window must be smaller than the picture'],
    [{ windowShare: 0.99 }, 'the windows are 8 × 8, 2 in a row; a window must be smaller than the picture'],
    [{ windowShare: 0.3, windowSteps: 3 }, 'the windows are 2 × 2, 3 in a row, which leaves gaps; raise windowShare'],
  ])('with %o is refused where it meets a picture of 8 × 8', (options, message) => {
    const guide = () => swg({ swgScale: 1, ...options }).guide(stepOf(scene));
    expect(guide).toThrow(InputError);
    expect(guide).toThrow(message);
  });
});
