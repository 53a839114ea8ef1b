/** Statements: what code does, in order. Depths are counted as the specification counts labels, from the inside out. */
import { expr } from './code.ts';
import type { Code, Expr, I32, Local, ValueType } from './code.ts';
import { signed, unsigned } from './encoding.ts';
import { i32, memoryOperand } from './instructions.ts';

/** variable = value. */
export function set<T extends ValueType>(variable: Local<T>, value: Expr<T>): Code {
  return `${value.code}\x21${unsigned(variable.index)}`;
}

/** Sets the variable and leaves its value. */
export function tee<T extends ValueType>(variable: Local<T>, value: Expr<T>): Expr<T> {
  return expr(variable.type, `${value.code}\x22${unsigned(variable.index)}`);
}

/** Evaluates, and forgets the value. */
export function drop(value: Expr): Code {
  return `${value.code}\x1a`;
}

/** variable += amount. */
export function increase(variable: Local<'i32'>, amount: number | I32): Code {
  return set(variable, i32.add(variable, typeof amount === 'number' ? i32.const(amount) : amount));
}

/** if (condition) then; else otherwise. */
export function when(condition: I32, then: Code, otherwise?: Code): Code {
  return [condition.code, '\x04\x40', then, otherwise === undefined ? [] : ['\x05', otherwise], '\x0b'];
}

/** variable = min(variable, most). Signed. */
export function atMost(variable: Local<'i32'>, most: I32): Code {
  return when(i32.gtS(variable, most), set(variable, most));
}

/** Code that `breakIf` can leave. */
export function block(body: Code): Code {
  return ['\x02\x40', body, '\x0b'];
}

/** Leaves the block that lies `depth` blocks, loops and conditions further out, if the condition holds. */
export function breakIf(condition: I32, depth: number): Code {
  return `${condition.code}\x0d${unsigned(depth)}`;
}

/** Runs the body, then again while the condition, which the body prepares, holds. */
export function doWhile(body: Code, condition: I32): Code {
  return ['\x03\x40', body, condition.code, '\x0d\x00\x0b'];
}

/** Runs the body while the condition holds at its start. */
export function whileLoop(condition: I32, body: Code): Code {
  return ['\x02\x40\x03\x40', i32.eqz(condition).code, '\x0d\x01', body, '\x0c\x00\x0b\x0b'];
}

/** for (variable = from; variable < to; variable += step). Signed; `to` is evaluated every time. */
export function forRange(variable: Local<'i32'>, from: I32, to: I32, step: number, body: Code): Code {
  return [set(variable, from), whileLoop(i32.ltS(variable, to), [body, increase(variable, step)])];
}

/** Sets so many bytes from an address on to one value. */
export function memoryFill(destination: I32, byte: number, bytes: I32): Code {
  return `${destination.code}${i32.const(byte).code}${bytes.code}\xfc\x0b\x00`;
}

/** Sleeps while the word at `address` is `expected`, at most so many nanoseconds (below 2³¹). Needs shared memory. */
export function atomicWait(address: I32, expected: I32, nanoseconds: number): Code {
  return `${address.code}${expected.code}\x42${signed(nanoseconds)}\xfe\x01${memoryOperand(2, 0)}\x1a`;
}

/** Wakes all sleepers at `address`. */
export function atomicNotifyAll(address: I32): Code {
  return `${address.code}${i32.const(-1).code}\xfe\x00${memoryOperand(2, 0)}\x1a`;
}

/** Stops with a WebAssembly.RuntimeError. */
export function trap(): Code {
  return '\x00';
}
