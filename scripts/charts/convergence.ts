/**
 * Draws how the error of each scheduler falls with the number of steps, on data whose ODE has a closed form
 * (test/schedulers/gaussian.ts): an SVG with two logarithmic axes, so a method of order k is a line of slope −k.
 *
 * Run: npx tsx scripts/charts/convergence.ts [OUT.svg]      (out/convergence.svg)
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorAfter, orderOf, type Experiment } from '../../test/schedulers/gaussian.ts';

interface Curve {
  readonly title: string;
  readonly order: number;
  readonly experiment: Experiment;
}

const karras = { use_karras_sigmas: true };
const curve = (
  title: string,
  order: number,
  name: string,
  config: Record<string, unknown> = {},
  more: Omit<Experiment, 'config'> = {},
): Curve => ({
  title,
  order,
  experiment: { config: { _class_name: `${name}Scheduler`, ...karras, ...config }, ...more },
});

const curves: readonly Curve[] = [
  curve('Euler, DDIM', 1, 'EulerDiscrete'),
  curve('Heun (two calls a step)', 2, 'HeunDiscrete', {}, { callsPerStep: 2 }),
  curve('KDPM2 (two calls a step)', 2, 'KDPM2Discrete', {}, { callsPerStep: 2 }),
  curve('DPM-Solver++ 2M', 2, 'DPMSolverMultistep', {}, { exactStart: 1 }),
  curve('DPM-Solver++ 3M', 2, 'DPMSolverMultistep', { solver_order: 3 }, { exactStart: 2 }),
  curve('DPM-Solver++ 3S', 3, 'DPMSolverSinglestep', { solver_order: 3 }),
  curve('DEIS 3', 3, 'DEISMultistep', { solver_order: 3 }, { exactStart: 2 }),
  curve('UniPC 2', 3, 'UniPCMultistep', {}, { exactStart: 1 }),
  curve('UniPC 3', 4, 'UniPCMultistep', { solver_order: 3 }, { exactStart: 2 }),
  curve('LMS', 4, 'LMSDiscrete', {}, { exactStart: 3 }),
];

const stepCounts = [9, 18, 36, 72, 144, 288];
const colours = ['', '#6b7280', '#c2410c', '#15803d', '#6d28d9'];

const [width, height] = [900, 600];
const plot = { left: 74, top: 64, right: 610, bottom: 540 };
const [leastSteps, mostSteps] = [8, 320];
const [leastPower, mostPower] = [-7, 0];

const x = (steps: number): number =>
  plot.left + ((plot.right - plot.left) * Math.log(steps / leastSteps)) / Math.log(mostSteps / leastSteps);
const y = (error: number): number =>
  plot.bottom - ((plot.bottom - plot.top) * (Math.log10(error) - leastPower)) / (mostPower - leastPower);

const lines = curves.map((one) => {
  const points = stepCounts.map((steps) => [steps, errorAfter(one.experiment, steps)] as const);
  return { ...one, points, slope: orderOf(points.slice(-3)) };
});

const out = process.argv[2] ?? 'out/convergence.svg';
mkdirSync(dirname(out), { recursive: true });
writeFileSync(out, svg());
for (const { title, slope, points } of lines) {
  console.log(
    `${title.padEnd(26)} slope ${slope.toFixed(2)}   ${points.map(([steps, error]) => `${steps}: ${error.toExponential(1)}`).join('  ')}`,
  );
}
console.log(out);

function svg(): string {
  const labels = spread(
    lines.map(({ points }) => y(points[points.length - 1][1])),
    17,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="12.5">
<rect width="${width}" height="${height}" fill="#ffffff"/>
<text x="${plot.left}" y="28" font-size="16" font-weight="600" fill="#111827">The error of a sampler against its steps</text>
<text x="${plot.left}" y="47" fill="#4b5563">Normal data, Karras' σ from 157 to 0.01, largest error where the last call of the model is made; float64</text>
${axes()}
${lines.map((line, i) => drawn(line, labels[i])).join('\n')}
</svg>
`;
}

function axes(): string {
  const powers = Array.from({ length: mostPower - leastPower + 1 }, (_, i) => leastPower + i);
  const horizontal = powers.map(
    (
      power,
    ) => `<line x1="${plot.left}" x2="${plot.right}" y1="${at(y(10 ** power))}" y2="${at(y(10 ** power))}" stroke="#e5e7eb"/>
<text x="${plot.left - 8}" y="${at(y(10 ** power) + 4)}" text-anchor="end" fill="#4b5563">10<tspan dy="-5" font-size="9.5">${String(power).replace('-', '−')}</tspan></text>`,
  );
  const vertical = stepCounts.map(
    (steps) => `<line x1="${at(x(steps))}" x2="${at(x(steps))}" y1="${plot.top}" y2="${plot.bottom}" stroke="#f3f4f6"/>
<text x="${at(x(steps))}" y="${plot.bottom + 20}" text-anchor="middle" fill="#4b5563">${steps}</text>`,
  );
  return `${vertical.join('\n')}
${horizontal.join('\n')}
<text x="${(plot.left + plot.right) / 2}" y="${plot.bottom + 44}" text-anchor="middle" fill="#111827">steps</text>
<text transform="translate(22 ${(plot.top + plot.bottom) / 2}) rotate(-90)" text-anchor="middle" fill="#111827">error</text>`;
}

function drawn({ title, order, points, slope }: (typeof lines)[number], labelY: number): string {
  const colour = colours[order];
  const path = points.map(([steps, error]) => `${at(x(steps))},${at(y(error))}`).join(' ');
  const [steps, error] = points[points.length - 1];
  return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="1.8"/>
${points.map(([n, e]) => `<circle cx="${at(x(n))}" cy="${at(y(e))}" r="2.6" fill="${colour}"/>`).join('')}
<polyline points="${at(x(steps) + 5)},${at(y(error))} ${plot.right + 8},${at(labelY)} ${plot.right + 14},${at(labelY)}" fill="none" stroke="${colour}" stroke-width="0.8"/>
<text x="${plot.right + 18}" y="${at(labelY + 4)}" fill="${colour}">${title}: slope −${slope.toFixed(2)}</text>`;
}

/** Heights, moved apart so that two are never nearer than `gap`, in the order that they have. */
function spread(heights: readonly number[], gap: number): number[] {
  const order = heights.map((_, i) => i).sort((a, b) => heights[a] - heights[b]);
  const placed = [...heights];
  // Pushed down from the top, then up again from the bottom, so that none leaves the plot.
  order.forEach((i, k) => {
    if (k > 0) placed[i] = Math.max(placed[i], placed[order[k - 1]] + gap);
  });
  [...order].reverse().forEach((i, k, reversed) => {
    placed[i] = Math.min(placed[i], k === 0 ? plot.bottom : placed[reversed[k - 1]] - gap);
  });
  return placed;
}

function at(value: number): string {
  return value.toFixed(1);
}
