/** Guidance scales: one for all samples, or one for each. A sample whose scale is neutral keeps its bits. */
import { InputError } from '../tensor/errors.ts';
import { add, scale, subtract, type PerSample } from '../tensor/arithmetic.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Whether the scale does nothing to any sample. */
export function isAll(scales: PerSample, value: number): boolean {
  return typeof scales === 'number' ? scales === value : scales.every((scale) => scale === value);
}

/** f of every scale. */
export function mapScale(scales: PerSample, f: (scale: number) => number): PerSample {
  return typeof scales === 'number' ? f(scales) : scales.map(f);
}

/** One scale for each sample of x. Throws an InputError when their number is not the batch's. */
export function scalesFor(scales: PerSample, x: Tensor): readonly number[] {
  const batch = x.shape[0];
  if (typeof scales === 'number') return Array.from({ length: batch }, () => scales);
  if (scales.length !== batch)
    throw new InputError(
      `${scales.length} guidance scales are given for ${batch} samples; give one for each, or one for all`,
    );
  return scales;
}

/** x + s · direction. Where s = 0: x. */
export function push(x: Tensor, s: PerSample, direction: Tensor): Tensor {
  const scales = scalesFor(s, x);
  return keep(x, add(x, scale(direction, scales)), (b) => scales[b] === 0);
}

/** from + g (to − from). Where g = 1: `to`; where g = 0: `from`. */
export function extrapolate(from: Tensor, to: Tensor, g: PerSample): Tensor {
  const scales = scalesFor(g, from);
  const moved = push(from, scales, subtract(to, from));
  return keep(to, moved, (b) => scales[b] === 1);
}

/** `otherwise`, but the samples that `which` names are those of x. */
export function keep(x: Tensor, otherwise: Tensor, which: (sample: number) => boolean): Tensor {
  const kept = Array.from({ length: x.shape[0] }, (_, b) => b).filter(which);
  if (kept.length === 0) return otherwise;
  const data = otherwise.data.slice();
  const size = data.length / x.shape[0];
  for (const b of kept) data.set(x.data.subarray(b * size, (b + 1) * size), b * size);
  return { ...otherwise, data };
}

/**
 * Throws an InputError when a parameter is not a finite number from `least` to `most`.
 * @param name how the user calls the parameter
 */
export function checkScale(name: string, scales: PerSample, least = -Infinity, most = Infinity): void {
  for (const value of typeof scales === 'number' ? [scales] : scales) {
    if (!Number.isFinite(value) || value < least || value > most) {
      throw new InputError(`${name} is ${value}; it must be ${rangeText(least, most)}`);
    }
  }
}

/** `a finite number`, `a number from 0 to 1`, `a number of at least 0`. */
export function rangeText(least: number, most: number): string {
  if (least === -Infinity) return most === Infinity ? 'a finite number' : `a number of at most ${most}`;
  return most === Infinity ? `a number of at least ${least}` : `a number from ${least} to ${most}`;
}
