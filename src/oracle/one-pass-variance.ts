/**
 * Norms whose variance is E[x²] − E[x]² in float32. How wrong it is depends on the order of the sums, so no faulty
 * trace has their numbers; what all of them share is that each group is the right one but for its factor, and that the
 * variance which the factor tells is off by no more than what cancels: roundings of E[x²]. Where it comes out negative,
 * some clamp it to 0 and others get NaN.
 */
import type { Tensor } from '../tensor/tensor.ts';
import type { Case, Probe } from './case.ts';

/** The numbers of one group: what goes in, and how they are scaled and moved at last. */
interface Group {
  readonly x: readonly number[];
  readonly weight: readonly number[];
  readonly bias: readonly number[];
  readonly y: readonly number[];
  readonly eps: number;
}

const unit = 2 ** -24;
/** Roundings in E[x²] and in E[x]², and in their sums. */
const roundings = 4;

/**
 * Whether the probe of a norm is what a variance in one pass gives.
 * @param theirs the result of the probe, in double precision
 */
export function hasOnePassVariance({ subject, inputs }: Case, name: string, theirs: Tensor): boolean {
  if (subject.kind !== 'operation') return false;
  const probe = subject.probes.find((candidate) => candidate.name === name);
  const [x, weight, bias] = [0, 1, 2].map((i) => inputs.get(`${name}/${i}`));
  if (!probe || !x || !weight || !bias) return false;
  const groups = groupsOf(subject.operation, probe, { x, weight, bias, y: theirs });
  const states = groups.map(stateOf);
  return states.includes('one pass') && !states.includes('something else');
}

interface Tensors {
  readonly x: Tensor;
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly y: Tensor;
}

function groupsOf(operation: string, probe: Probe, { x, weight, bias, y }: Tensors): readonly Group[] {
  const [batch, channels] = x.shape;
  const isGroupNorm = operation === 'groupNorm';
  if (!isGroupNorm && operation !== 'layerNorm') return [];
  const eps = Number(probe.arguments.at(-1));
  const pixels = isGroupNorm ? x.data.length / (batch * channels) : 1;
  const size = isGroupNorm ? (channels / Number(probe.arguments[0])) * pixels : weight.data.length;
  const channelOf = (i: number): number => Math.floor(i / pixels) % weight.data.length;
  return Array.from({ length: x.data.length / size }, (_, g) => {
    const places = Array.from({ length: size }, (__, i) => g * size + i);
    return {
      x: places.map((i) => x.data[i]),
      weight: places.map((i) => weight.data[channelOf(i)]),
      bias: places.map((i) => bias.data[channelOf(i)]),
      y: places.map((i) => y.data[i]),
      eps,
    };
  });
}

/** Whether a group is right, is what a variance in one pass makes of it, or something else. */
function stateOf({ x, weight, bias, y, eps }: Group): 'right' | 'one pass' | 'something else' {
  const n = x.length;
  const mean = x.reduce((sum, value) => sum + value, 0) / n;
  const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n;
  const cancelled = roundings * unit * Math.max(1, Math.sqrt(n)) * (mean * mean + variance);
  if (y.some((value) => !Number.isFinite(value))) return cancelled >= variance + eps ? 'one pass' : 'something else';
  // y = factor · (x − mean) · weight + bias: the factor by least squares.
  let [product, squares] = [0, 0];
  x.forEach((value, i) => {
    const right = (value - mean) * weight[i];
    product += (y[i] - bias[i]) * right;
    squares += right * right;
  });
  if (squares === 0) return 'right';
  const factor = product / squares;
  const isFit = x.every((value, i) => {
    // The mean has been rounded, too, and then what was subtracted.
    const rounded = factor * Math.sqrt(n) * (Math.abs(mean) + Math.abs(value)) * Math.abs(weight[i]);
    const allowed = roundings * unit * (Math.abs(rounded) + Math.abs(y[i]) + Math.abs(bias[i]));
    return Math.abs(y[i] - bias[i] - factor * (value - mean) * weight[i]) <= allowed;
  });
  const found = 1 / (factor * factor) - eps;
  const off = Math.abs(found - variance);
  // What honest sums leave of the variance, and what rounding x · factor beside a large mean does to the factor.
  const honest = roundings * unit * (Math.sqrt(n) * (variance + eps) + Math.abs(mean) * Math.sqrt(variance + eps));
  if (!isFit || factor <= 0 || off > cancelled + honest) return 'something else';
  return off > honest ? 'one pass' : 'right';
}
