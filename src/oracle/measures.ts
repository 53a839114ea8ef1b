/** What two tensors differ by, in the measures that people are used to. None of them decides: see tolerance.ts. */
import type { Tensor } from '../tensor/tensor.ts';
import { deviationAt, type Band } from './tolerance.ts';

/** How one of their tensors deviates from the truth, in figures that people know. */
export interface Measures {
  readonly maxAbs: number;
  readonly meanAbs: number;
  /** The largest distance on the ordered scale of the float32 numbers; +0 and −0 are one. */
  readonly ulps: number;
  /** ‖found − truth‖ / ‖truth‖. */
  readonly relativeL2: number;
  readonly cosine: number;
  /** The share of elements that lie beyond the budget each on its own. */
  readonly badShare: number;
  /** Where the largest deviation is. */
  readonly worst: readonly number[];
  /** Where the bad elements are, if they are in one place: `channel 3`, `row 0`. */
  readonly where: string | undefined;
  /** How many elements are not finite where the truth is, and the place of the first. */
  readonly notFinite: { readonly count: number; readonly first: readonly number[] } | undefined;
}

/**
 * Measures a tap.
 * @param found theirs, in double precision, of the shape of the truth
 */
export function measure(found: Tensor, band: Band): Measures {
  const { truth, scale, budget } = band;
  const count = truth.data.length;
  let [maxAbs, sumAbs, ulps, difference, squares, product, foundSquares, worst, most, broken, firstBroken] = [
    0, 0, 0, 0, 0, 0, 0, 0, -1, 0, -1,
  ];
  const bad: number[] = [];
  for (let i = 0; i < count; i++) {
    const [f, t] = [found.data[i], truth.data[i]];
    if (!Number.isFinite(f) && Number.isFinite(t)) {
      broken++;
      if (firstBroken < 0) firstBroken = i;
    }
    const share = deviationAt(f, t, scale[i]);
    if (share > most) [most, worst] = [share, i];
    if (!(share <= budget.max)) bad.push(i);
    if (f === t) {
      if (Number.isFinite(t))
        [squares, product, foundSquares] = [squares + t * t, product + t * t, foundSquares + t * t];
      continue;
    }
    const error = Math.abs(f - t);
    maxAbs = Number.isNaN(error) ? NaN : Math.max(maxAbs, error);
    sumAbs += error;
    ulps = Math.max(ulps, Math.abs(orderOf(f) - orderOf(t)));
    difference += error * error;
    squares += t * t;
    product += f * t;
    foundSquares += f * f;
  }
  return {
    maxAbs,
    meanAbs: sumAbs / Math.max(1, count),
    ulps,
    relativeL2: squares > 0 ? Math.sqrt(difference / squares) : Math.sqrt(difference),
    cosine:
      squares > 0 && foundSquares > 0 ? product / Math.sqrt(squares * foundSquares) : Number(squares === foundSquares),
    badShare: bad.length / Math.max(1, count),
    worst: placeOf(worst, truth.shape),
    where: concentration(bad, truth.shape),
    notFinite: broken === 0 ? undefined : { count: broken, first: placeOf(firstBroken, truth.shape) },
  };
}

const one = new DataView(new ArrayBuffer(4));

/** The number of a float32 on the line of all of them, from −∞ to ∞. */
function orderOf(value: number): number {
  one.setFloat32(0, value);
  const bits = one.getInt32(0);
  return bits < 0 ? -(bits & 0x7fffffff) : bits;
}

/** The indices of element `at`. */
export function placeOf(at: number, shape: readonly number[]): readonly number[] {
  let rest = at;
  return [...shape]
    .reverse()
    .map((extent) => {
      const index = rest % extent;
      rest = Math.floor(rest / extent);
      return index;
    })
    .reverse();
}

const axisNames: Readonly<Record<number, readonly string[]>> = {
  4: ['sample', 'channel', 'row', 'column'],
  3: ['sample', 'token', 'channel'],
  2: ['row', 'column'],
  1: ['element'],
};

/** The one index along some axis that all bad elements share, or the border of the picture. */
function concentration(bad: readonly number[], shape: readonly number[]): string | undefined {
  const names = axisNames[shape.length];
  if (bad.length === 0 || !names) return undefined;
  const places = bad.map((at) => placeOf(at, shape));
  const shared = names.flatMap((name, axis) => {
    const indices = new Set(places.map((place) => place[axis]));
    return indices.size === 1 && shape[axis] > 1 ? [`${name} ${places[0][axis]}`] : [];
  });
  if (shared.length > 0) return shared.join(', ');
  const [, , height, width] = shape;
  const atBorder =
    shape.length === 4 &&
    height > 2 &&
    width > 2 &&
    places.every(([, , y, x]) => y === 0 || x === 0 || y === height - 1 || x === width - 1);
  return atBorder ? 'the border of the picture' : undefined;
}

/** A picture of deviations, row by row, in units of honest rounding errors. */
export interface Heat {
  readonly height: number;
  readonly width: number;
  readonly heat: readonly number[];
}

/**
 * The mean deviation at each place of a picture, over samples and channels; of other tensors, over all but the last two
 * dimensions.
 */
export function heatOf(found: Tensor, { truth, scale }: Band): Heat {
  const width = truth.shape.at(-1) ?? 1;
  const height = truth.shape.at(-2) ?? 1;
  const heat = Array.from({ length: height * width }, () => 0);
  const planes = Math.max(1, truth.data.length / heat.length);
  for (let i = 0; i < truth.data.length; i++)
    heat[i % heat.length] += deviationAt(found.data[i], truth.data[i], scale[i]) / planes;
  return { height, width, heat };
}
