/** MT19937, the generator of 32-bit integers of Matsumoto and Nishimura (1998). */

const SIZE = 624;
const MIDDLE = 397;
const UPPER_BIT = 0x80000000;
const LOWER_BITS = 0x7fffffff;
const TWIST = 0x9908b0df;

/** The state: 624 words, and how many of them have been given out. `nextWord` changes it. */
export interface MersenneTwister {
  readonly words: Uint32Array;
  used: number;
}

/** The state that the reference code's `init_genrand` makes of a seed; only its lowest 32 bits count. */
export function mersenneTwister(seed: number): MersenneTwister {
  const words = new Uint32Array(SIZE);
  words[0] = seed % 2 ** 32;
  for (let i = 1; i < SIZE; i++) words[i] = Math.imul(1812433253, words[i - 1] ^ (words[i - 1] >>> 30)) + i;
  return { words, used: SIZE };
}

/** A generator in the same state, which moves on its own. */
export function copyTwister(twister: MersenneTwister): MersenneTwister {
  return { words: twister.words.slice(), used: twister.used };
}

/** The next integer in [0, 2³²). */
export function nextWord(twister: MersenneTwister): number {
  if (twister.used === SIZE) {
    renew(twister.words);
    twister.used = 0;
  }
  let word = twister.words[twister.used++];
  word ^= word >>> 11;
  word ^= (word << 7) & 0x9d2c5680;
  word ^= (word << 15) & 0xefc60000;
  return (word ^ (word >>> 18)) >>> 0;
}

function renew(words: Uint32Array): void {
  for (let i = 0; i < SIZE; i++) {
    const joined = (words[i] & UPPER_BIT) | (words[(i + 1) % SIZE] & LOWER_BITS);
    words[i] = words[(i + MIDDLE) % SIZE] ^ (joined >>> 1) ^ (joined & 1 ? TWIST : 0);
  }
}
