/** A bar chart as SVG. */

/** How fast somebody was in a case. */
export interface Bar {
  /** The case that is compared. */
  readonly group: string;
  /** Who ran it. */
  readonly name: string;
  readonly milliseconds: number;
  readonly gigaflops: number;
  /** What one thread can do at all: a line in the chart. */
  readonly peak: number;
}

const colours = ['#0b7285', '#3bc9db', '#e67700', '#868e96', '#ae3ec9', '#d0bfff', '#ced4da'];
const [left, barHeight, groupGap, plotWidth] = [190, 18, 16, 560];

/** A map from GFLOP/s to pixels. */
type Scale = (gigaflops: number) => number;

/** Groups of horizontal bars, one for each contender. */
export function chart(title: string, bars: readonly Bar[]): string {
  const names = [...new Set(bars.map(({ name }) => name))];
  const most = Math.max(...bars.flatMap(({ gigaflops, peak }) => [gigaflops, peak]));
  const scale: Scale = (value) => (plotWidth * value) / most;
  let y = 44;
  const parts: string[] = [];
  for (const group of new Set(bars.map((bar) => bar.group))) {
    const members = bars.filter((bar) => bar.group === group);
    parts.push(...groupOf(group, members, y, scale));
    for (const bar of members) {
      parts.push(...barOf(bar, y, colours[names.indexOf(bar.name) % colours.length], scale));
      y += barHeight;
    }
    y += groupGap;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + plotWidth + 190}" height="${y + 8}" \
font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
<text x="12" y="24" font-size="16">${title} (dashed: the mul+add peak of one thread)</text>
${parts.join('\n')}
</svg>
`;
}

/** The name of a case, and the line of the peak through its bars. */
function groupOf(name: string, members: readonly Bar[], y: number, scale: Scale): readonly string[] {
  const bottom = y + barHeight * members.length + 3;
  const lines = members.slice(0, 1).map(({ peak }) => {
    const x = scale(peak) + left;
    return `<line x1="${x}" x2="${x}" y1="${y - 3}" y2="${bottom}" stroke="#c92a2a" stroke-dasharray="3 3"/>`;
  });
  return [`<text x="${left - 10}" y="${y + 13}" text-anchor="end">${name}</text>`, ...lines];
}

function barOf({ name, gigaflops }: Bar, y: number, colour: string | undefined, scale: Scale): readonly string[] {
  const width = scale(gigaflops);
  const size = `width="${width.toFixed(1)}" height="${barHeight - 2}"`;
  // The white around the letters hides the dashed line behind them.
  const outline = 'stroke="white" stroke-width="3" paint-order="stroke"';
  return [
    `<rect x="${left}" y="${y}" ${size} fill="${colour}"/>`,
    `<text x="${left + width + 5}" y="${y + 13}" ${outline}>${gigaflops.toFixed(1)} ${name}</text>`,
  ];
}
