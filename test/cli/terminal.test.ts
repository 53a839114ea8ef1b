/** What is drawn in a terminal, line by line. */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { warn, withMessages } from '../../src/cli/messages.ts';
import { previewFrame } from '../../src/cli/preview.ts';
import { createProgress, progressLine } from '../../src/cli/progress.ts';
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

  it('shows how bright each place is where there are to be no colours', () => {
    const data = Float32Array.from([-1, -0.5, 0, 0.5, 1], (value) => value);
    expect(previewFrame(tensor('f32', [1, 1, 2, 5], Float32Array.of(...data, ...data)), 80, false)).toEqual([' :+#@']);
    expect(previewFrame(samples(3, 2), 80, false)).toEqual(['++ ++ ++']);
  });

  it('shows red, green and blue', () => {
    const data = Float32Array.of(1, -1, -1, -1, -1, 1);
    expect(previewFrame(tensor('f32', [1, 3, 2, 1], data), 80)).toEqual([`${pixels('255;0;0', '0;0;255')}${reset}`]);
  });
});

it('a warning is one line, cut where it quotes too much', () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  warn([`cut off is "${'letter '.repeat(3000)}`, 'two\nlines']);
  const [long, short] = write.mock.calls.map(([text]) => String(text));
  write.mockRestore();
  expect(long).toMatch(/^pag: cut off is "(letter ){20}.{1340,1400}…\n$/);
  expect(short).toBe('pag: two\\u000alines\n');
});

describe('progress', () => {
  const state = { title: 'drawing', done: 5, total: 20, seconds: 3, note: 'step 5' };

  it('says what is done, how long it took, and how long it will take', () => {
    expect(progressLine(state)).toBe('drawing [######··················] 5/20  3.0 s, 9.0 s left  step 5');
    expect(progressLine({ ...state, done: 5.128 })).toContain('] 5.13/20  3.0 s, 8.7 s left');
    expect(progressLine({ ...state, done: 20, note: '' })).toBe(
      'drawing [########################] 20/20  3.0 s, 0.0 s left',
    );
  });

  it('does not guess before anything is done', () => {
    expect(progressLine({ ...state, done: 0, note: '' })).toBe('drawing [························] 0/20  3.0 s');
  });

  it('fits on any line: the bar gets shorter, then goes, then the text ends early', () => {
    expect(progressLine(state, 50)).toBe('drawing [##·····] 5/20  3.0 s, 9.0 s left  step 5');
    expect(progressLine(state, 30)).toBe('drawing 5/20  3.0 s, 9.0 s le');
    fc.assert(
      fc.property(
        fc.record({
          title: fc.string(),
          done: fc.nat(2000),
          total: fc.nat(1000),
          seconds: fc.double({ min: 0, max: 1e6, noNaN: true }),
          note: fc.string(),
        }),
        fc.integer({ min: 1, max: 200 }),
        (any, columns) => {
          const line = progressLine(any, columns);
          expect(line.length).toBeLessThan(columns);
          expect(line).not.toMatch(/\p{Cc}/u);
        },
      ),
    );
  });

  /** What work of a minute, told of every second, writes on a stream. */
  const written = (isTTY: boolean, quiet = false): readonly string[] => {
    const lines: string[] = [];
    const write = (text: string | Uint8Array): boolean => lines.push(String(text)) > 0;
    vi.useFakeTimers();
    const stderr = vi.spyOn(process.stderr, 'write').mockImplementation(write);
    try {
      withMessages({ quiet }, () => {
        const progress = createProgress('drawing', { isTTY, columns: 30, write });
        for (let second = 1; second <= 60; second++) {
          vi.advanceTimersByTime(1000);
          progress.update(second, 60);
        }
        progress.end();
      });
    } finally {
      stderr.mockRestore();
      vi.useRealTimers();
    }
    return lines;
  };

  it('is a line every five seconds where there is no terminal, and drawn over itself where there is one', () => {
    expect(written(false)).toHaveLength(12);
    expect(written(false)[1]).toBe('pag: drawing 10/60  10.0 s, 50.0 s left\n');
    expect(written(true)).toHaveLength(61);
    expect(written(true).at(-2)).toBe(`\r${control}[Kdrawing 60/60  60.0 s, 0.0 s `);
    expect([...written(true, true), ...written(false, true)]).toEqual([]);
  });
});
