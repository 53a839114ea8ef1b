import { describe, expect, it } from 'vitest';
import { barsOf, barsTable, type Bar } from '../../scripts/bench/bars.ts';
import { cases } from '../../scripts/bench/cases.ts';
import { contenders } from '../../scripts/bench/contenders.ts';
import type { Measurement } from '../../scripts/bench/results.ts';
import { measured, run } from './invented.ts';

function bar(measurements: readonly Measurement[], what: string): Bar {
  const found = barsOf(run(measurements)).find((one) => one.what === what);
  if (!found) throw new Error(`there is no bar ${what}`);
  return found;
}

describe('the bars of the bench', () => {
  it('are found where everybody is measured in every case', () => {
    const usual = cases.filter((one) => one.usual);
    const all = [1, 2].flatMap((threads) =>
      usual.flatMap(({ name, title, batch }) =>
        contenders.map(({ name: contender }) => measured(contender, [1], { name, title, batch, threads })),
      ),
    );
    for (const { what, found } of barsOf(run(all))) expect(found, what).toBe(1);
  });

  it('take the fastest of our ways, by the processor', () => {
    const best = bar(
      [
        measured('simd', [10, 10, 10], { walls: [1, 1, 1] }),
        measured('simd-wide fast', [6, 6, 6], { walls: [9, 9, 9] }),
        measured('simd-wide', [1, 1, 1], { batch: 8 }),
        measured('onnxruntime-node', [8, 8, 8]),
        measured('OpenVINO', [1, 1, 1]),
      ],
      'best / onnxruntime-node: letters',
    );
    expect(best).toMatchObject({ by: 'simd-wide fast', found: 0.75, bar: 0.9, met: true });
  });

  it('do not count who disagrees with PyTorch', () => {
    const given = [
      measured('simd', [1], { disagreement: 'is off' }),
      measured('simd fast', [2]),
      measured('onnxruntime-node', [4]),
      measured('simd', [1], { name: 'cifar10' }),
      measured('onnxruntime-node', [4], { name: 'cifar10', disagreement: 'is off' }),
    ];
    expect(bar(given, 'best / onnxruntime-node: letters')).toMatchObject({ by: 'simd fast', found: 0.5 });
    expect(bar(given, 'best / onnxruntime-node: cifar10').found).toBeNaN();
  });

  it('compare turn by turn', () => {
    // The medians are 20 and 40; within turns, as the machine was, it is 0.6.
    const found = bar(
      [measured('simd', [6, 60, 20]), measured('onnxruntime-web', [10, 100, 40])],
      'simd / onnxruntime-web: letters',
    );
    expect(found).toMatchObject({ found: 0.6, met: false });
  });

  it('are met by what is at the bar', () => {
    const given = [measured('simd fast', [33]), measured('onnxruntime-web', [100])];
    expect(bar(given, 'simd fast / onnxruntime-web: letters').met).toBe(true);
    const slower = [measured('simd fast', [33.1]), measured('onnxruntime-web', [100])];
    expect(bar(slower, 'simd fast / onnxruntime-web: letters').met).toBe(false);
  });

  it('ask of each of our ways what eight pictures cost beside one', () => {
    const given = [
      measured('simd', [10, 20, 10]),
      measured('simd', [74, 154, 80], { batch: 8 }),
      measured('simd-wide fast', [10]),
      measured('simd-wide fast', [75], { batch: 8 }),
    ];
    expect(bar(given, 'simd: letters × 8 / one')).toMatchObject({ by: 'simd', found: 7.7, met: false });
    expect(bar(given.slice(2), 'simd-wide fast: letters × 8 / one')).toMatchObject({ found: 7.5, met: false });
    expect(bar(given, 'simd fast: letters × 8 / one').found).toBeNaN();
  });

  it('ask of two threads how much sooner they are done', () => {
    const given = [
      measured('simd', [10], { walls: [10] }),
      measured('simd-wide', [7], { walls: [8] }),
      measured('simd', [10], { threads: 2, walls: [1] }),
      measured('simd-wide', [7], { threads: 2, walls: [4] }),
    ];
    expect(bar(given, 'two threads: letters')).toMatchObject({ by: 'simd-wide', found: 2, met: true });
  });

  it('are not met by what is not measured, and the table says so', () => {
    const bars = barsOf(run([]));
    expect(bars.filter(({ met }) => met)).toEqual([]);
    expect(barsTable(bars.slice(0, 1)).split('\n')[2]).toMatch(/best \/ onnxruntime-node: letters.*not measured/);
  });

  it('are a row each, with found ÷ bar', () => {
    const table = barsTable([{ what: 'a', bar: 0.5, limit: 'most', found: 0.6, by: 'simd', met: false }]);
    expect(table.split('\n')[2]).toBe('| a | simd | 0.60 | ≤ 0.5 | 1.20 | no |');
  });
});
