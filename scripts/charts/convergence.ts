/**
 * Draws how the error of each scheduler falls with the number of steps, on data whose ODE has a closed form
 * (test/schedulers/gaussian.ts): an SVG with two logarithmic axes, so a method of order k is a line of slope −k.
 *
 * Run: npx tsx scripts/charts/convergence.ts [OUT.svg]      (out/convergence.svg)
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { tag } from '../../src/oracle/report/markup.ts';
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
/** So far apart the names of two curves are at least. */
const gap = 17;
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
type Line = (typeof lines)[number];

const out = process.argv[2] ?? 'out/convergence.svg';
mkdirSync(dirname(out), { recursive: true });
writeFileSync(out, chart());
for (const { title, slope, points } of lines) {
  const errors = points.map(([steps, error]) => `${steps}: ${error.toExponential(1)}`);
  console.log(`${title.padEnd(26)} slope ${slope.toFixed(2)}   ${errors.join('  ')}`);
}
console.log(out);

function chart(): string {
  const subtitle =
    "Normal data, Karras' σ from 157 to 0.01, largest error where the last call of the model is made; float64";
  const parts = [
    tag('rect', { width, height, fill: '#ffffff' }),
    tag(
      'text',
      { x: plot.left, y: 28, 'font-size': 16, 'font-weight': 600, fill: '#111827' },
      'The error of a sampler against its steps',
    ),
    tag('text', { x: plot.left, y: 47, fill: '#4b5563' }, subtitle),
    ...stepCounts.flatMap(stepLine),
    ...Array.from({ length: mostPower - leastPower + 1 }, (_, i) => leastPower + i).flatMap(powerLine),
    ...axisTitles(),
    ...labelled(lines).flatMap(({ line, labelY }) => curveOf(line, labelY)),
  ];
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    'font-family': 'system-ui, sans-serif',
    'font-size': 12.5,
  };
  return `${tag('svg', attributes, `\n${parts.join('\n')}\n`)}\n`;
}

function stepLine(steps: number): readonly string[] {
  const [place, { top, bottom }] = [at(x(steps)), plot];
  return [
    tag('line', { x1: place, x2: place, y1: top, y2: bottom, stroke: '#f3f4f6' }),
    tag('text', { x: place, y: bottom + 20, 'text-anchor': 'middle', fill: '#4b5563' }, String(steps)),
  ];
}

function powerLine(power: number): readonly string[] {
  const above = y(10 ** power);
  const exponent = tag('tspan', { dy: -5, 'font-size': 9.5 }, String(power).replace('-', '−'));
  return [
    tag('line', { x1: plot.left, x2: plot.right, y1: at(above), y2: at(above), stroke: '#e5e7eb' }),
    tag('text', { x: plot.left - 8, y: at(above + 4), 'text-anchor': 'end', fill: '#4b5563' }, `10${exponent}`),
  ];
}

function axisTitles(): readonly string[] {
  const [middleX, middleY] = [(plot.left + plot.right) / 2, (plot.top + plot.bottom) / 2];
  const style = { 'text-anchor': 'middle', fill: '#111827' };
  return [
    tag('text', { x: middleX, y: plot.bottom + 44, ...style }, 'steps'),
    tag('text', { transform: `translate(22 ${middleY}) rotate(-90)`, ...style }, 'error'),
  ];
}

/** A curve, and beside the plot its name, to which a thin line leads. */
function curveOf({ title, order, points, slope }: Line, labelY: number): readonly string[] {
  const colour = colours[order] ?? '';
  const places = points.map(([steps, error]): Place => [x(steps), y(error)]);
  const leader = places.slice(-1).map(([endX, endY]): Place => [endX + 5, endY]);
  const toName: readonly Place[] = [...leader, [plot.right + 8, labelY], [plot.right + 14, labelY]];
  const line = { fill: 'none', stroke: colour };
  return [
    tag('polyline', { points: path(places), ...line, 'stroke-width': 1.8 }),
    places.map(([cx, cy]) => tag('circle', { cx: at(cx), cy: at(cy), r: 2.6, fill: colour })).join(''),
    tag('polyline', { points: path(toName), ...line, 'stroke-width': 0.8 }),
    tag('text', { x: plot.right + 18, y: at(labelY + 4), fill: colour }, `${title}: slope −${slope.toFixed(2)}`),
  ];
}

type Place = readonly [x: number, y: number];

function path(places: readonly Place[]): string {
  return places.map(([left, top]) => `${at(left)},${at(top)}`).join(' ');
}

/** The heights of the names: beside the ends of the curves, but moved apart where these are too near. */
function labelled(of: readonly Line[]): readonly { readonly line: Line; readonly labelY: number }[] {
  const fromTop = of
    .map((line, place) => ({ line, place, labelY: y(line.points.at(-1)?.[1] ?? NaN) }))
    .sort((a, b) => a.labelY - b.labelY);
  // Pushed down from the top, then up again from the bottom, so that none leaves the plot.
  let lowest = -Infinity;
  const down = fromTop.map((one) => {
    lowest = Math.max(one.labelY, lowest + gap);
    return { ...one, labelY: lowest };
  });
  let highest = plot.bottom + gap;
  const up = down.reverse().map((one) => {
    highest = Math.min(one.labelY, highest - gap);
    return { ...one, labelY: highest };
  });
  return up.sort((a, b) => a.place - b.place);
}

function at(value: number): string {
  return value.toFixed(1);
}
