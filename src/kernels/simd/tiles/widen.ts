/** Numbers of 16 bits, as files keep them, made floats: exactly, since floats hold all of them. */
import { keyOf } from '../../key.ts';
import { f32x4, forRange, i32, i32x4, set, v128, when } from '../assembler/index.ts';
import type { Func, V128 } from '../assembler/index.ts';
import { at, kernel, type Library } from '../library.ts';
import { parallel } from '../threads/parallel.ts';

/** So many numbers, f16 or bf16; all are finite. */
export interface WidenSpec {
  readonly format: 'f16' | 'bf16';
  readonly length: number;
}

/** Numbers of a unit of work. */
const CHUNK = 16384;

/** The kernel of (thread, counters, numbers, floats). Of both it reads and writes whole groups of four. */
export function widenKernel(lib: Library, { format, length }: WidenSpec): Func {
  return kernel(lib, `widen${keyOf([format, length])}`, 2, (body) => {
    const [from0, to0] = body.pointers;
    const [from, to, i, count] = body.locals('i32');
    const four = body.local('v128');
    const groups = Math.ceil(length / 4);
    const units = Math.ceil((4 * groups) / CHUNK);
    const last = 4 * groups - (units - 1) * CHUNK;
    return parallel(lib, body, units, (unit) => [
      set(from, at(from0, unit, 2 * CHUNK)),
      set(to, at(to0, unit, 4 * CHUNK)),
      set(count, i32.const(CHUNK)),
      when(i32.eq(unit, i32.const(units - 1)), set(count, i32.const(last))),
      forRange(i, i32.const(0), count, 4, [
        set(four, v128.load64Zero(at(from, i, 2))),
        format === 'bf16' ? [] : set(four, spread(four, 'lower')),
        v128.store(at(to, i, 4), format === 'bf16' ? spread(four, 'upper') : asFloats(four)),
      ]),
    ]);
  });
}

/** Four 16-bit words as the lower or the upper halves of four lanes, zeros beside them. */
function spread(words: V128, half: 'lower' | 'upper'): V128 {
  const lanes = [0, 2, 4, 6].map((byte) => [byte, byte + 1]);
  const zeros = [16, 17];
  const ordered = lanes.flatMap((word) => (half === 'lower' ? [...word, ...zeros] : [...zeros, ...word]));
  return v128.shuffle(words, i32x4.const(0), ordered);
}

/**
 * Sign, exponent and fraction go to where a float has them. Its exponent is larger by 127 − 15, so what that makes is
 * 2¹¹² times too small; the product is exact, of f16's subnormals too.
 */
function asFloats(words: V128): V128 {
  const size = i32x4.shl(v128.and(words, i32x4.const(0x7fff)), i32.const(13));
  const sign = i32x4.shl(v128.and(words, i32x4.const(0x8000)), i32.const(16));
  return v128.or(f32x4.mul(size, f32x4.const(2 ** 112)), sign);
}
