import { wideLog } from './log.ts';
import { powerOfTwo } from './powers-of-two.ts';
import { twoProduct, twoSum } from './wide.ts';
import { wideExp } from './wide-exp.ts';

/**
 * x to the power of y = exp(y · ln |x|), with the sign that an odd integer y gives a negative x.
 * Error: at most 0.501 ulp, so it is exact where the result is a double (small integer powers, for instance).
 * Special values as in C99: pow(x, 0) = pow(1, y) = 1, a negative x with a y that is no integer gives NaN.
 */
export function pow(x: number, y: number): number {
  if (y === 0 || x === 1) return 1;
  if (Number.isNaN(x) || Number.isNaN(y)) return NaN;
  const isInteger = Math.floor(y) === y;
  if (x < 0 && !isInteger && x !== -Infinity) return NaN;
  const isOdd = isInteger && Math.abs(y % 2) === 1;
  const isNegative = isOdd && (x < 0 || Object.is(x, -0));
  const size = powerOfSize(Math.abs(x), y);
  return isNegative ? -size : size;
}

/** Beyond this every base but 1 gives 0 or ∞. */
const LARGEST_EXPONENT = 2 ** 64;

function powerOfSize(x: number, y: number): number {
  if (x === 0 || x === Infinity) return (x === 0) === y > 0 ? 0 : Infinity;
  const logarithm = wideLog(x);
  const exponent = Math.max(-LARGEST_EXPONENT, Math.min(LARGEST_EXPONENT, y));
  const product = twoProduct(logarithm.hi, exponent);
  const argument = twoSum(product.hi, product.lo + logarithm.lo * exponent);
  if (argument.hi > 710) return Infinity;
  if (argument.hi < -746) return 0;
  const { value, exponent: n } = wideExp(argument);
  // 2ⁿ in two factors, since n reaches from −1076 to 1024.
  const half = n >> 1;
  return (value.hi + value.lo) * powerOfTwo(half) * powerOfTwo(n - half);
}
