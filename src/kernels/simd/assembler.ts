/**
 * A small assembler for WebAssembly modules: typed expressions in, the bytes of a module out.
 *
 * An expression is a value of a known WebAssembly type and the code that pushes it; a statement is code that leaves the
 * stack as it was. Both are plain data (nested lists of bytes), so a kernel generator is an ordinary function that
 * returns code. Instruction numbers are those of the WebAssembly core specification 2.0 with the threads and
 * relaxed-SIMD proposals.
 */

export type ValueType = 'i32' | 'f32' | 'f64' | 'v128';

/** Bytes, nested so that code is composed without copying. */
export type Code = readonly (number | Code)[];

/** Code that pushes one value of type `type`. */
export interface Expr<T extends ValueType = ValueType> {
  readonly type: T;
  readonly code: Code;
}

/** A parameter or local variable; as an expression it reads the variable. */
export interface Local<T extends ValueType = ValueType> extends Expr<T> {
  readonly index: number;
}

export type I32 = Expr<'i32'>;
export type F32 = Expr<'f32'>;
export type F64 = Expr<'f64'>;
export type V128 = Expr<'v128'>;

const typeByte: Readonly<Record<ValueType, number>> = {
  i32: 0x7f,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
};

/** Unsigned LEB128. Throws a RangeError for what is no whole number from 0 on, such as a negative offset. */
export function unsigned(value: number): number[] {
  if (!Number.isInteger(value) || value < 0) throw new RangeError(`${value} cannot be encoded as an unsigned integer`);
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low | 0x80 : low);
  } while (rest > 0);
  return bytes;
}

/** Signed LEB128 of a 32-bit integer. */
export function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(done ? low : low | 0x80);
    if (done) return bytes;
  }
}

function bytesOf(write: (view: DataView) => void, size: number): number[] {
  const view = new DataView(new ArrayBuffer(size));
  write(view);
  return [...new Uint8Array(view.buffer)];
}

const f32Bytes = (value: number): number[] => bytesOf((view) => view.setFloat32(0, value, true), 4);
const f64Bytes = (value: number): number[] => bytesOf((view) => view.setFloat64(0, value, true), 8);

function expr<T extends ValueType>(type: T, ...code: Code): Expr<T> {
  return { type, code };
}

type Unary<A extends ValueType, R extends ValueType> = (a: Expr<A>) => Expr<R>;
type Binary<A extends ValueType, B extends ValueType, R extends ValueType> = (a: Expr<A>, b: Expr<B>) => Expr<R>;

function unary<A extends ValueType, R extends ValueType>(result: R, ...opcode: number[]): Unary<A, R> {
  return (a) => expr(result, a.code, opcode);
}
function binary<A extends ValueType, B extends ValueType, R extends ValueType>(
  result: R,
  ...opcode: number[]
): Binary<A, B, R> {
  return (a, b) => expr(result, a.code, b.code, opcode);
}

/** The prefix of every SIMD instruction, with the instruction's number. */
const simd = (number: number): number[] => [0xfd, ...unsigned(number)];
const vectorUnary = (number: number): Unary<'v128', 'v128'> => unary('v128', ...simd(number));
const vectorBinary = (number: number): Binary<'v128', 'v128', 'v128'> => binary('v128', ...simd(number));
const vectorShift = (number: number): Binary<'v128', 'i32', 'v128'> => binary('v128', ...simd(number));

/** An address operand: alignment (as a power of two) and constant offset in bytes. */
const memoryOperand = (align: number, offset: number): number[] => [align, ...unsigned(offset)];

const load =
  <T extends ValueType>(type: T, opcode: number[], align: number) =>
  (address: I32, offset = 0): Expr<T> =>
    expr(type, address.code, opcode, memoryOperand(align, offset));
const store =
  <T extends ValueType>(opcode: number[], align: number) =>
  (address: I32, value: Expr<T>, offset = 0): Code => [address.code, value.code, opcode, memoryOperand(align, offset)];
const extractLane =
  <T extends ValueType>(type: T, number: number) =>
  (a: V128, lane: number): Expr<T> =>
    expr(type, a.code, simd(number), lane);
const storeLane =
  (number: number, align: number) =>
  (address: I32, value: V128, lane: number, offset = 0): Code => [
    address.code,
    value.code,
    simd(number),
    memoryOperand(align, offset),
    lane,
  ];

