/**
 * Draws the losses of a training: mean of 50 steps after mean of 50 steps, on a logarithmic axis.
 *
 * Run: npx tsx scripts/charts/losses.ts OUT/training/losses.csv CHART.svg
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { line, palette, path, svg, text, type Box } from '../evaluation/svg.ts';

const together = 50;
const box: Box = { left: 60, top: 20, width: 560, height: 220 };
const ticks = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2];

/** The mean losses of `together` steps each, by the last of them. */
function meansOf(losses: readonly number[]): readonly (readonly [step: number, loss: number])[] {
  return Array.from({ length: Math.ceil(losses.length / together) }, (_, i) => {
    const part = losses.slice(i * together, (i + 1) * together);
    return [i * together + part.length, part.reduce((sum, loss) => sum + loss, 0) / part.length] as const;
  });
}

const [from, to] = process.argv.slice(2);
if (from === undefined || to === undefined)
  throw new Error('give the losses.csv of a training, and where the chart goes');
const [, ...rows] = readFileSync(from, 'utf8').trim().split('\n');
const losses = rows.map((row) => Number(row.split(',')[1]));
const means = meansOf(losses);
const values = means.map(([, loss]) => loss);
const [low, high] = [Math.min(...values) / 1.2, Math.max(...values) * 1.2];
const yOf = (loss: number): number => box.top + box.height * (1 - Math.log(loss / low) / Math.log(high / low));
const xOf = (step: number): number => box.left + (box.width * step) / losses.length;
const right = box.left + box.width;
const bottom = box.top + box.height;
const shown = ticks.filter((tick) => tick >= low && tick <= high);
const parts = [
  ...shown.flatMap((tick) => [
    line(box.left, yOf(tick), right, yOf(tick)),
    text(box.left - 8, yOf(tick) + 4, String(tick), { anchor: 'end' }),
  ]),
  ...[0, 0.25, 0.5, 0.75, 1].map((share) =>
    text(xOf(share * losses.length), bottom + 18, String(Math.round(share * losses.length)), { anchor: 'middle' }),
  ),
  text((box.left + right) / 2, bottom + 36, `step (each point: the mean loss of ${together})`, { anchor: 'middle' }),
  path(
    means.map(([step, loss]) => [xOf(step), yOf(loss)]),
    palette[0],
  ),
];
writeFileSync(to, svg(right + 20, bottom + 50, parts));
