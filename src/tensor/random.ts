/**
 * The random numbers of PyTorch on a CPU: `torch.manual_seed`, `torch.rand`, `torch.randn`, `Tensor.uniform_`.
 * Source: PyTorch's ATen/native/cpu/DistributionTemplates.h and ATen/core/DistributionsHelper.h.
 *
 * Uniform numbers are PyTorch's bit for bit. Normal numbers follow its steps, each rounded as there, but with our log,
 * sin and cos; PyTorch's vectorised float32 versions err by a few units of the last place, and so the two differ by as
 * much.
 */
import { InputError } from './errors.ts';
import { cos, log, sin } from './math/index.ts';
import { copyTwister, mersenneTwister, nextWord } from './mersenne-twister.ts';
import type { MersenneTwister } from './mersenne-twister.ts';
import { zeros, type Tensor } from './tensor.ts';

/**
 * A stream of random numbers. The one thing in this library that changes when it is used: each draw moves it on.
 * Draws throw an InputError for a dtype other than f32 (the default) and f64, or a shape that is none.
 */
export interface Generator {
  /** Uniform numbers in [0, 1), as `torch.rand`. */
  rand(shape: readonly number[], dtype?: 'f32' | 'f64'): Tensor;
  /** Normal numbers of mean 0 and variance 1, as `torch.randn`. */
  randn(shape: readonly number[], dtype?: 'f32' | 'f64'): Tensor;
  /** A generator that will draw what this one would, and does not move it: a snapshot, for replays. */
  clone(): Generator;
}

/**
 * As `torch.Generator().manual_seed(seed)`: of the seed only the lowest 32 bits count.
 * @throws InputError unless the seed is an integer in [0, 2⁵³)
 */
export function manualSeed(seed: number): Generator {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new InputError(`a seed is an integer from 0 to 2^53 − 1, but ${seed} was given`);
  return generatorFrom({ twister: mersenneTwister(seed), spareNormal: undefined });
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
      const x = drawn(shape, dtype);
      fillUniform(state, x.data);
      return x;
    },
    randn: (shape, dtype = 'f32') => {
      const x = drawn(shape, dtype);
      if (x.data.length < BLOCK) fillNormalOneByOne(state, x.data);
      else fillNormalInBlocks(state, x.data);
      return x;
    },
    clone: () => generatorFrom({ twister: copyTwister(state.twister), spareNormal: state.spareNormal }),
  };
}

/** The tensor that a draw fills. */
function drawn(shape: readonly number[], dtype: 'f32' | 'f64'): Tensor {
  if (dtype !== 'f32' && dtype !== 'f64')
    throw new InputError(
      `random numbers are drawn in f32 or f64, not in ${String(dtype)}; draw them so, then cast them`,
    );
  return zeros(dtype, shape);
}

/** 24 random bits for a float32, from one word; 53 for a double, from two, the upper one first. */
function fillUniform({ twister }: State, data: Float32Array | Float64Array): void {
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
 * Box and Muller's method on blocks of 16 uniform numbers; if the last block is not full, the last 16 numbers are drawn
 * anew.
 */
function fillNormalInBlocks(state: State, data: Float32Array | Float64Array): void {
  fillUniform(state, data);
  for (let start = 0; start + BLOCK <= data.length; start += BLOCK)
    uniformToNormal(data.subarray(start, start + BLOCK));
  if (data.length % BLOCK !== 0) {
    const last = data.subarray(data.length - BLOCK);
    fillUniform(state, last);
    uniformToNormal(last);
  }
}

/** The numbers j and j + 8 of a block become r·cos θ and r·sin θ, r = √(−2 ln(1 − uⱼ)), θ = 2π·uⱼ₊₈. */
function uniformToNormal(block: Float32Array | Float64Array): void {
  const round = block instanceof Float32Array ? Math.fround : (value: number) => value;
  const fullTurn = round(2 * Math.PI);
  for (let j = 0; j < PAIRS; j++) {
    const radius = round(Math.sqrt(round(-2 * round(log(1 - block[j])))));
    const angle = round(fullTurn * block[j + PAIRS]);
    block[j] = radius * round(cos(angle));
    block[j + PAIRS] = radius * round(sin(angle));
  }
}

/**
 * Fewer than 16 numbers are drawn one at a time, in double precision whatever the dtype; every second one is the spare
 * of a pair.
 */
function fillNormalOneByOne(state: State, data: Float32Array | Float64Array): void {
  for (let i = 0; i < data.length; i++) {
    if (state.spareNormal !== undefined) {
      data[i] = state.spareNormal;
      state.spareNormal = undefined;
      continue;
    }
    const angle = 2 * Math.PI * nextUniformDouble(state.twister);
    const radius = Math.sqrt(-2 * log(1 - nextUniformDouble(state.twister)));
    data[i] = radius * cos(angle);
    state.spareNormal = radius * sin(angle);
  }
}
