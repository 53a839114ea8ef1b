/** 2ⁿ for |n| ≤ 600, exactly. */
export function powerOfTwo(n: number): number {
  return POWERS[n + REACH];
}

const REACH = 600;
const POWERS = new Float64Array(2 * REACH + 1);
for (let n = 0, up = 1, down = 1; n <= REACH; n++, up *= 2, down /= 2) {
  POWERS[REACH + n] = up;
  POWERS[REACH - n] = down;
}
