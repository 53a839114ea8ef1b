import { afterEach, describe, expect, it, vi } from 'vitest';
import { InputError, tensor, toImageData, zeros } from '../../src/index.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('samples as ImageData', () => {
  const colours = tensor('f32', [2, 3, 1, 2], Float32Array.of(...new Array(6).fill(-1), 1, 0, -1, 1, 5, Number.NaN));

  it('are red, green, blue and opaque', () => {
    expect(toImageData(colours, 1)).toEqual({
      width: 2,
      height: 1,
      data: Uint8ClampedArray.of(255, 0, 255, 255, 128, 255, 0, 255),
      colorSpace: 'srgb',
    });
    expect([...toImageData(colours).data]).toEqual([0, 0, 0, 255, 0, 0, 0, 255]);
    expect([...toImageData(tensor('f32', [1, 1, 2, 1], Float32Array.of(1, -1))).data]).toEqual([
      ...[255, 255, 255, 255],
      ...[0, 0, 0, 255],
    ]);
  });

  it("are the engine's own where it has them", () => {
    class ImageData {
      readonly data: Uint8ClampedArray;
      readonly width: number;
      constructor(data: Uint8ClampedArray, width: number) {
        this.data = data;
        this.width = width;
      }
    }
    vi.stubGlobal('ImageData', ImageData);
    expect(toImageData(colours)).toBeInstanceOf(ImageData);
  });

  it('are refused where they are no pictures, or not so many', () => {
    for (const shape of [
      [1, 2, 3, 3],
      [3, 3],
      [1, 1, 0, 3],
    ])
      expect(() => toImageData(zeros('f32', shape))).toThrow(InputError);
    for (const index of [2, -1, 0.5]) expect(() => toImageData(colours, index)).toThrow('the index is');
  });
});
