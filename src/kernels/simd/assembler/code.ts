/**
 * What WebAssembly code is made of. An expression is a value of a known type and the code that pushes it; a statement
 * is code that leaves the stack as it was. Both are plain data, so a kernel generator is an ordinary function that
 * returns code.
 */

/** The types of variables, parameters and results that kernels use. */
export type ValueType = 'i32' | 'f32' | 'f64' | 'v128';

/**
 * Bytes, each a character from \x00 to \xff: engines join strings without copying them. Or pieces of code, one behind
 * the other.
 */
export type Code = string | readonly Code[];

/** Code that pushes one value of type `type`. */
export interface Expr<T extends ValueType = ValueType> {
  readonly type: T;
  readonly code: string;
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
export function expr<T extends ValueType>(type: T, code: string): Expr<T> {
  return { type, code };
}

/** All of the code as one string. */
export function joined(code: Code): string {
  if (typeof code === 'string') return code;
  let all = '';
  for (const part of code) all += joined(part);
  return all;
}
