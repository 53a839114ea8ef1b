/**
 * The instructions that kernels use, as functions of typed expressions. They are named and numbered as in the
 * WebAssembly core specification 2.0 with the threads and relaxed-SIMD proposals. Addresses and constant offsets are in
 * bytes.
 */
import { expr } from './code.ts';
import type { Code, Expr, F32, F64, I32, V128, ValueType } from './code.ts';
import { f32Bytes, f64Bytes, i32Bytes, signed, unsigned } from './encoding.ts';

type Unary<A extends ValueType, R extends ValueType> = (a: Expr<A>) => Expr<R>;
type Binary<A extends ValueType, B extends ValueType, R extends ValueType> = (a: Expr<A>, b: Expr<B>) => Expr<R>;

function unary<A extends ValueType, R extends ValueType>(result: R, opcode: string): Unary<A, R> {
  return (a) => expr(result, a.code + opcode);
}
function binary<A extends ValueType, B extends ValueType, R extends ValueType>(
  result: R,
  opcode: string,
): Binary<A, B, R> {
  return (a, b) => expr(result, a.code + b.code + opcode);
}

/** The prefix of every SIMD instruction, with the instruction's number. */
const simd = (number: number): string => `\xfd${unsigned(number)}`;
const vectorUnary = (number: number): Unary<'v128', 'v128'> => unary('v128', simd(number));
const vectorBinary = (number: number): Binary<'v128', 'v128', 'v128'> => binary('v128', simd(number));
const vectorShift = (number: number): Binary<'v128', 'i32', 'v128'> => binary('v128', simd(number));

/** An address operand: alignment (as a power of two) and constant offset in bytes. */
export const memoryOperand = (align: number, offset: number): string => unsigned(align) + unsigned(offset);

const load =
  <T extends ValueType>(type: T, opcode: string, align: number) =>
  (address: I32, offset = 0): Expr<T> =>
    expr(type, address.code + opcode + memoryOperand(align, offset));
const store =
  <T extends ValueType>(opcode: string, align: number) =>
  (address: I32, value: Expr<T>, offset = 0): Code =>
    address.code + value.code + opcode + memoryOperand(align, offset);
const extractLane =
  <T extends ValueType>(type: T, number: number) =>
  (a: V128, lane: number): Expr<T> =>
    expr(type, a.code + simd(number) + unsigned(lane));
const storeLane =
  (number: number, align: number) =>
  (address: I32, value: V128, lane: number, offset = 0): Code =>
    address.code + value.code + simd(number) + memoryOperand(align, offset) + unsigned(lane);

/** 32-bit integers. Comparisons give 1 or 0; `S` compares signed, `U` divides unsigned. */
export const i32 = {
  /** Modulo 2³². */
  const: (value: number): I32 => expr('i32', `\x41${signed(value)}`),
  eqz: unary<'i32', 'i32'>('i32', '\x45'),
  eq: binary<'i32', 'i32', 'i32'>('i32', '\x46'),
  ne: binary<'i32', 'i32', 'i32'>('i32', '\x47'),
  ltS: binary<'i32', 'i32', 'i32'>('i32', '\x48'),
  gtS: binary<'i32', 'i32', 'i32'>('i32', '\x4a'),
  geS: binary<'i32', 'i32', 'i32'>('i32', '\x4e'),
  add: binary<'i32', 'i32', 'i32'>('i32', '\x6a'),
  sub: binary<'i32', 'i32', 'i32'>('i32', '\x6b'),
  mul: binary<'i32', 'i32', 'i32'>('i32', '\x6c'),
  divU: binary<'i32', 'i32', 'i32'>('i32', '\x6e'),
  remU: binary<'i32', 'i32', 'i32'>('i32', '\x70'),
  and: binary<'i32', 'i32', 'i32'>('i32', '\x71'),
  or: binary<'i32', 'i32', 'i32'>('i32', '\x72'),
  shl: binary<'i32', 'i32', 'i32'>('i32', '\x74'),
  load: load('i32', '\x28', 2),
  store: store<'i32'>('\x36', 2),
  atomicLoad: load('i32', '\xfe\x10', 2),
  atomicStore: store<'i32'>('\xfe\x17', 2),
  /** Adds to memory; the value before. */
  atomicAdd: (address: I32, value: I32, offset = 0): I32 =>
    expr('i32', `${address.code}${value.code}\xfe\x1e${memoryOperand(2, offset)}`),
};

/** Single-precision numbers. */
export const f32 = {
  const: (value: number): F32 => expr('f32', `\x43${f32Bytes(value)}`),
  load: load('f32', '\x2a', 2),
  store: store<'f32'>('\x38', 2),
  add: binary<'f32', 'f32', 'f32'>('f32', '\x92'),
  demote: unary<'f64', 'f32'>('f32', '\xb6'),
};

/** Double-precision numbers. */
export const f64 = {
  const: (value: number): F64 => expr('f64', `\x44${f64Bytes(value)}`),
  load: load('f64', '\x2b', 3),
  store: store<'f64'>('\x39', 3),
  sqrt: unary<'f64', 'f64'>('f64', '\x9f'),
  add: binary<'f64', 'f64', 'f64'>('f64', '\xa0'),
  sub: binary<'f64', 'f64', 'f64'>('f64', '\xa1'),
  mul: binary<'f64', 'f64', 'f64'>('f64', '\xa2'),
  div: binary<'f64', 'f64', 'f64'>('f64', '\xa3'),
  promote: unary<'f32', 'f64'>('f64', '\xbb'),
};