export const i32 = {
  const: (value: number): I32 => expr('i32', 0x41, signed(value)),
  eqz: unary<'i32', 'i32'>('i32', 0x45),
  eq: binary<'i32', 'i32', 'i32'>('i32', 0x46),
  ne: binary<'i32', 'i32', 'i32'>('i32', 0x47),
  ltS: binary<'i32', 'i32', 'i32'>('i32', 0x48),
  gtS: binary<'i32', 'i32', 'i32'>('i32', 0x4a),
  geS: binary<'i32', 'i32', 'i32'>('i32', 0x4e),
  add: binary<'i32', 'i32', 'i32'>('i32', 0x6a),
  sub: binary<'i32', 'i32', 'i32'>('i32', 0x6b),
  mul: binary<'i32', 'i32', 'i32'>('i32', 0x6c),
  divU: binary<'i32', 'i32', 'i32'>('i32', 0x6e),
  remU: binary<'i32', 'i32', 'i32'>('i32', 0x70),
  and: binary<'i32', 'i32', 'i32'>('i32', 0x71),
  or: binary<'i32', 'i32', 'i32'>('i32', 0x72),
  shl: binary<'i32', 'i32', 'i32'>('i32', 0x74),
  load: load('i32', [0x28], 2),
  store: store<'i32'>([0x36], 2),
  atomicLoad: load('i32', [0xfe, 0x10], 2),
  atomicStore: store<'i32'>([0xfe, 0x17], 2),
  /** Adds to memory; the value before. */
  atomicAdd: (address: I32, value: I32, offset = 0): I32 =>
    expr('i32', address.code, value.code, [0xfe, 0x1e], memoryOperand(2, offset)),
};

export const f32 = {
  const: (value: number): F32 => expr('f32', 0x43, f32Bytes(value)),
  load: load('f32', [0x2a], 2),
  store: store<'f32'>([0x38], 2),
  demote: unary<'f64', 'f32'>('f32', 0xb6),
};

export const f64 = {
  const: (value: number): F64 => expr('f64', 0x44, f64Bytes(value)),
  load: load('f64', [0x2b], 3),
  store: store<'f64'>([0x39], 3),
  sqrt: unary<'f64', 'f64'>('f64', 0x9f),
  add: binary<'f64', 'f64', 'f64'>('f64', 0xa0),
  sub: binary<'f64', 'f64', 'f64'>('f64', 0xa1),
  mul: binary<'f64', 'f64', 'f64'>('f64', 0xa2),
  div: binary<'f64', 'f64', 'f64'>('f64', 0xa3),
  promote: unary<'f32', 'f64'>('f64', 0xbb),
};

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
    expr(
      'v128',
      simd(12),
      bytesOf((view) => [a, b, c, d].forEach((value, i) => view.setInt32(4 * i, value, true)), 16),
    ),
  not: vectorUnary(77),
  and: vectorBinary(78),
  andnot: vectorBinary(79),
  or: vectorBinary(80),
  xor: vectorBinary(81),
  /** The bits of a where the mask is 1, of b elsewhere. */
  select: (a: V128, b: V128, mask: V128): V128 => expr('v128', a.code, b.code, mask.code, simd(82)),
  anyTrue: unary<'v128', 'i32'>('i32', ...simd(83)),
  /** Sixteen bytes taken from a (0–15) and b (16–31). */
  shuffle: (a: V128, b: V128, lanes: readonly number[]): V128 => expr('v128', a.code, b.code, simd(13), lanes),
};

/** Two 64-bit lanes taken from a (0, 1) and b (2, 3). */
export function shuffle64(a: V128, b: V128, lanes: readonly [number, number]): V128 {
  return v128.shuffle(
    a,
    b,
    lanes.flatMap((lane) => Array.from({ length: 8 }, (_, byte) => 8 * lane + byte)),
  );
}

/** Four 32-bit lanes taken from a (0–3) and b (4–7). */
export function shuffle32(a: V128, b: V128, lanes: readonly [number, number, number, number]): V128 {
  return v128.shuffle(
    a,
    b,
    lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte)),
  );
}

export const f32x4 = {
  const: (value: number): V128 => {
    const bytes = f32Bytes(value);
    return expr('v128', simd(12), bytes, bytes, bytes, bytes);
  },
  splat: unary<'f32', 'v128'>('v128', ...simd(19)),
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
  relaxedMadd: (a: V128, b: V128, c: V128): V128 => expr('v128', a.code, b.code, c.code, simd(0x105)),
};

