/** Brings an angle into [−π/4, π/4] by whole quarter turns. */
import { decompose } from './decompose.ts';
import { powerOfTwo } from './powers-of-two.ts';
import { twoSum } from './wide.ts';

/** x = quarterTurns · π/2 + hi + lo with quadrant = quarterTurns mod 4. */
export interface ReducedAngle {
  readonly quadrant: 0 | 1 | 2 | 3;
  readonly hi: number;
  readonly lo: number;
}

const QUARTER_TURN = Math.PI / 2;
/** 1.5 · 2⁵²: adding and subtracting it rounds to the nearest integer, ties to even. */
const ROUNDER = 6755399441055744;
/**
 * π/2 in three parts; the first two have 33 significant bits, so that n times them is exact for |n| ≤ 2²⁰
 * (scripts/minimax/constants.py).
 */
const PART_1 = 1.5707963267341256;
const PART_2 = 6.077100506303966e-11;
const PART_3 = 2.0222662487959506e-21;
/** Angles up to 2²⁰ quarter turns take the quick way. */
const QUICK_LIMIT = 2 ** 20;
/** The quick way errs by 2⁻¹⁰⁰ at most; a smaller result than this would not be accurate enough. */
const QUICK_SMALLEST = 2 ** -20;

/** Reduces a finite x. The error is below 2⁻⁷⁰ of the result. */
export function reduce(x: number): ReducedAngle {
  if (Math.abs(x) <= Math.PI / 4) return { quadrant: 0, hi: x, lo: 0 };
  if (Math.abs(x) < QUICK_LIMIT) {
    const n = x / QUARTER_TURN + ROUNDER - ROUNDER;
    const difference = twoSum(x - n * PART_1, -n * PART_2);
    const { hi, lo } = twoSum(difference.hi, difference.lo - n * PART_3);
    if (Math.abs(hi) > QUICK_SMALLEST) return { quadrant: quadrantOf(n), hi, lo };
  }
  return reduceExactly(x);
}

const TWO_OVER_PI_BITS = 1200n;
const TWO_OVER_PI = BigInt(
  '0xa2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424dd2e006492eea09d1921cfe1d' +
    'eb1cb129a73ee88235f52ebb4484e99c7026b45f7e413991d639835339f49c845f8bbdf9283b1ff897ffde05980fef2f118b' +
    '5a0a6d1f6d367ecf27cb09b74f463f669e5fea2d7527bac7ebe5f17b3d0739f78a5292ea6bfb5fb11f8d5d0856033046fc7b',
);
const FRACTION_BITS = 200n;
const HALF_PI = BigInt('0x1921fb54442d18469898cc51701b839a252049c1114cf98e804');

/**
 * The same in integers with as many digits of 2/π as the largest double needs (Payne and Hanek, 1983).
 * Slow, and rare: for huge angles, and for those next to a multiple of π/2.
 */
function reduceExactly(x: number): ReducedAngle {
  const { significand, exponent } = decompose(x);
  const signed = BigInt(x < 0 ? -significand : significand);
  // The number of quarter turns, with FRACTION_BITS binary digits after the point.
  const turns = (signed * TWO_OVER_PI) >> (TWO_OVER_PI_BITS - BigInt(exponent) - FRACTION_BITS);
  const whole = (turns + (1n << (FRACTION_BITS - 1n))) >> FRACTION_BITS;
  const angle = ((turns - (whole << FRACTION_BITS)) * HALF_PI) >> FRACTION_BITS;
  const hi = Number(angle);
  const lo = Number(angle - BigInt(hi));
  const unit = powerOfTwo(-Number(FRACTION_BITS));
  return { quadrant: quadrantOf(Number(whole & 3n)), hi: hi * unit, lo: lo * unit };
}

function quadrantOf(n: number): 0 | 1 | 2 | 3 {
  return (n & 3) as 0 | 1 | 2 | 3;
}
