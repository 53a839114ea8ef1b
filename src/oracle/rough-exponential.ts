/**
 * Ports whose eˣ is a fast approximation: 2^k times a polynomial of what is left of x · log₂ e, or the bits of a float
 * taken for a logarithm. Each has numbers of its own, so no trace is theirs; but the error of all of them depends on
 * what is left alone, so it comes back from octave to octave.
 */
import { exp } from '../tensor/math/index.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Case } from './case.ts';
import { rms } from './tolerance.ts';

/** An exponential of theirs: of what, and its relative error. */
interface Point {
  readonly x: number;
  readonly error: number;
}

const unit = 2 ** -24;
/** Beyond this it is no approximation but another function. */
const roughest = 0.07;
/** So many times what an honest exponential errs. */
const apart = 8;
/** Fewer show nothing, nor do those of fewer octaves. */
const [fewest, octaves] = [24, 3];
/** Neighbours differ so little, beside how large errors are; of errors that do not come back they differ as much. */
const smooth = 0.4;

/**
 * The largest relative error of the exponentials behind a probe, where they are approximated; undefined where not, or
 * where that cannot be seen.
 * @param theirs the result of the probe, in double precision
 */
export function roughExponential({ subject, inputs }: Case, name: string, theirs: Tensor): number | undefined {
  if (subject.kind !== 'operation') return undefined;
  const probe = subject.probes.find((candidate) => candidate.name === name);
  const x = inputs.get(`${name}/0`);
  if (!probe || !x) return undefined;
  const isSilu = subject.operation === 'activation' && probe.arguments[0] === 'silu';
  if (isSilu) return errorOf(ofSilu(x, theirs));
  return subject.operation === 'softmax' ? errorOf(ofSoftmax(x, theirs)) : undefined;
}

/** e^−x = x / SiLU(x) − 1, as far as it is not lost beside 1. */
function ofSilu(x: Tensor, y: Tensor): readonly Point[] {
  return Array.from(x.data, (value, i) => ({ x: -value, error: (value / y.data[i] - 1) / exp(-value) - 1 })).filter(
    ({ x: power }) => power > -3 && power < 80 && power !== 0,
  );
}

/** e^(x − max) is a weight beside the largest one of its row; the weights add up to 1. */
function ofSoftmax(x: Tensor, y: Tensor): readonly Point[] {
  const size = x.shape.at(-1) ?? 1;
  const points: Point[] = [];
  for (let start = 0; start < x.data.length; start += size) {
    const [row, weights] = [x, y].map(({ data }) => Array.from(data.subarray(start, start + size)));
    if (Math.abs(weights.reduce((sum, weight) => sum + weight, 0) - 1) > 64 * unit) return [];
    const top = Math.max(...row);
    const largest = weights[row.indexOf(top)];
    row.forEach((value, i) => {
      const power = value - top;
      if (power > -80 && power < 0) points.push({ x: power, error: weights[i] / largest / exp(power) - 1 });
    });
  }
  return points;
}

function errorOf(points: readonly Point[]): number | undefined {
  const errors = points.map(({ error }) => error);
  const size = rms(errors);
  const worst = Math.max(...errors.map(Math.abs));
  const honest = rms(points.map(({ x }) => unit * (4 + Math.abs(x))));
  const seen = new Set(points.map(({ x }) => Math.floor(x * Math.LOG2E)));
  if (points.length < fewest || seen.size < octaves || !(worst <= roughest) || size < apart * honest) return undefined;
  const leftOver = (x: number): number => x * Math.LOG2E - Math.floor(x * Math.LOG2E);
  const ordered = [...points].sort((a, b) => leftOver(a.x) - leftOver(b.x));
  const steps = ordered.slice(1).map(({ error }, i) => error - ordered[i].error);
  return rms(steps) <= smooth * size ? worst : undefined;
}