export const i32x4 = {
  splat: unary<'i32', 'v128'>('v128', ...simd(17)),
  const: (value: number): V128 => v128.const(value, value, value, value),
  eq: vectorBinary(55),
  ltS: vectorBinary(57),
  gtS: vectorBinary(59),
  shl: vectorShift(171),
  shrS: vectorShift(172),
  shrU: vectorShift(173),
  add: vectorBinary(174),
  sub: vectorBinary(177),
  /** Towards zero; NaN → 0, out of range → the nearest integer. */
  truncF32: vectorUnary(248),
  /** The same of two doubles; the upper lanes become 0. */
  truncF64Zero: vectorUnary(252),
  extractLane: extractLane('i32', 27),
};

export const f64x2 = {
  const: (value: number): V128 => {
    const bytes = f64Bytes(value);
    return expr('v128', simd(12), bytes, bytes);
  },
  splat: unary<'f64', 'v128'>('v128', ...simd(20)),
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

// Statements ---------------------------------------------------------------------------------------------------------

export function set<T extends ValueType>(variable: Local<T>, value: Expr<T>): Code {
  return [value.code, 0x21, unsigned(variable.index)];
}

/** Sets the variable and leaves its value. */
export function tee<T extends ValueType>(variable: Local<T>, value: Expr<T>): Expr<T> {
  return expr(variable.type, value.code, 0x22, unsigned(variable.index));
}

/** Evaluates, and forgets the value. */
export function drop(value: Expr): Code {
  return [value.code, 0x1a];
}

/** variable += amount. */
export function increase(variable: Local<'i32'>, amount: number | I32): Code {
  return set(variable, i32.add(variable, typeof amount === 'number' ? i32.const(amount) : amount));
}

export function when(condition: I32, then: Code, otherwise?: Code): Code {
  return [condition.code, 0x04, 0x40, then, otherwise === undefined ? [] : [0x05, otherwise], 0x0b];
}

/** Code that `breakIf` can leave. */
export function block(body: Code): Code {
  return [0x02, 0x40, body, 0x0b];
}

/** Leaves the block that lies `depth` blocks, loops and conditions further out, if the condition holds. */
export function breakIf(condition: I32, depth: number): Code {
  return [condition.code, 0x0d, depth];
}

/** Runs the body, then again while the condition, which the body prepares, holds. */
export function doWhile(body: Code, condition: I32): Code {
  return [0x03, 0x40, body, condition.code, 0x0d, 0, 0x0b];
}

/** Runs the body while the condition holds at its start. */
export function whileLoop(condition: I32, body: Code): Code {
  return [0x02, 0x40, 0x03, 0x40, i32.eqz(condition).code, 0x0d, 1, body, 0x0c, 0, 0x0b, 0x0b];
}

/** for (variable = from; variable < to; variable += step). Signed; `to` is evaluated every time. */
export function forRange(variable: Local<'i32'>, from: I32, to: I32, step: number, body: Code): Code {
  return [set(variable, from), whileLoop(i32.ltS(variable, to), [body, increase(variable, step)])];
}

export function memoryFill(destination: I32, byte: number, bytes: I32): Code {
  return [destination.code, i32.const(byte).code, bytes.code, 0xfc, 11, 0];
}

/** Sleeps while the word at `address` is `expected`, at most so many nanoseconds (below 2³¹). Needs shared memory. */
export function atomicWait(address: I32, expected: I32, nanoseconds: number): Code {
  return [address.code, expected.code, 0x42, signed(nanoseconds), 0xfe, 0x01, memoryOperand(2, 0), 0x1a];
}

/** Wakes all sleepers at `address`. */
export function atomicNotifyAll(address: I32): Code {
  return [address.code, i32.const(-1).code, 0xfe, 0x00, memoryOperand(2, 0), 0x1a];
}

/** Stops with a WebAssembly.RuntimeError. */
export function trap(): Code {
  return [0x00];
}

// Functions and modules ----------------------------------------------------------------------------------------------

/** The type of a function: parameters by name, and what it leaves. */
export interface Signature {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** A function of the module, to be called by others. */
export interface Func {
  readonly index: number;
  readonly signature: Signature;
}

/** What a function's body is written with. */
export interface Body {
  /** The parameters, in order. The types are those of the signature. */
  readonly params: readonly Local<'i32'>[];
  /** A fresh local variable, zero at the start. */
  local<T extends ValueType>(type: T): Local<T>;
}

/** A call of a function without result. */
export function call(callee: Func, ...args: Expr[]): Code {
  if (callee.signature.results.length !== 0)
    throw new TypeError('call of a function with a result used as a statement');
  return callCode(callee, args);
}

/** A call of a function with one i32 result. */
export function callI32(callee: Func, ...args: Expr[]): I32 {
  return expr('i32', callCode(callee, args));
}

/** A call of a function with one v128 result. */
export function callV128(callee: Func, ...args: Expr[]): V128 {
  return expr('v128', callCode(callee, args));
}

function callCode(callee: Func, args: readonly Expr[]): Code {
  const { params } = callee.signature;
  if (args.length !== params.length || args.some((arg, i) => arg.type !== params[i])) {
    throw new TypeError(
      `a call passes (${args.map((arg) => arg.type).join(', ')}) to a function of (${params.join(', ')})`,
    );
  }
  return [args.map((arg) => arg.code), 0x10, unsigned(callee.index)];
}

export interface MemoryImport {
  readonly shared: boolean;
  /** In pages of 64 KiB. */
  readonly minimum: number;
  readonly maximum: number;
}

export interface ModuleBuilder {
  /** Imports a function from module "env". All imports come before the first `func`. */
  importFunc(name: string, signature: Signature): Func;
  /** Adds a function; `write` returns its body as code. Parameters of a signature made of i32 only are typed. */
  func(signature: Signature, write: (body: Body) => Code, exportName?: string): Func;
  /** The bytes of the module. */
  build(): Uint8Array<ArrayBuffer>;
}

function flatten(code: Code, into: number[]): number[] {
  for (const part of code) {
    if (typeof part === 'number') into.push(part);
    else flatten(part, into);
  }
  return into;
}

const section = (id: number, content: Code): Code => {
  const bytes = flatten(content, []);
  return [id, unsigned(bytes.length), bytes];
};
const vector = (items: readonly Code[]): Code => [unsigned(items.length), items];
const nameCode = (text: string): Code => {
  const bytes = [...new TextEncoder().encode(text)];
  return [unsigned(bytes.length), bytes];
};

/** A module that imports its memory as env.memory. */
export function moduleBuilder(memory: MemoryImport): ModuleBuilder {
  const types: Code[] = [];
  const typeIndices = new Map<string, number>();
  const imports: Code[] = [
    [
      nameCode('env'),
      nameCode('memory'),
      0x02,
      memory.shared ? 3 : 1,
      unsigned(memory.minimum),
      unsigned(memory.maximum),
    ],
  ];
  const functionTypes: number[] = [];
  const bodies: Code[] = [];
  const exported: Code[] = [];
  let importedFunctions = 0;

  const typeIndex = ({ params, results }: Signature): number => {
    const key = `${params.join()}>${results.join()}`;
    const known = typeIndices.get(key);
    if (known !== undefined) return known;
    types.push([0x60, vector(params.map((type) => [typeByte[type]])), vector(results.map((type) => [typeByte[type]]))]);
    typeIndices.set(key, types.length - 1);
    return types.length - 1;
  };

  return {
    importFunc(name, signature) {
      if (functionTypes.length > 0)
        throw new TypeError(`the import ${name} must come before the module's own functions`);
      imports.push([nameCode('env'), nameCode(name), 0x00, unsigned(typeIndex(signature))]);
      return { index: importedFunctions++, signature };
    },
    func(signature, write, exportName) {
      const locals: ValueType[] = [];
      const variable = <T extends ValueType>(type: T, index: number): Local<T> => ({
        type,
        index,
        code: [0x20, unsigned(index)],
      });
      // The parameter types that a caller sees are those of the commonest case; `typed` recovers the others.
      const params = signature.params.map((type, i) => variable(type, i)) as Local<'i32'>[];
      const code = write({
        params,
        local: (type) => {
          locals.push(type);
          return variable(type, signature.params.length + locals.length - 1);
        },
      });
      const index = importedFunctions + functionTypes.length;
      functionTypes.push(typeIndex(signature));
      const bytes = flatten([vector(locals.map((type) => [1, typeByte[type]])), code, 0x0b], []);
      bodies.push([unsigned(bytes.length), bytes]);
      if (exportName !== undefined) exported.push([nameCode(exportName), 0x00, unsigned(index)]);
      return { index, signature };
    },
    build() {
      const code: Code = [
        [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
        section(1, vector(types)),
        section(2, vector(imports)),
        section(3, vector(functionTypes.map((type) => unsigned(type)))),
        section(7, vector(exported)),
        section(10, vector(bodies)),
      ];
      return new Uint8Array(flatten(code, []));
    },
  };
}

/** A parameter that is not an i32, under its real type. */
export function typed<T extends ValueType>(variable: Local, type: T): Local<T> {
  if (variable.type !== type) throw new TypeError(`the variable is of type ${variable.type}, not ${type}`);
  return variable as Local<T>;
}
