/**
 * Arithmetic on whole tensors for schedulers and guidance: element by element, and statistics per sample.
 *
 * Rounding. Each addition, subtraction, multiplication and division is rounded once to the tensor's dtype, as the
 * PyTorch operation does. A number that meets a tensor of f64 is taken as it is. Otherwise PyTorch, and so this file,
 * first rounds it to f32 where it multiplies or divides (also for tensors of f16 and bf16, which are computed in f32),
 * but to the tensor's dtype where it is added or is a limit.
 *
 * `PerSample` is one number for all samples, or one for each sample, that is for each index of the first dimension.
 *
 * Tensors that meet must have one shape and one dtype; whatever does not fit is refused with an InputError.
 */
import { aFunction, checkTensor, mustBe } from './checks.ts';
import { InputError } from './errors.ts';
import { twoProduct, twoSum } from './math/wide.ts';
import { roundInPlace, roundTo } from './rounding.ts';
import { shown } from './shown.ts';
import { allocate, sameShape, shapeText } from './tensor.ts';
import type { DType, Tensor } from './tensor.ts';

/** One number for all samples, or one for each sample. */
export type PerSample = number | readonly number[];

/** a + b, element by element. */
export function add(a: Tensor, b: Tensor): Tensor {
  return zip('add', a, b, (x, y) => x + y);
}

/** a − b, element by element. */
export function subtract(a: Tensor, b: Tensor): Tensor {
  return zip('subtract', a, b, (x, y) => x - y);
}

/** a · b, element by element. */
export function multiply(a: Tensor, b: Tensor): Tensor {
  return zip('multiply', a, b, (x, y) => x * y);
}

/** a / b, element by element. */
export function divide(a: Tensor, b: Tensor): Tensor {
  return zip('divide', a, b, (x, y) => x / y);
}

/** x · factor. */
export function scale(x: Tensor, factor: PerSample): Tensor {
  return mapWithNumber('scale', x, factor, computingDType, (value, f) => value * f);
}

/** x / divisor. Not the same bits as scale(x, 1 / divisor). */
export function divideBy(x: Tensor, divisor: PerSample): Tensor {
  return mapWithNumber('divideBy', x, divisor, computingDType, (value, d) => value / d);
}

/** x + offset. */
export function shift(x: Tensor, offset: PerSample): Tensor {
  return mapWithNumber('shift', x, offset, ownDType, (value, o) => value + o);
}

/**
 * c₁x₁ + c₂x₂ + …: each product is rounded, then each sum, from left to right.
 * @throws InputError when there is no term, or the terms are not alike
 */
export function combine(terms: readonly (readonly [PerSample, Tensor])[]): Tensor {
  checkTerms('combine: what is added', terms);
  const scaled = terms.map(([factor, x]) => scale(x, factor));
  if (scaled.length === 0) throw new InputError('combine: there is no term to add');
  return scaled.reduce(add);
}

/** x + factor · y: the product is rounded, then the sum. */
export function addScaled(x: Tensor, factor: PerSample, y: Tensor): Tensor {
  return add(x, scale(y, factor));
}

/** a + weight · (b − a): the difference is rounded, then the product, then the sum. */
export function lerp(a: Tensor, b: Tensor, weight: PerSample): Tensor {
  return addScaled(a, weight, subtract(b, a));
}

/** x limited to [low, high]; NaN stays NaN, and a limit of NaN is none. */
export function clamp(x: Tensor, low: PerSample, high: PerSample): Tensor {
  // biome-ignore lint/complexity/useMathMinMax: Math.max would make NaN of all numbers where a limit is NaN
  const raised = mapWithNumber('clamp', x, low, ownDType, (value, limit) => (value < limit ? limit : value));
  // biome-ignore lint/complexity/useMathMinMax: the same
  return mapWithNumber('clamp', raised, high, ownDType, (value, limit) => (value > limit ? limit : value));
}

/** f(value, index) for each element, rounded to x's dtype. f works in double precision. */
export function mapElements(x: Tensor, f: (value: number, index: number) => number): Tensor {
  checkTensor('mapElements: x', x);
  anElementwise('mapElements: f', f);
  const data = allocate(x.dtype, x.data.length);
  for (let i = 0; i < data.length; i++) data[i] = f(x.data[i], i);
  return stored(x, data);
}

/** The mean of each sample, in double precision; NaN for samples without elements. */
export function mean(x: Tensor): number[] {
  checkTensor('mean: x', x);
  const { samples, length } = rows(x);
  return samples.map((start) => sum(length, (i) => x.data[start + i]) / length);
}

/**
 * The standard deviation of each sample, in double precision: unbiased (divided by n − 1) unless `correction` is 0.
 * NaN for samples with nothing to divide by.
 */
export function std(x: Tensor, correction: 0 | 1 = 1): number[] {
  checkCorrection('std: the correction', correction);
  const means = mean(x);
  const { samples, length } = rows(x);
  return samples.map((start, s) => {
    const squares = sum(length, (i) => {
      const deviation = x.data[start + i] - means[s];
      return deviation * deviation;
    });
    return Math.sqrt(squares / (length - correction));
  });
}

/** ⟨a, b⟩ of each sample, in double precision. */
export function dot(a: Tensor, b: Tensor): number[] {
  assertAlike('dot', a, b);
  const { samples, length } = rows(a);
  return samples.map((start) => sum(length, (i) => a.data[start + i] * b.data[start + i]));
}

