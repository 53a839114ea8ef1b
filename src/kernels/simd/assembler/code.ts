/**
 * What WebAssembly code is made of. An expression is a value of a known type and the code that pushes it; a statement
 * is code that leaves the stack as it was. Both are plain data (nested lists of bytes), so a kernel generator is an
 * ordinary function that returns code.
 */

/** The types of variables, parameters and results that kernels use. */
export type ValueType = 'i32' | 'f32' | 'f64' | 'v128';

/** Bytes, nested so that code is composed without copying; or those of a whole part, one behind the other. */
export type Code = Uint8Array | readonly (number | Code)[];

/** Code that pushes one value of type `type`. */
export interface Expr<T extends ValueType = ValueType> {
  readonly type: T;
  readonly code: Code;
}

/** A parameter or local variable; as an expression it reads the variable. */
export interface Local<T extends ValueType = ValueType> extends Expr<T> {
  readonly index: number;
}

/** A 32-bit integer: a number, or an address in bytes. */
export type I32 = Expr<'i32'>;
/** A single-precision number. */
export type F32 = Expr<'f32'>;
/** A double-precision number. */
export type F64 = Expr<'f64'>;
/** A vector of 128 bits; the instructions say what they take its lanes for. */
export type V128 = Expr<'v128'>;

/** The expression of these bytes. */
export function expr<T extends ValueType>(type: T, ...code: readonly (number | Code)[]): Expr<T> {
  return { type, code };
}
