/** The taps along the data flow, as a chart. */
import type { TapReport } from '../check.ts';
import { escaped, tag } from './markup.ts';
import { percent } from './sentences.ts';

const height = 120;
/** The powers of ten between which a share of the budget is drawn: a hundredth of it to a million times it. */
const [low, high] = [-2, 6];

/** One bar for each tap, as tall as the share of its budget that is used, on a logarithmic scale. */
export function flowChart(taps: readonly TapReport[]): string {
  const width = Math.max(320, taps.length * 10);
  const step = width / taps.length;
  const bars = taps.map((tap, i) => bar(tap, i * step + 1, Math.max(1, step - 2)));
  const budget = (height - level(1)).toFixed(1);
  const chart = tag(
    'svg',
    {
      class: 'flow',
      viewBox: `0 0 ${width} ${height}`,
      preserveAspectRatio: 'none',
      style: `min-width:${Math.min(width, 900)}px`,
      role: 'img',
      'aria-label': 'share of the budget of each tap',
    },
    bars.join('') + tag('line', { x1: 0, x2: width, y1: budget, y2: budget }),
  );
  return tag('div', { class: 'scroll' }, chart);
}

function bar({ name, status, chained, local }: TapReport, x: number, width: number): string {
  const share = Math.max(chained.share, status === 'wrong' ? local.share : 0);
  const tall = Math.max(1.5, Number.isFinite(share) ? level(share) : height);
  return tag(
    'rect',
    {
      class: status.replace(' ', '-'),
      x: x.toFixed(1),
      y: (height - tall).toFixed(1),
      width: width.toFixed(1),
      height: tall.toFixed(1),
    },
    `<title>${escaped(name)}: ${status}, ${percent(share)} of the budget</title>`,
  );
}

/** How tall the bar of a share is. */
function level(share: number): number {
  const power = Math.min(high, Math.max(low, Math.log10(share || 1e-9)));
  return (height * (power - low)) / (high - low);
}
