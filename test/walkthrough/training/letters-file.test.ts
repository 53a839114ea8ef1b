import { describe, expect, it } from 'vitest';
import { learnedFaces, learnedLetters } from '../../../scripts/walkthrough/letters.ts';
import { pack } from '../../../scripts/walkthrough/pack.ts';
import { lettersIn } from '../../../src/walkthrough/training/letters-file.ts';

describe('the letters that the page loads', () => {
  it('are those of the faces, to the byte, with their labels', async () => {
    const { shape, data, labels } = await lettersIn(pack(learnedLetters()));
    expect(shape).toEqual([26 * learnedFaces().length, 1, 16, 16]);
    expect(Buffer.compare(data as Uint8Array, learnedLetters())).toBe(0);
    expect(labels!.slice(24, 29)).toEqual([24, 25, 0, 1, 2]);
  });

  it('weigh at most 100 KB', () => {
    expect(pack(learnedLetters()).length).toBeLessThanOrEqual(100_000);
  });

  it('are of faces whose strokes 16 pixels can show', () => {
    expect(learnedFaces()).toContain('DejaVuSans-Bold.ttf');
    for (const face of ['DejaVuSans-ExtraLight.ttf', 'RobotoSerif-Bold.otf', 'RobotoCondensed-Bold.ttf'])
      expect(learnedFaces()).not.toContain(face);
  });

  it('are refused where the file is damaged', async () => {
    const packed = pack(learnedLetters());
    await expect(lettersIn(packed.subarray(0, 5000))).rejects.toThrow();
    await expect(lettersIn(packed.map((byte, i) => (i === 5000 ? byte ^ 1 : byte)))).rejects.toThrow();
  });
});
