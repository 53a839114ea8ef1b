/**
 * `numpy.random.SeedSequence`: 32-bit seeds for many generators from one, M. E. O'Neill's `seed_seq_fe`. Every word of
 * the entropy changes every seed.
 */

/** A number of 32 bits that a hash multiplies by a constant from one value to the next. */
interface Hash {
  constant: number;
  readonly factor: number;
}

const word = 32n;

/**
 * `SeedSequence(entropy, spawn_key=spawnKey, pool_size=poolSize).generate_state(count)`.
 * @param entropy from 0
 * @param spawnKey where in a tree of generators: whole numbers from 0; empty at its root
 * @param poolSize how many words are mixed, at least 4
 * @returns `count` numbers of 32 bits
 */
export function seedStates(
  entropy: bigint,
  spawnKey: readonly number[],
  poolSize: number,
  count: number,
): readonly number[] {
  const pool = mixedPool(assembled(entropy, spawnKey, poolSize), poolSize);
  const hash = { constant: 0x8b51f9dd, factor: 0x58f38ded };
  return Array.from({ length: count }, (_, i) => hashed(hash, pool[i % poolSize] ?? 0));
}

/** The words of the entropy and, behind as many as the pool has, those of the spawn key. */
function assembled(entropy: bigint, spawnKey: readonly number[], poolSize: number): readonly number[] {
  const own = wordsOf(entropy);
  if (spawnKey.length === 0) return own;
  const padding = Array.from({ length: Math.max(poolSize - own.length, 0) }, () => 0);
  return [...own, ...padding, ...spawnKey.flatMap((key) => wordsOf(BigInt(key)))];
}

/** The 32-bit words of a number, the lowest first; of 0 one. */
function wordsOf(value: bigint): readonly number[] {
  const low = Number(BigInt.asUintN(32, value));
  return value >> word === 0n ? [low] : [low, ...wordsOf(value >> word)];
}

function mixedPool(entropy: readonly number[], poolSize: number): readonly number[] {
  const hash = { constant: 0x43b0d7e5, factor: 0x931e8875 };
  const pool = Array.from({ length: poolSize }, (_, i) => hashed(hash, entropy[i] ?? 0));
  for (let from = 0; from < poolSize; from++)
    for (let to = 0; to < poolSize; to++)
      if (from !== to) pool[to] = mixed(pool[to] ?? 0, hashed(hash, pool[from] ?? 0));
  for (const rest of entropy.slice(poolSize))
    for (let to = 0; to < poolSize; to++) pool[to] = mixed(pool[to] ?? 0, hashed(hash, rest));
  return pool;
}

/** A hash of a word, which moves the hash on. */
function hashed(hash: Hash, value: number): number {
  const marked = value ^ hash.constant;
  hash.constant = Math.imul(hash.constant, hash.factor);
  return folded(Math.imul(marked, hash.constant));
}

function mixed(x: number, y: number): number {
  return folded(Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y));
}

/** The upper half of a word upon its lower half. */
function folded(value: number): number {
  const bits = value >>> 0;
  return (bits ^ (bits >>> 16)) >>> 0;
}
