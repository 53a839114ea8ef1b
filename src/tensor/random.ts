/**
 * The random numbers of PyTorch on a CPU: `torch.manual_seed`, `torch.rand`, `torch.randn`, `torch.randperm`,
 * `Tensor.uniform_`.
 * Source: PyTorch's ATen/native/cpu/DistributionTemplates.h and ATen/core/DistributionsHelper.h.
 *
 * Bit for bit PyTorch's, on the processors where it is vectorised (x86 with AVX2 or AVX-512): uniform numbers of every
 * dtype, normal ones of f32, f16 and bf16. Normal numbers of f64 take the logarithm, sine and cosine of the C library
 * there and ours here: the last bit of 1.4 % of them differs.
 */
import { InputError } from './errors.ts';
import { copyTwister, mersenneTwister, nextWord } from './mersenne-twister.ts';
import type { MersenneTwister } from './mersenne-twister.ts';
import { normalPair, normalPairOfDoubles } from './normal-pair.ts';
import { canBeOrdered, shuffled } from './permutation.ts';
import { roundInPlace } from './rounding.ts';
import { shown } from './shown.ts';
import { zeros, type DType, type FloatArray, type Tensor } from './tensor.ts';

/**
 * A stream of random numbers. The one thing in this library that changes when it is used: each draw moves it on.
 * Draws throw an InputError for an unknown dtype (the default is f32), or a shape that is none.
 */
export interface Generator {
  /** Uniform numbers in [0, 1), as `torch.rand`. */
  rand(shape: readonly number[], dtype?: DType): Tensor;
  /**
   * Normal numbers of mean 0 and variance 1, as `torch.randn`. f64 draws other numbers than f32; f16 and bf16 the same,
   * rounded, but for the last 16 of a number that is no multiple of 16, behind which the generator stands elsewhere.
   */
  randn(shape: readonly number[], dtype?: DType): Tensor;
  /**
   * The numbers from 0 to count − 1 in a random order, as `torch.randperm`; one word for each but the last.
   * @throws InputError unless `count` is a whole number from 0 to 2³² / 20, above which PyTorch draws otherwise
   */
  randperm(count: number): readonly number[];
  /** A generator that will draw what this one would, and does not move it: a snapshot, for replays. */
  clone(): Generator;
}

/**
 * As `torch.Generator().manual_seed(seed)`: of the seed, in two's complement, only the lowest 32 bits count.
 * @param seed from −2⁶³ to 2⁶⁴ − 1, as PyTorch takes it; a bigint beyond ±(2⁵³ − 1), which numbers cannot hold
 * @throws InputError for any other
 */
export function manualSeed(seed: number | bigint): Generator {
  return generatorFrom({ twister: mersenneTwister(lowestBits(seed)), spareNormal: undefined });
}

function lowestBits(seed: number | bigint): number {
  const whole = typeof seed === 'bigint' || Number.isSafeInteger(seed) ? BigInt(seed) : undefined;
  if (whole === undefined || whole < -(2n ** 63n) || whole >= 2n ** 64n)
    throw new InputError(
      'a seed is a whole number from −2^63 to 2^64 − 1 (a bigint where it is beyond 2^53), ' +
        `but ${String(seed)} was given`,
    );
  return Number(BigInt.asUintN(32, whole));
}

/**
 * Uniform float32 numbers in [low, high), as `torch.empty(shape).uniform_(low, high)`: low + u · (high − low), where
 * the difference is rounded to float32 and the rest rounded once (PyTorch's builds for AVX2 and AVX-512 fuse it).
 */
export function uniform(generator: Generator, shape: readonly number[], low: number, high: number): Tensor {
  const from = Math.fround(low);
  const width = Math.fround(Math.fround(high) - from);
  const { data } = generator.rand(shape);
  return { dtype: 'f32', shape, data: data.map((u) => u * width + from) };
}

/**
 * The bound b of the uniform numbers in [−b, b) with which PyTorch initialises the weight of a Linear or convolution of
 * so many inputs to each output: `kaiming_uniform_(a = √5)`, evaluated as there. It is 1/√fanIn up to rounding; for the
 * bias it is exactly that.
 */
