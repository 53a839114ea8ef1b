/**
 * What the first wrong tap looks like, beyond re-running known mistakes: is it the right tensor turned, shuffled,
 * scaled or late?
 */
import { sizeOf, type Tensor } from '../tensor/tensor.ts';
import { permuted } from './align.ts';
import type { Checked } from './check.ts';
import { entryOf } from './lookup.ts';
import { deviation, margin, shareOf, type Band } from './tolerance.ts';
import type { Trace } from './trace.ts';

/** Sentences, the most telling first; none where nothing is recognised. */
export function residualFindings({ report, theirs, bands }: Checked): readonly string[] {
  const { first, independent, taps } = report;
  const inChain = first ? [first] : [];
  const off = independent ? taps.filter(({ status }) => status !== 'ok').slice(0, mostProbes) : inChain;
  return off
    .filter(({ status }) => status !== 'not finite')
    .flatMap(({ name }) => findingsAt(name, theirs, bands, independent));
}

/** So many independent probes are described. */
const mostProbes = 8;

function findingsAt(
  name: string,
  theirs: Trace,
  bands: ReadonlyMap<string, Band>,
  independent: boolean,
): readonly string[] {
  const [found, band] = [entryOf(theirs, name), entryOf(bands, name)];
  const before = shareOf(deviation(found, band.truth, band.scale), band);
  const fits: Fits = (candidate, scale) => {
    if (candidate.data.length !== found.data.length) return false;
    const left = shareOf(deviation(found, candidate, scale), band);
    return left <= 2 && left * margin <= before;
  };
  return [
    turned(band, fits),
    shuffled(found, band, fits),
    scaled(found, band, fits),
    moved(found, band, fits),
    independent ? undefined : mistaken(name, bands, fits),
  ].flatMap((sentence) => (sentence === undefined ? [] : [`${name}: ${sentence}.`]));
}

/** Whether the first wrong tap is a candidate, up to rounding; and that better than the truth by the margin. */
type Fits = (candidate: Tensor, scale: Float64Array) => boolean;

/** By rank: orders of the axes, and what it says when they fit. */
const orders: Readonly<Record<number, readonly (readonly [readonly number[], string])[]>> = {
  4: [
    [[0, 1, 3, 2], 'height and width are swapped (or rows of the map and its columns)'],
    [[0, 2, 1, 3], 'the second and the third dimension are swapped'],
    [[1, 0, 2, 3], 'the first two dimensions are swapped'],
    [[0, 2, 3, 1], 'the numbers lie channels last (NHWC), but the shape says channels first'],
  ],
  3: [
    [[0, 2, 1], 'tokens and channels are swapped'],
    [[1, 0, 2], 'samples and tokens are swapped'],
  ],
  2: [[[1, 0], 'it is transposed']],
};

/** Axes in another order. */
function turned({ truth, scale }: Band, fits: Fits): string | undefined {
  for (const [order, says] of orders[truth.shape.length] ?? []) {
    if (order.some((from, axis) => from !== axis && truth.shape[axis] === 1)) continue;
    // The numbers of the transpose, under the shape that was asked for.
    const sizes = permuted({ ...truth, data: scale }, order).data;
    if (fits({ ...permuted(truth, order), shape: truth.shape }, Float64Array.from(sizes))) return says;
  }
  return undefined;
}

/** By rank: the axes whose slices may be in another order. */
const namedAxes: Readonly<Record<number, readonly (readonly [number, string])[]>> = {
  4: [
    [1, 'channel'],
    [0, 'sample'],
  ],
  3: [
    [2, 'channel'],
    [1, 'token'],
    [0, 'sample'],
  ],
};

/** The channels, or the samples, in another order. */
function shuffled(found: Tensor, { truth, scale, budget }: Band, fits: Fits): string | undefined {
  for (const [axis, name] of namedAxes[truth.shape.length] ?? []) {
    const extent = truth.shape[axis];
    if (extent < 2 || extent > 512) continue;
    const [ours, theirs, sizes] = [truth, found, { ...truth, data: scale }].map((x) => slices(x, axis));
    const order = theirs.map((slice) =>
      ours.findIndex((candidate, i) => near(slice, candidate, sizes[i], 2 * budget.max)),
    );
    if (order.some((from) => from < 0) || new Set(order).size < extent || order.every((from, i) => from === i))
      continue;
    const inner = sizeOf(truth.shape.slice(axis + 1));
    const from = (i: number): number => {
      const index = Math.floor(i / inner) % extent;
      return i + (order[index] - index) * inner;
    };
    const moved = { ...truth, data: truth.data.map((_, i) => truth.data[from(i)]) };
    if (
      fits(
        moved,
        scale.map((_, i) => scale[from(i)]),
      )
    )
      return inOrder(order, `${name}s`);
  }
  return undefined;
}

