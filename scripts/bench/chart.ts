/** A bar chart as SVG. */

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

/** Groups of horizontal bars, one for each contender. */
export function chart(title: string, bars: readonly Bar[]): string {
  const names = [...new Set(bars.map(({ name }) => name))];
  const most = Math.max(...bars.flatMap(({ gigaflops, peak }) => [gigaflops, peak]));
  const scale = (value: number): number => (plotWidth * value) / most;
  let y = 44;
  const parts: string[] = [];
  for (const group of new Set(bars.map((bar) => bar.group))) {
    const members = bars.filter((bar) => bar.group === group);
    parts.push(`<text x="${left - 10}" y="${y + 13}" text-anchor="end">${group}</text>`);
    const peakX = left + scale(members[0]!.peak);
    parts.push(
      `<line x1="${peakX}" x2="${peakX}" y1="${y - 3}" y2="${y + barHeight * members.length + 3}" stroke="#c92a2a" stroke-dasharray="3 3"/>`,
    );
    for (const bar of members) {
      parts.push(
        `<rect x="${left}" y="${y}" width="${scale(bar.gigaflops).toFixed(1)}" height="${barHeight - 2}" fill="${colours[names.indexOf(bar.name) % colours.length]}"/>`,
      );
      // The white around the letters hides the dashed line behind them.
      parts.push(
        `<text x="${left + scale(bar.gigaflops) + 5}" y="${y + 13}" stroke="white" stroke-width="3" paint-order="stroke">${bar.gigaflops.toFixed(1)} ${bar.name}</text>`,
      );
      y += barHeight;
    }
    y += groupGap;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + plotWidth + 190}" height="${y + 8}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
<text x="12" y="24" font-size="16">${title} (dashed: the mul+add peak of one thread)</text>
${parts.join('\n')}
</svg>
`;
}