export function kaimingUniformBound(fanIn: number): number {
  const slope = Math.sqrt(5);
  const gain = Math.sqrt(2 / (1 + slope * slope));
  return Math.sqrt(3) * (gain / Math.sqrt(fanIn));
}

interface State {
  readonly twister: MersenneTwister;
  /** The second of a pair of normal numbers, which short draws keep for later. */
  spareNormal: number | undefined;
}

function generatorFrom(state: State): Generator {
  return {
    rand: (shape, dtype = 'f32') => {
      const x = zeros(dtype, shape);
      fillUniform(state, x.data);
      roundInPlace(dtype, x.data);
      // Of the half types some round to 1, which is no result: PyTorch begins again at 0.
      for (let i = x.data.indexOf(1); i >= 0; i = x.data.indexOf(1, i)) x.data[i] = 0;
      return x;
    },
    randn: (shape, dtype = 'f32') => {
      const x = zeros(dtype, shape);
      if (x.data.length < BLOCK) fillNormalOneByOne(state, x.data);
      else fillNormalInBlocks(state, x.data, dtype);
      roundInPlace(dtype, x.data);
      return x;
    },
    randperm(count) {
      if (!canBeOrdered(count))
        throw new InputError(`randperm: the count is ${shown(count)}; it must be a whole number from 0 to 214748364`);
      return [...shuffled(state.twister, count)];
    },
    clone: () => generatorFrom({ twister: copyTwister(state.twister), spareNormal: state.spareNormal }),
  };
}

/** 24 random bits for a float32, from one word; 53 for a double, from two, the upper one first. */
function fillUniform({ twister }: State, data: FloatArray): void {
  for (let i = 0; i < data.length; i++) {
    data[i] = data instanceof Float32Array ? (nextWord(twister) & 0xffffff) * 2 ** -24 : nextUniformDouble(twister);
  }
}

function nextUniformDouble(twister: MersenneTwister): number {
  const upper = nextWord(twister) & 0x1fffff;
  return (upper * 2 ** 32 + nextWord(twister)) * 2 ** -53;
}

const BLOCK = 16;
const PAIRS = 8;

/**
 * Pairs of normal numbers from blocks of 16 uniform ones; if the last block is not full, the last 16 numbers are drawn
 * anew. f32 and f64 draw a uniform number for each normal one before that, the half types only for the full blocks.
 */
function fillNormalInBlocks(state: State, data: FloatArray, dtype: DType): void {
  const rest = data.length % BLOCK;
  const isHalf = dtype === 'f16' || dtype === 'bf16';
  fillUniform(state, isHalf ? data.subarray(0, data.length - rest) : data);
  for (let start = 0; start + BLOCK <= data.length; start += BLOCK)
    uniformToNormal(data.subarray(start, start + BLOCK));
  if (rest !== 0) {
    const last = data.subarray(data.length - BLOCK);
    fillUniform(state, last);
    uniformToNormal(last);
  }
}

/** The numbers j and j + 8 of a block become the pair of normal numbers that they make. */
function uniformToNormal(block: FloatArray): void {
  const pairOf = block instanceof Float32Array ? normalPair : normalPairOfDoubles;
  for (let j = 0; j < PAIRS; j++) [block[j], block[j + PAIRS]] = pairOf(block[j], block[j + PAIRS]);
}

/**
 * Fewer than 16 numbers are drawn one at a time, in double precision whatever the dtype; every second one is the spare
 * of a pair.
 */
function fillNormalOneByOne(state: State, data: FloatArray): void {
  for (let i = 0; i < data.length; i++) {
    if (state.spareNormal !== undefined) {
      data[i] = state.spareNormal;
      state.spareNormal = undefined;
      continue;
    }
    const ofAngle = nextUniformDouble(state.twister);
    [data[i], state.spareNormal] = normalPairOfDoubles(nextUniformDouble(state.twister), ofAngle);
  }
}