/** Vectors as 128 bits, and their way from and to memory. */
export const v128 = {
  load: load('v128', simd(0), 2),
  load32Splat: load('v128', simd(9), 2),
  load32Zero: load('v128', simd(92), 2),
  load64Splat: load('v128', simd(10), 3),
  load64Zero: load('v128', simd(93), 2),
  store: store<'v128'>(simd(11), 2),
  store32Lane: storeLane(90, 2),
  store64Lane: storeLane(91, 2),
  /** Four 32-bit integers. */
  const: (a: number, b: number, c: number, d: number): V128 =>
    expr('v128', simd(12) + i32Bytes(a) + i32Bytes(b) + i32Bytes(c) + i32Bytes(d)),
  not: vectorUnary(77),
  and: vectorBinary(78),
  andnot: vectorBinary(79),
  or: vectorBinary(80),
  xor: vectorBinary(81),
  /** The bits of a where the mask is 1, of b elsewhere. */
  select: (a: V128, b: V128, mask: V128): V128 => expr('v128', a.code + b.code + mask.code + simd(82)),
  anyTrue: unary<'v128', 'i32'>('i32', simd(83)),
  /** Sixteen bytes taken from a (0–15) and b (16–31). */
  shuffle: (a: V128, b: V128, lanes: readonly number[]): V128 =>
    expr('v128', a.code + b.code + simd(13) + String.fromCharCode(...lanes)),
};

/** Two 64-bit lanes taken from a (0, 1) and b (2, 3). */
export function shuffle64(a: V128, b: V128, lanes: readonly [number, number]): V128 {
  return shuffle32(a, b, [2 * lanes[0], 2 * lanes[0] + 1, 2 * lanes[1], 2 * lanes[1] + 1]);
}

/** Four 32-bit lanes taken from a (0–3) and b (4–7). */
export function shuffle32(a: V128, b: V128, lanes: readonly [number, number, number, number]): V128 {
  const bytes = lanes.flatMap((lane) => [4 * lane, 4 * lane + 1, 4 * lane + 2, 4 * lane + 3]);
  return v128.shuffle(a, b, bytes);
}

/** Vectors of four single-precision numbers. Comparisons give masks: all bits of a lane, or none. */
export const f32x4 = {
  const: (value: number): V128 => {
    const bytes = f32Bytes(value);
    return expr('v128', simd(12) + bytes + bytes + bytes + bytes);
  },
  splat: unary<'f32', 'v128'>('v128', simd(19)),
  extractLane: extractLane('f32', 31),
  eq: vectorBinary(65),
  ne: vectorBinary(66),
  lt: vectorBinary(67),
  gt: vectorBinary(68),
  le: vectorBinary(69),
  ge: vectorBinary(70),
  demoteZero: vectorUnary(94),
  nearest: vectorUnary(106),
  floor: vectorUnary(104),
  abs: vectorUnary(224),
  neg: vectorUnary(225),
  sqrt: vectorUnary(227),
  add: vectorBinary(228),
  sub: vectorBinary(229),
  mul: vectorBinary(230),
  div: vectorBinary(231),
  min: vectorBinary(232),
  max: vectorBinary(233),
  /** b < a ? b : a, and a < b ? b : a: one instruction each where min and max need several for NaN and −0. */
  pmin: vectorBinary(234),
  pmax: vectorBinary(235),
  convertI32: vectorUnary(250),
  /** a · b + c, with one rounding or two as the engine likes (relaxed SIMD). */
  relaxedMadd: (a: V128, b: V128, c: V128): V128 => expr('v128', a.code + b.code + c.code + simd(0x105)),
};

/** Vectors of four 32-bit integers. */
export const i32x4 = {
  splat: unary<'i32', 'v128'>('v128', simd(17)),
  const: (value: number): V128 => v128.const(value, value, value, value),
  eq: vectorBinary(55),
  ltS: vectorBinary(57),
  gtS: vectorBinary(59),
  shl: vectorShift(171),
  shrS: vectorShift(172),
  shrU: vectorShift(173),
  add: vectorBinary(174),
  sub: vectorBinary(177),
  maxU: vectorBinary(185),
  /** Towards zero; NaN → 0, out of range → the nearest integer. */
  truncF32: vectorUnary(248),
  /** The same of two doubles; the upper lanes become 0. */
  truncF64Zero: vectorUnary(252),
  extractLane: extractLane('i32', 27),
};

/** Vectors of two double-precision numbers. Comparisons give masks. */
export const f64x2 = {
  const: (value: number): V128 => {
    const bytes = f64Bytes(value);
    return expr('v128', simd(12) + bytes + bytes);
  },
  splat: unary<'f64', 'v128'>('v128', simd(20)),
  extractLane: extractLane('f64', 33),
  eq: vectorBinary(71),
  ne: vectorBinary(72),
  lt: vectorBinary(73),
  gt: vectorBinary(74),
  ge: vectorBinary(76),
  promoteLow: vectorUnary(95),
  floor: vectorUnary(117),
  abs: vectorUnary(236),
  neg: vectorUnary(237),
  sqrt: vectorUnary(239),
  add: vectorBinary(240),
  sub: vectorBinary(241),
  mul: vectorBinary(242),
  div: vectorBinary(243),
  pmin: vectorBinary(246),
  pmax: vectorBinary(247),
};

/** Vectors of two 64-bit integers. */
export const i64x2 = {
  add: vectorBinary(206),
  sub: vectorBinary(209),
  shl: vectorShift(203),
  shrS: vectorShift(204),
};

/** The two upper floats of a vector, promoted to f64x2. */
export function promoteHigh(a: V128): V128 {
  return f64x2.promoteLow(shuffle32(a, a, [2, 3, 2, 3]));
}