/** The Euclidean norm of each sample, in double precision. */
export function norm(x: Tensor): number[] {
  return dot(x, x).map(Math.sqrt);
}

/**
 * The q-quantile of |x| of each sample, interpolated between the two neighbours as `torch.quantile` does, its roundings
 * to x's dtype included. NaN if the sample holds a NaN, or nothing.
 * @param x of f32 or f64, as in PyTorch
 * @param q from 0 to 1
 * @throws InputError for another dtype, or another q
 */
export function absQuantile(x: Tensor, q: number): number[] {
  if (!(typeof q === 'number' && q >= 0 && q <= 1))
    throw new InputError(`absQuantile: q must lie in [0, 1], but is ${shown(q)}`);
  checkTensor('absQuantile: x', x);
  if (x.dtype !== 'f32' && x.dtype !== 'f64')
    throw new InputError(`absQuantile is defined for f32 and f64, not for ${x.dtype}`);
  const round = x.dtype === 'f32' ? Math.fround : (value: number) => value;
  const { samples, length } = rows(x);
  const rank = round(round(q) * (length - 1));
  const below = Math.floor(rank);
  const weight = round(rank - below);
  return samples.map((start) => {
    const sizes = x.data
      .slice(start, start + length)
      .map(Math.abs)
      .sort();
    if (Number.isNaN(sizes[length - 1])) return NaN; // sort puts NaN last
    const low = sizes[below];
    const high = sizes[Math.ceil(rank)];
    const gap = round(high - low);
    return round(weight < 0.5 ? multiplyAdd(weight, gap, low) : multiplyAdd(round(weight - 1), gap, high));
  });
}

/** a · b + c with one rounding: the fused operation with which PyTorch interpolates. */
function multiplyAdd(a: number, b: number, c: number): number {
  const product = twoProduct(a, b);
  const sum = twoSum(product.hi, c);
  return sum.hi + (sum.lo + product.lo);
}

/** The number of samples of x, and where each starts. A tensor without dimensions is one sample. */
function rows(x: Tensor): { samples: number[]; length: number } {
  const count = x.shape[0] ?? 1;
  const length = count === 0 ? 0 : x.data.length / count;
  return { samples: Array.from({ length: count }, (_, sample) => sample * length), length };
}

function sum(length: number, term: (index: number) => number): number {
  let total = 0;
  for (let i = 0; i < length; i++) total += term(i);
  return total;
}

function zip(name: string, a: Tensor, b: Tensor, f: (x: number, y: number) => number): Tensor {
  assertAlike(name, a, b);
  const data = allocate(a.dtype, a.data.length);
  for (let i = 0; i < data.length; i++) data[i] = f(a.data[i], b.data[i]);
  return stored(a, data);
}

/** f(value, number) for each element, with the number rounded to `numberDType` of x's. */
function mapWithNumber(
  name: string,
  x: Tensor,
  numbers: PerSample,
  numberDType: (dtype: DType) => DType,
  f: (value: number, number: number) => number,
): Tensor {
  checkTensor(`${name}: x`, x);
  checkNumbers(`${name}: the number`, numbers);
  const { samples, length } = rows(x);
  if (typeof numbers !== 'number' && numbers.length !== samples.length) {
    throw new InputError(
      `${name}: ${numbers.length} numbers were given for the ${samples.length} samples of shape ${shapeText(x.shape)}`,
    );
  }
  const data = allocate(x.dtype, x.data.length);
  samples.forEach((start, s) => {
    const number = roundTo(numberDType(x.dtype), typeof numbers === 'number' ? numbers : numbers[s]);
    for (let i = start; i < start + length; i++) data[i] = f(x.data[i], number);
  });
  return stored(x, data);
}

function ownDType(dtype: DType): DType {
  return dtype;
}

/** The precision in which products and quotients of tensors of `dtype` are computed. */
function computingDType(dtype: DType): DType {
  return dtype === 'f64' ? 'f64' : 'f32';
}

/** `data`, just written, as a tensor like x. Writing to a Float32Array has rounded to f32 already. */
function stored(x: Tensor, data: Tensor['data']): Tensor {
  roundInPlace(x.dtype, data);
  return { dtype: x.dtype, shape: x.shape, data };
}

const checkNumbers = mustBe('one for all samples, or a list with one for each', (value) =>
  (Array.isArray(value) ? value : [value]).every((entry) => typeof entry === 'number'),
);

const checkCorrection = mustBe('0 or 1', (value) => value === 0 || value === 1);

const anElementwise = aFunction('a function of a value and its index');

const checkTerms = mustBe(
  'a list of pairs [factor, tensor]',
  (terms) => Array.isArray(terms) && terms.every((term) => Array.isArray(term)),
);

function assertAlike(name: string, a: Tensor, b: Tensor): void {
  checkTensor(`${name}: the first operand`, a);
  checkTensor(`${name}: the second operand`, b);
  if (!sameShape(a.shape, b.shape)) {
    throw new InputError(`${name}: the shapes ${shapeText(a.shape)} and ${shapeText(b.shape)} differ`);
  }
  if (a.dtype !== b.dtype) throw new InputError(`${name}: the dtypes ${a.dtype} and ${b.dtype} differ`);
}