/** Says in which order things are that are not in their own. */
function inOrder(order: readonly number[], names: string): string {
  const extent = order.length;
  if (order.every((from, i) => from === extent - 1 - i)) return `the ${names} are in reverse order`;
  if (order.every((from, i) => from === (i + extent / 2) % extent)) return `the two halves of the ${names} are swapped`;
  const shown = `${order.slice(0, 12).join(', ')}${extent > 12 ? ', …' : ''}`;
  return `the ${names} are in another order: yours are ${shown} of the truth`;
}

const constants: readonly (readonly [number, string])[] = [
  [2, '2'],
  [0.5, '1/2'],
  [-1, '−1'],
  [Math.SQRT2, '√2'],
  [Math.SQRT1_2, '1/√2'],
  [4, '4'],
  [0.25, '1/4'],
  [1000, '1000'],
  [0.001, '1/1000'],
  [Math.LN2, 'ln 2'],
  [Math.LOG2E, 'log₂ e'],
  [255, '255'],
  [127.5, '127.5'],
];

/** A constant factor, by least squares. */
function scaled(found: Tensor, { truth, scale }: Band, fits: Fits): string | undefined {
  let [product, squares] = [0, 0];
  for (let i = 0; i < scale.length; i++)
    [product, squares] = [product + found.data[i] * truth.data[i], squares + truth.data[i] ** 2];
  const factor = product / squares;
  if (!Number.isFinite(factor) || Math.abs(factor - 1) < 1e-6 || scale.length < 4) return undefined;
  const grown = scale.map((size) => size * Math.max(1, Math.abs(factor)));
  if (!fits({ ...truth, data: truth.data.map((value) => value * factor) }, grown)) return undefined;
  const known = constants.find(([value]) => Math.abs(factor / value - 1) < 1e-4);
  return `it is the truth times ${Number(factor.toPrecision(6))}${known ? ` (${known[1]})` : ''}`;
}

/** The same number added everywhere, or everywhere in a channel: a bias. */
function moved(found: Tensor, { truth, scale }: Band, fits: Fits): string | undefined {
  const axis = truth.shape.length === 4 ? 1 : truth.shape.length - 1;
  if (truth.data.length <= 2 * (truth.shape[axis] ?? 1)) return undefined;
  const [ours, theirs] = [truth, found].map((x) => slices(x, axis));
  const offsets = theirs.map((slice, i) => slice.reduce((sum, value, k) => sum + value - ours[i][k], 0) / slice.length);
  const inner = sizeOf(truth.shape.slice(axis + 1));
  const biased = truth.data.map((value, i) => value + offsets[Math.floor(i / inner) % offsets.length]);
  if (!fits({ ...truth, data: biased }, scale)) return undefined;
  const [least, most] = [Math.min(...offsets), Math.max(...offsets)];
  if (most - least <= 1e-6 * Math.max(Math.abs(most), Math.abs(least)))
    return `${Number(offsets[0].toPrecision(5))} is added everywhere`;
  return 'each channel is off by a number of its own: a bias is missing, or is another one';
}

/** It is the truth of another tap: an earlier step, another pass. */
function mistaken(name: string, bands: ReadonlyMap<string, Band>, fits: Fits): string | undefined {
  const other = [...bands].find(([candidate, { truth, scale }]) => candidate !== name && fits(truth, scale));
  if (!other) return undefined;
  const [step, otherStep] = [name, other[0]].map((path) => /^step\.(\d+)\./.exec(path)?.[1]);
  return step !== undefined && otherStep !== undefined && step !== otherStep
    ? `it is ${other[0]}: a value of another step`
    : `it is what ${other[0]} should be`;
}

/** The numbers along an axis: for each index all that have it. */
function slices(x: Tensor, axis: number): readonly number[][] {
  const inner = sizeOf(x.shape.slice(axis + 1));
  const out = Array.from({ length: x.shape[axis] }, (): number[] => []);
  for (let i = 0; i < x.data.length; i++) out[Math.floor(i / inner) % x.shape[axis]].push(x.data[i]);
  return out;
}

function near(a: readonly number[], b: readonly number[], scale: readonly number[], limit: number): boolean {
  return a.every((value, i) => Math.abs(value - b[i]) <= scale[i] * limit);
}
