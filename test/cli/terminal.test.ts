/** What is drawn in a terminal, line by line. */
import { describe, expect, it } from 'vitest';
import { previewFrame } from '../../src/cli/preview.ts';
import { progressLine } from '../../src/cli/progress.ts';
import { tensor } from '../../src/tensor/tensor.ts';

const control = '\u001b';
const reset = `${control}[0m`;
/** Two pixels, one above the other, by their red, green and blue. */
const pixels = (above: string, below: string): string => `${control}[38;2;${above};48;2;${below}m▀`;

describe('a preview', () => {
  const samples = (batch: number, width: number) =>
    tensor('f32', [batch, 1, 2, width], new Float32Array(batch * 2 * width));
  const count = (lines: readonly string[]): number => lines[0].split(reset).length - 1;

  it('shows as many pictures as fit beside one another, with a space between two', () => {
    expect(count(previewFrame(samples(9, 8), 17))).toBe(2);
    expect(count(previewFrame(samples(9, 8), 16))).toBe(1);
    expect(count(previewFrame(samples(9, 8), 26))).toBe(3);
    expect(count(previewFrame(samples(2, 8), 200))).toBe(2);
    expect(count(previewFrame(samples(2, 8), 3))).toBe(1);
  });

  it('shows two lines of grey pixels in one, and black below the last', () => {
    const frame = previewFrame(tensor('f32', [1, 1, 3, 1], Float32Array.of(1, -1, 0)), 80);
    expect(frame).toEqual([`${pixels('255;255;255', '0;0;0')}${reset}`, `${pixels('128;128;128', '0;0;0')}${reset}`]);
  });

  it('shows red, green and blue', () => {
    const data = Float32Array.of(1, -1, -1, -1, -1, 1);
    expect(previewFrame(tensor('f32', [1, 3, 2, 1], data), 80)).toEqual([`${pixels('255;0;0', '0;0;255')}${reset}`]);
  });
});

describe('progress', () => {
  it('says what is done, how long it took, and how long it will take', () => {
    expect(progressLine('drawing', 5, 20, 3, 'step 5')).toBe(
      'drawing [######··················] 5/20  3.0 s, 9.0 s left  step 5',
    );
    expect(progressLine('drawing', 20, 20, 3, '')).toBe(
      'drawing [########################] 20/20  3.0 s, 0.0 s left  ',
    );
  });

  it('does not guess before anything is done', () => {
    expect(progressLine('drawing', 0, 20, 3, '')).toBe('drawing [························] 0/20  3.0 s  ');
  });
});
