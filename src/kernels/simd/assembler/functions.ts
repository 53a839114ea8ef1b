/** Functions: what their bodies are written with, and how they are called. */
import { expr, joined } from './code.ts';
import type { Code, Expr, I32, Local, V128, ValueType } from './code.ts';
import { unsigned } from './encoding.ts';

/** The type of a function: of its parameters, in order, and of what it leaves. */
export interface Signature<P extends readonly ValueType[] = readonly ValueType[]> {
  readonly params: P;
  readonly results: readonly ValueType[];
}

/** A function of the module, to be called by others. */
export interface Func {
  readonly index: number;
  readonly signature: Signature;
}

/** What a function's body is written with. */
export interface Body<P extends readonly ValueType[] = readonly ValueType[]> {
  /** The parameters, in order. */
  readonly params: { readonly [I in keyof P]: Local<P[I]> };
  /** A fresh local variable, zero at the start. */
  local<T extends ValueType>(type: T): Local<T>;
  /** Fresh local variables without end, for a pattern that takes as many as it names: `[x, y] = body.locals('i32')`. */
  locals<T extends ValueType>(type: T): Iterable<Local<T>>;
}

/** A call of a function without result. Throws a TypeError where the arguments are not those of its signature. */
export function call(callee: Func, ...args: Expr[]): Code {
  if (callee.signature.results.length !== 0)
    throw new TypeError('call of a function with a result used as a statement');
  return callCode(callee, args);
}

/** A call of a function with one i32 result. Throws like `call`. */
export function callI32(callee: Func, ...args: Expr[]): I32 {
  return expr('i32', callCode(callee, args));
}

/** A call of a function with one v128 result. Throws like `call`. */
export function callV128(callee: Func, ...args: Expr[]): V128 {
  return expr('v128', callCode(callee, args));
}

function callCode(callee: Func, args: readonly Expr[]): string {
  const { params } = callee.signature;
  if (args.length !== params.length || args.some((arg, i) => arg.type !== params[i])) {
    throw new TypeError(
      `a call passes (${args.map((arg) => arg.type).join(', ')}) to a function of (${params.join(', ')})`,
    );
  }
  return `${joined(args.map((arg) => arg.code))}\x10${unsigned(callee.index)}`;
}
