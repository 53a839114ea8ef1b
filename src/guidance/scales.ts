/** Guidance scales: one for all samples, or one for each. A sample whose scale is neutral keeps its bits. */
import { add, scale, subtract, type PerSample } from '../tensor/arithmetic.ts';
import { rangeText, type Check } from '../tensor/checks.ts';
import { InputError } from '../tensor/errors.ts';
import { shown } from '../tensor/shown.ts';
import { extentOf, type Tensor } from '../tensor/tensor.ts';

/** Whether the scale of every sample has this value: the neutral one, at which a guidance does nothing. */
export function isAll(scales: PerSample, value: number): boolean {
  return typeof scales === 'number' ? scales === value : scales.every((scale) => scale === value);
}

/** f of every scale. */
export function mapScale(scales: PerSample, f: (scale: number) => number): PerSample {
  return typeof scales === 'number' ? f(scales) : scales.map(f);
}

/**
 * One scale for each sample of x.
 * @throws InputError when their number is not the batch's
 */
export function scalesFor(scales: PerSample, x: Tensor): readonly number[] {
  const batch = extentOf(x, 0);
  if (typeof scales === 'number') return Array.from({ length: batch }, () => scales);
  if (!Array.isArray(scales)) throw new InputError(`a scale is ${shown(scales)}; it must be a number, or one for each`);
  if (scales.length !== batch)
    throw new InputError(
      `${scales.length} guidance scales are given for ${batch} samples; give one for each, or one for all`,
    );
  return scales;
}

/** x + s · direction, all [B,C,H,W]. Where s = 0: x. */
export function push(x: Tensor, s: PerSample, direction: Tensor): Tensor {
  const scales = scalesFor(s, x);
  return keep(x, add(x, scale(direction, scales)), (b) => scales[b] === 0);
}

/** from + g (to − from), all [B,C,H,W]. Where g = 1: `to`; where g = 0: `from`. */
export function extrapolate(from: Tensor, to: Tensor, g: PerSample): Tensor {
  const scales = scalesFor(g, from);
  const moved = push(from, scales, subtract(to, from));
  return keep(to, moved, (b) => scales[b] === 1);
}

/** `otherwise`, but the samples that `which` names are those of x. */
export function keep(x: Tensor, otherwise: Tensor, which: (sample: number) => boolean): Tensor {
  const [batch] = x.shape as [number, ...number[]];
  const kept = Array.from({ length: batch }, (_, b) => b).filter(which);
  if (kept.length === 0) return otherwise;
  const data = otherwise.data.slice();
  const size = data.length / batch;
  for (const b of kept) data.set(x.data.subarray(b * size, (b + 1) * size), b * size);
  return { ...otherwise, data };
}

/**
 * Sees to it that a parameter can be computed with.
 * @param name how the user calls the parameter
 * @param least the smallest number allowed, and `most` the largest
 * @throws InputError when it is not a finite number from `least` to `most`, nor a list of such, or an empty list
 */
export function checkScale(name: string, scales: PerSample, least = -Infinity, most = Infinity): void {
  const values: readonly unknown[] = Array.isArray(scales) ? scales : [scales];
  if (values.length === 0) throw new InputError(`${name} is an empty list; give one for each sample, or one for all`);
  for (const value of values) {
    if (typeof value !== 'number' || !Number.isFinite(value) || value < least || value > most) {
      throw new InputError(`${name} is ${shown(value)}; it must be ${rangeText(least, most)}`);
    }
  }
}

/** An option that is a scale, as `checkScale` has it. */
export const aScale: Check = (name, value) => checkScale(name, value as PerSample);
