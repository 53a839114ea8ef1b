/** What is left of each size of detail, as lines over the sizes: 1 is all of it. */
import { bands } from '../work/spectrum.ts';
import { shareChart } from './share-chart.ts';

/** A chart. */
export interface SpectrumView {
  readonly root: SVGElement;
  /** @param lines what is left of each of the bands; undefined while it is not known */
  show(lines: { readonly layer: readonly number[]; readonly all: readonly number[] } | undefined): void;
}

/** A chart without lines. */
export function spectrumView(): SpectrumView {
  const chart = shareChart({
    ...{ name: 'spectrum', most: 2, count: bands.length, right: 12 },
    below: [
      [0, 'large shapes', 'start'],
      [1, 'strokes'],
      [2, 'fine detail', 'end'],
    ],
  });
  return {
    root: chart.root,
    show: (found) => chart.show(found?.layer, found?.all, found && summary(found.layer, found.all)),
  };
}

function summary(layer: readonly number[], all: readonly number[]): string {
  const text = (ratios: readonly number[]): string => ratios.map((ratio) => ratio.toFixed(2)).join(', ');
  return `left by size of detail, from large to fine: this layer ${text(layer)}; all layers ${text(all)}`;
}
