/** How often guided pictures were preferred, over the scale: the reader's lines beside the classifier's. */
import { tastedScales } from '../work/tasting.ts';
import { shareChart } from './share-chart.ts';

/** A chart. */
export interface RateView {
  readonly root: SVGElement;
  /** @param classifier undefined while it is not known */
  show(reader: readonly number[], classifier: readonly number[] | undefined): void;
}

/** A chart without lines. */
export function rateView(): RateView {
  const chart = shareChart({
    most: 1,
    count: tastedScales.length,
    right: 30,
    below: tastedScales.map((scale, i) => [i, `s = ${scale}`]),
  });
  return {
    root: chart.root,
    show(reader, classifier) {
      chart.show(reader, classifier, `you: ${textOf(reader)}; the classifier: ${textOf(classifier ?? [])}`);
    },
  };
}

function textOf(rates: readonly number[]): string {
  return rates.map((rate, i) => `${Math.round(100 * rate)} % with s = ${tastedScales[i]}`).join(', ');
}
